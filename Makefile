# The only place for commands. People and CI call the same targets; `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help html test lab serve check format gpu times bench record edition clean

VENV := .venv
PYTHON ?= python3
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(STAMP): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is " + sys.version)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

html: $(STAMP) ## execute the chapters and build the site into _build/html
	@$(BIN)/python -m sitekit build

test: html browser ## build, then run every test, the browser's too
	@$(BIN)/python -m pytest -n auto

.PHONY: browser
browser: $(STAMP)
	@$(BIN)/python tests/browser/chromium.py --install

# A double click on a chapter opens it as a notebook: a setting of this environment alone.
LAB_SETTINGS := $(VENV)/share/jupyter/lab/settings/overrides.json
$(LAB_SETTINGS): $(STAMP)
	@mkdir -p $(@D)
	@echo '{"@jupyterlab/docmanager-extension:plugin": {"defaultViewers": {"markdown": "Jupytext Notebook"}}}' > $@

lab: $(LAB_SETTINGS) ## open the chapters as notebooks in JupyterLab
	cd book && ../$(BIN)/jupyter lab

serve: $(STAMP) ## live preview that reloads when a file is saved
	@$(BIN)/python -m sitekit serve

check: $(STAMP) ## lint, format, types, spelling, workflows
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/codespell
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/zizmor --offline --quiet .github/workflows

format: $(STAMP) ## let ruff format and mend the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# The first line refuses before anything is installed; the second asks torch, which may not suit the
# driver.
gpu: ## on a CUDA GPU: take the readings anew, then build; fails where there is none
	@nvidia-smi -L >/dev/null 2>&1 || { echo "make gpu: nvidia-smi finds no GPU here" >&2; exit 2; }
	@$(MAKE) --no-print-directory $(STAMP)
	@$(BIN)/python -m convbook.memory.readings --anew
	@CONVBOOK_REQUIRE_GPU=1 $(BIN)/python -m sitekit build

times: $(STAMP) ## take the seconds that the book shows, anew, on this machine's processor
	@$(BIN)/python -m convbook.memory.readings --device cpu --anew

bench: html browser ## performance, as ratios in one run
	@$(BIN)/python -m benchmarks

record: html ## accept the numbers behind the figures as they are: what later builds are held against
	@$(BIN)/python -m sitekit record

edition: html ## freeze the figures as the edition that CITATION.cff names, for a release
	@$(BIN)/python -m sitekit edition

clean: ## forget what was built; the environment stays
	rm -rf _build
