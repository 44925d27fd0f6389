"""The guards of the workflows: what may run, where, on whose code, and with which rights."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / ".github" / "workflows").glob("*.y*ml"))


def load(path):
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    workflow["on"] = workflow.pop(True)  # YAML 1.1 reads the key `on` as a truth value
    return workflow


WORKFLOWS = {path.stem: load(path) for path in FILES}
JOBS = {
    f"{name}.{key}": job
    for name, workflow in WORKFLOWS.items()
    for key, job in workflow["jobs"].items()
}
STEPS = [(name, step) for name, job in JOBS.items() for step in job["steps"]]
RUNS = [(name, step["run"]) for name, step in STEPS if "run" in step]
USES = [(name, step) for name, step in STEPS if "uses" in step]


def targets():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


def test_there_are_the_two():
    assert {"check", "gpu"} <= WORKFLOWS.keys()


@pytest.mark.parametrize("name", WORKFLOWS)
def test_no_workflow_gives_a_stranger_s_code_rights(name):
    assert "pull_request_target" not in WORKFLOWS[name]["on"]
    assert "workflow_run" not in WORKFLOWS[name]["on"]
    assert WORKFLOWS[name]["permissions"] == {}
    assert "concurrency" in WORKFLOWS[name]


@pytest.mark.parametrize("name", JOBS)
def test_every_job_states_its_rights_and_its_limit(name):
    permissions = JOBS[name]["permissions"]
    assert permissions in ({}, {"contents": "read"})
    assert isinstance(JOBS[name]["timeout-minutes"], int)


@pytest.mark.parametrize("name, step", USES)
def test_every_action_is_pinned_by_commit(name, step):
    assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", step["uses"]), name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_pin_says_which_version_it_is(path):
    lines = [line for line in path.read_text().splitlines() if "uses:" in line]
    for line in lines:
        assert re.search(r"# v\d+\.\d+\.\d+$", line)


@pytest.mark.parametrize("name, step", [u for u in USES if "actions/checkout@" in u[1]["uses"]])
def test_a_checkout_leaves_no_credentials(name, step):
    assert step["with"]["persist-credentials"] is False, name


@pytest.mark.parametrize("name, command", RUNS)
def test_every_command_is_a_make_target(name, command):
    if name == "gpu.notice":  # tells people something, and does nothing
        assert re.fullmatch(r'echo "::notice::[^"$`{}]*"', command)
    else:
        found = re.fullmatch(r"make ([a-z-]+)", command)
        assert found
        assert found[1] in targets()


def test_the_check_builds_and_tests_every_push_and_pull_request():
    assert {"push", "pull_request"} <= WORKFLOWS["check"]["on"].keys()
    commands = [command for name, command in RUNS if name.startswith("check.")]
    assert commands == ["make check", "make html", "make test"]


def test_only_main_writes_the_cache():
    saves = [step for _, step in USES if "actions/cache/save@" in step["uses"]]
    assert saves
    assert all(step["if"] == "github.ref == 'refs/heads/main'" for step in saves)
    # The action that restores and saves in one would write from a pull request, too.
    assert not [step for _, step in USES if "actions/cache@" in step["uses"]]


def test_the_gpu_never_sees_a_fork_s_code():
    on = WORKFLOWS["gpu"]["on"]
    assert on.keys() == {"push", "schedule", "workflow_dispatch"}
    assert on["push"] == {"branches": ["main"]}
    conditions = [part.strip() for part in JOBS["gpu.gpu"]["if"].split("&&")]
    assert "github.event.repository.fork == false" in conditions
    assert "github.ref == 'refs/heads/main'" in conditions


def test_without_a_gpu_runner_the_job_is_skipped_with_a_notice():
    assert JOBS["gpu.gpu"]["runs-on"] == "${{ vars.GPU_RUNNER }}"
    assert "vars.GPU_RUNNER != ''" in JOBS["gpu.gpu"]["if"]
    assert JOBS["gpu.notice"]["if"] == "vars.GPU_RUNNER == ''"


def test_our_own_machine_runs_nothing_else():
    others = [job["runs-on"] for name, job in JOBS.items() if name != "gpu.gpu"]
    assert all(re.fullmatch(r"ubuntu-\d\d\.04", machine) for machine in others)
