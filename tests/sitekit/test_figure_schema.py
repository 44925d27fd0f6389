"""The schema of figures.json accepts what is published, and nothing else."""

import copy
import json

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from published_figures import document, entry, figure_files

from sitekit import figure_schema
from sitekit.project import BuildError

GOOD = document(*(entry(name, figure_files(name)) for name in ("small-a", "small-b")))


def keys(value: object, path: tuple = ()) -> list[tuple]:
    """The paths of all keys of objects that the contract lists, at any depth."""
    found = []
    for key, item in value.items() if isinstance(value, dict) else []:
        found += [(*path, key), *keys(item, (*path, key))]
    for index, item in enumerate(value) if isinstance(value, list) else []:
        found += keys(item, (*path, index))
    return found


FREE = {"files", "interval"}  # whose own keys are names of files and of columns
REQUIRED = [path for path in keys(GOOD) if len(path) < 2 or path[-2] not in FREE]


def holder(found: dict, path: tuple) -> dict:
    for key in path[:-1]:
        found = found[key]
    return found


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(json.loads(figure_schema.PATH.read_text()))


def test_it_accepts_what_is_published():
    figure_schema.validate(GOOD)


@pytest.mark.parametrize(
    "facts",
    [
        {"code": None, "interval": None},
        {"interval": {"mean": {"low": "low", "high": "high"}}},
        {"reproduced": {"status": "new", "against": None, "detail": ""}},
    ],
)
def test_it_accepts_every_kind_of_figure(facts):
    figure_schema.validate(document(entry("small-a", figure_files("small-a"), **facts)))


@given(st.sampled_from(REQUIRED))
def test_no_key_can_be_left_out(path):
    bad = copy.deepcopy(GOOD)
    del holder(bad, path)[path[-1]]
    with pytest.raises(BuildError) as caught:
        figure_schema.validate(bad)
    assert any(str(key) in str(caught.value) for key in path[-2:])


@given(st.sampled_from(REQUIRED))
def test_no_key_can_be_added(path):
    bad = copy.deepcopy(GOOD)
    holder(bad, path)["stranger"] = 1
    with pytest.raises(BuildError) as caught:
        figure_schema.validate(bad)
    assert "stranger" in str(caught.value)


@pytest.mark.parametrize(
    "path, value",
    [
        (("edition",), "../1"),
        (("$schema",), "https://example.org/other.json"),
        (("figures", 1, "id"), "Small B"),
        (("figures", 1, "title"), ""),
        (("figures", 1, "page"), "small.html"),
        (("figures", 1, "licence"), "MIT"),
        (("figures", 1, "files"), {}),
        (("figures", 1, "files", "../up.svg"), {"sha256": "0" * 64, "bytes": 1}),
        (("figures", 1, "files", "small-b.svg", "sha256"), "0" * 63),
        (("figures", 1, "files", "small-b.svg", "bytes"), 1.5),
        (("figures", 1, "interval"), {}),
        (("figures", 1, "interval", "loss"), "seed"),
        (("figures", 1, "interval", "seconds", "factor"), 1),
        (("figures", 1, "interval", "loss"), {"draws": "seed", "factor": 2}),
        (("figures", 1, "reproduced", "status"), "perhaps"),
        (("figures", 1, "provenance", "seeds"), ["0"]),
        (("figures", 1, "provenance", "commit"), "HEAD"),
        (("figures", 1, "provenance", "date"), "yesterday"),
        (("figures", 1, "citation", "bibtex"), "misc"),
    ],
)
def test_a_planted_fault_is_found_at_its_path(path, value):
    bad = copy.deepcopy(GOOD)
    holder(bad, path)[path[-1]] = value
    with pytest.raises(BuildError) as caught:
        figure_schema.validate(bad)
    message = str(caught.value)
    if path[0] == "figures":
        assert "figures[1]" in message
        assert path[2] in message
    else:
        assert path[0] in message


@pytest.mark.parametrize(
    "facts",
    [
        {"id": "small-b"},  # its files and addresses are another's
        {"page": "small.html#small-b"},
        {"landing": "figures/small-b.html"},
        {"files": entry("small-b", figure_files("small-b"))["files"]},
    ],
)
def test_an_entry_is_about_one_figure(facts):
    with pytest.raises(BuildError, match=facts.get("id", "small-a")):
        figure_schema.validate(document(entry("small-a", figure_files("small-a")) | facts))


@pytest.mark.parametrize("end", [".svg", "-narrow.svg", ".pdf", ".png"])
def test_a_figure_has_the_files_of_the_contract(end):
    figure = entry("small-a", figure_files("small-a"))
    del figure["files"][f"small-a{end}"]
    with pytest.raises(BuildError, match=f"small-a{end}"):
        figure_schema.validate(document(figure))


def test_an_id_has_one_entry():
    with pytest.raises(BuildError, match="small-a"):
        figure_schema.validate(document(GOOD["figures"][0], GOOD["figures"][0]))
