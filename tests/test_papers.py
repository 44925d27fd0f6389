"""The project's papers agree with the package and with each other."""

import re
import tomllib
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import yaml

import convbook

ROOT = Path(__file__).parents[1]
AUTHORS = "The authors of Convolutional Networks, Computed"


@pytest.fixture(scope="module")
def citation():
    return yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def package():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def pins():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [pin for line in lines if (pin := line.partition("#")[0].strip())]


def test_the_citation_has_what_its_format_requires(citation):
    assert citation["cff-version"] == "1.2.0"
    for key in ("message", "title", "authors"):
        assert citation[key]
    assert citation["type"] in {"software", "dataset"}
    assert isinstance(citation["date-released"], date)
    book = citation["preferred-citation"]
    assert {"type", "title", "authors"} <= book.keys()
    assert book["title"] == citation["title"]


def test_the_citation_is_of_this_edition(citation):
    book = citation["preferred-citation"]
    assert str(citation["version"]) == str(book["edition"]) == convbook.__version__
    assert book["year"] == citation["date-released"].year


def test_the_authors_are_the_same_everywhere(citation, package):
    assert citation["authors"] == [{"name": AUTHORS}]
    assert citation["preferred-citation"]["authors"] == [{"name": AUTHORS}]
    assert package["authors"] == [{"name": AUTHORS}]
    for name in ("LICENSE", "LICENSE-content"):
        assert AUTHORS in (ROOT / name).read_text(encoding="utf-8")


def test_the_licences_are_the_same_everywhere(citation, package):
    assert citation["license"] == "BSD-3-Clause"
    assert package["license"].partition(" AND ")[0] == "BSD-3-Clause"
    assert citation["preferred-citation"]["license"] == "CC-BY-4.0"
    content = (ROOT / "LICENSE-content").read_text(encoding="utf-8")
    assert "CC-BY-4.0" in content
    assert "https://creativecommons.org/licenses/by/4.0/legalcode" in content


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "LICENSE-content"])
def test_what_a_paper_names_exists(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    folders = r"(?<![\w/<.-])(?:book|src|tests|records)/(?:[\w.-]+/?)*"
    for path in [*links, *re.findall(folders, text)]:
        if not re.search(r"/test_$|exercises/$", path):  # these stand before a <placeholder>
            assert (ROOT / path.rstrip(".")).exists(), path


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_the_commands_of_a_paper_exist(name):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    text = (ROOT / name).read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE))
    assert named
    assert named <= targets


def test_the_example_of_the_readme_runs():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names = {}
    exec(example, names)
    wrong = names["check"]("filters-twice", np.ones((5, 5)) / 25)
    assert not wrong  # as its comment says


def test_every_pin_is_exact():
    exact = re.compile(r"[\w.-]+(\[[\w,-]+\])?==\d[\w.+!-]*( *;.*)?")
    assert pins()
    for pin in pins():
        assert exact.fullmatch(pin), pin


def test_torch_is_pinned_and_torchvision_is_not():
    assert "torch==2.13.0" in pins()
    assert not [pin for pin in pins() if pin.startswith("torchvision")]
