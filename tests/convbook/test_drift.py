"""What a figure may state about its numbers, and what became of the figures of a build."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
from figure_builds import entry, write_build
from hypothesis import given
from hypothesis import strategies as st

from convbook.drift import STATUSES, compare, compare_figure, rules
from convbook.rendering import to_csv

COLUMNS = ["net", "seed", "pooled, max", "low", "high", "seconds"]
PLAIN = {"x": [1, 2, 3], "y": [0.1, 0.2, 0.3]}
MOVED = {"x": [1, 2, 3], "y": [0.1, 0.2, 0.4]}


@pytest.fixture
def compared(tmp_path):
    """What became of each figure, from two builds as `write_build` takes them."""

    def run_here(old, new):
        paths = [write_build(tmp_path / name, b) for name, b in (("old", old), ("new", new))]
        return {figure.id: figure for figure in compare(*paths)}

    return run_here


@pytest.mark.parametrize(
    "interval, expected",
    [
        ({}, {}),
        ({"pooled, max": "seed"}, {"pooled, max": {"draws": "seed"}}),
        ({"pooled, max": ("low", "high")}, {"pooled, max": {"low": "low", "high": "high"}}),
        ({"pooled, max": ["low", "high"]}, {"pooled, max": {"low": "low", "high": "high"}}),
        ({"seconds": 3}, {"seconds": {"factor": 3.0}}),
        ({"seconds": np.float64(1.5)}, {"seconds": {"factor": 1.5}}),
        (
            {"seconds": 3, "net": "seed", "low": "seed"},
            {"seconds": {"factor": 3.0}, "net": {"draws": "seed"}, "low": {"draws": "seed"}},
        ),
    ],
)
def test_the_rules_that_a_chapter_can_state(interval, expected):
    found = rules(interval, COLUMNS)
    assert found == expected
    assert json.loads(json.dumps(found)) == expected


@pytest.mark.parametrize(
    "interval, named",
    [
        ({"accuracy": "seed"}, ["'accuracy'", "'net'", "'pooled, max'"]),
        ({"net": "seeds"}, ["'seeds'", "'seed'"]),
        ({"net": ("low", "hi")}, ["'hi'", "'high'"]),
        ({"net": 1}, ["'net'", "1", "factor"]),
        ({"net": 0.5}, ["0.5"]),
        ({"net": True}, ["True"]),
        ({"net": float("inf")}, ["inf"]),
        ({"net": float("nan")}, ["nan"]),
        ({"net": None}, ["None"]),
        ({"net": ("low",)}, ["low"]),
        ({"net": ("low", 3)}, ["low"]),
        ({"net": {"draws": "seed"}}, ["draws"]),
        ({"net": "seed", "seed": 3}, ["'seed'"]),
        ({"net": ("low", "high"), "high": 2.0}, ["'high'"]),
        ({"net": "net"}, ["'net'"]),
        ({"net": ("net", "high")}, ["'net'"]),
        ({"net": ("low", "low")}, ["low"]),
        ({"net": "seed", "seconds": "low"}, ["'seed'", "'low'"]),
        ({"net": "seed", "seconds": ("low", "high")}, ["'seed'", "'seconds'"]),
        (["net"], ["net"]),
    ],
)
def test_a_rule_that_is_none_is_refused(interval, named):
    with pytest.raises(ValueError, match="interval") as refused:
        rules(interval, COLUMNS)
    assert all(name in str(refused.value) for name in named)
    assert "\n" not in str(refused.value)


def test_rules_need_no_heavy_module():
    code = (
        "import sys; from convbook.drift import rules; rules({'a': 's', 'b': 2}, 'abs'); "
        "print({'torch', 'scipy', 'numpy', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_every_status(compared):
    seeds = {"seed": [0, 1, 2], "y": [1.0, 2.0, 3.0]}
    found = compared(
        {
            "same": (PLAIN, {}),
            "again": (seeds, {"interval": {"y": {"draws": "seed"}}}),
            "moved": (PLAIN, {}),
            "gone": (PLAIN, {}),
        },
        {
            "novel": (PLAIN, {}),
            "moved": (MOVED, {}),
            "same": (PLAIN, {}),
            "again": (
                {"seed": [3, 4, 5], "y": [1.5, 2.1, 3.2]},
                {"interval": {"y": {"draws": "seed"}}},
            ),
        },
    )
    assert {id: figure.status for id, figure in found.items()} == {
        "novel": "new",
        "moved": "beyond",
        "same": "identical",
        "again": "within",
        "gone": "lost",
    }
    assert list(found) == ["novel", "moved", "same", "again", "gone"]  # as built, then the lost
    assert {figure.status for figure in found.values()} == set(STATUSES)
    assert found["gone"].title == "The finding of gone"
    assert found["moved"].worst.row == {"x": "3"}
    assert found["again"].detail == ""


def test_a_rounding_is_no_change(compared):
    almost = {**PLAIN, "y": [0.1, 0.2 + 1e-9, 0.3]}
    figure = compared({"a": (PLAIN, {})}, {"a": (almost, {})})["a"]
    assert (figure.status, figure.columns, figure.redrawn) == ("identical", (), False)


@pytest.mark.parametrize("numbers", [PLAIN, {**PLAIN, "y": [0.1, 0.2 + 1e-9, 0.3]}])
def test_the_same_numbers_in_another_drawing(compared, numbers):
    figure = compared({"a": (PLAIN, {})}, {"a": (numbers, {"drawing": "another"})})["a"]
    assert (figure.status, figure.redrawn) == ("identical", True)


def test_numbers_that_moved_are_not_only_redrawn(compared):
    figure = compared({"a": (PLAIN, {})}, {"a": (MOVED, {"drawing": "another"})})["a"]
    assert (figure.status, figure.redrawn) == ("beyond", False)


@pytest.mark.parametrize("drawing, status", [("drawing", "identical"), ("another", "beyond")])
def test_without_numbers_the_drawing_counts(compared, drawing, status):
    figure = compared({"a": (None, {})}, {"a": (None, {"drawing": drawing})})["a"]
    assert (figure.status, figure.redrawn, bool(figure.detail)) == (
        status,
        False,
        status == "beyond",
    )


@pytest.mark.parametrize("old, new", [(PLAIN, None), (None, PLAIN)])
def test_numbers_that_came_or_went(compared, old, new):
    figure = compared({"a": (old, {})}, {"a": (new, {})})["a"]
    assert figure.status == "beyond"
    assert figure.detail


def test_other_columns_are_beyond(compared):
    figure = compared({"a": (PLAIN, {})}, {"a": ({**PLAIN, "z": [1, 2, 3]}, {})})["a"]
    assert (figure.status, figure.columns, figure.worst) == ("beyond", (), None)
    assert "z" in figure.detail


@pytest.mark.parametrize("before", [None, {"y": {"factor": 1.01}}])
def test_the_new_interval_applies_and_that_is_told(compared, before):
    now = {"interval": {"y": {"factor": 2.0}}}
    figure = compared({"a": (PLAIN, {"interval": before})}, {"a": (MOVED, now)})["a"]
    assert figure.status == "within"
    assert figure.worst.rule == {"factor": 2.0}
    assert "intervals" in figure.detail
    figure = compared({"a": (PLAIN, now)}, {"a": (MOVED, {"interval": before})})["a"]
    assert figure.status == "beyond"
    assert "intervals" in figure.detail


@pytest.mark.parametrize(
    "interval, named",
    [
        ({"z": {"factor": 2.0}}, "'z'"),
        ({"y": {"factor": "2"}}, "'2'"),
        ({"y": {"draws": 2}}, "draws"),
        ({"y": {"factor": 2, "draws": "x"}}, "draws"),
        (["y"], "y"),
        ("y", "y"),
    ],
)
def test_an_entry_with_a_wrong_interval_is_refused(compared, interval, named):
    with pytest.raises(ValueError, match="figure a: interval.*" + named):
        compared({"a": (PLAIN, {})}, {"a": (MOVED, {"interval": interval})})


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=8), st.integers(0, 7))
def test_one_figure_by_its_entries(values, place):
    place %= len(values)
    changed = [value + (i == place) for i, value in enumerate(values)]
    data, other = {"x": range(len(values)), "y": values}, {"x": range(len(values)), "y": changed}
    csv, moved = to_csv(data).encode(), to_csv(other).encode()
    assert compare_figure(None, entry("a"), None, csv).status == "new"
    assert compare_figure(entry("a"), entry("a"), csv, csv).status == "identical"
    figure = compare_figure(entry("a"), entry("a"), csv, moved)
    assert figure.status == "beyond"
    assert figure.worst.row == ({"x": str(place)} if len(values) > 1 else {})


def test_the_page_of_its_own_is_the_address():
    landed = compare_figure(None, entry("a", landing="figures/a.html"), None, None)
    assert landed.address == "figures/a.html"
    assert compare_figure(None, entry("a"), None, None).address == "chapter.html#a"


def test_results_cannot_be_changed():
    figure = compare_figure(None, entry("a"), None, None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        figure.status = "identical"


def test_a_file_that_is_listed_and_missing_is_told(tmp_path):
    old, new = (write_build(tmp_path / name, {"a": (PLAIN, {})}) for name in ("old", "new"))
    (tmp_path / "old" / "a.csv").unlink()
    with pytest.raises(ValueError, match=r"a\.csv"):
        compare(old, new)
    with pytest.raises(ValueError, match=r"a\.csv"):
        compare(new, old)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"figures": {}}',
        b'{"figures": [3]}',
        b'{"figures": [{"id": "a"}]}',
        b'{"figures": [{"id": 3, "files": {}}]}',
        b'{"figures": [{"id": "a", "files": {}}, {"id": "a", "files": {}}]}',
    ],
)
def test_a_file_that_is_no_list_of_figures_is_told(tmp_path, content):
    path = tmp_path / "figures.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"figures\.json") as refused:
        compare(path, path)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_told(tmp_path):
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(ValueError, match=r"cannot be read|folder"):
            compare(path, path)


def test_a_table_that_is_none_is_told(tmp_path):
    old, new = (write_build(tmp_path / name, {"a": (PLAIN, {})}) for name in ("old", "new"))
    (tmp_path / "new" / "a.csv").write_text("x,y\n1\n")
    with pytest.raises(ValueError, match=r"new a\.csv"):
        compare(old, new)
