"""The command ``convbook figures compare``: its verdict, its forms, its mistakes."""

import json
import subprocess
import sys

import numpy as np
import pytest
from figure_builds import write_build

from convbook.command import main

DRAWN = {"interval": {"pooled, max": {"draws": "seed"}}}


def draws(seed, shift=0.0):
    """Ten draws of two numbers, other ones for another seed."""
    values = np.random.default_rng(seed).normal([[1.0], [2.0]], 0.1, (2, 10)).ravel()
    return {
        "net": ["CNN"] * 10 + ["MLP"] * 10,
        "seed": [*range(10), *range(10)],
        "pooled, max": values + shift,
    }


@pytest.fixture
def build(tmp_path):
    def write(name, **figures):
        return str(write_build(tmp_path / name, figures))

    return write


@pytest.fixture
def compared(capsys):
    """The exit code and what was printed."""

    def run_here(*arguments):
        status = main(["figures", "compare", *arguments])
        out, err = capsys.readouterr()
        assert err == ""
        assert out.endswith("\n")
        return status, out

    return run_here


def test_a_build_is_the_same_as_itself(build, compared):
    path = build("old", drawn=(draws(0), DRAWN), picture=(None, {}))
    status, out = compared(path, path)
    assert status == 0
    assert out.splitlines() == ["2 figures: 2 identical."]
    status, out = compared(path, path, "--all")
    assert status == 0
    assert {"drawn", "picture"} <= set(out.split())


def test_other_seeds_are_within_and_a_planted_change_is_beyond(build, compared):
    old = build("old", drawn=(draws(0), DRAWN))
    status, out = compared(old, build("again", drawn=(draws(1), DRAWN)))
    assert (status, out.split()[0]) == (0, "within")
    status, out = compared(old, build("planted", drawn=(draws(1, shift=0.5), DRAWN)))
    assert (status, out.split()[0]) == (1, "beyond")
    assert "pooled, max" in out


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
@pytest.mark.parametrize(
    "old, new, status",
    [("ab", "ab", 0), ("a", "ab", 0), ("ab", "a", 1), ("a", "b", 1), ("", "", 0)],
)
def test_a_lost_figure_is_a_failure_and_a_new_one_is_none(build, compared, form, old, new, status):
    paths = [
        build(side, **{id: (draws(0), DRAWN) for id in ids})
        for side, ids in (("old", old), ("new", new))
    ]
    assert compared(*paths, "--format", form)[0] == status


def test_the_forms_agree(build, compared):
    old = build("old", a=(draws(0), DRAWN), b=(draws(0), DRAWN), c=(None, {}), d=(None, {}))
    new = build("new", a=(draws(1), DRAWN), b=(draws(0, 1.0), DRAWN), c=(None, {}), e=(None, {}))
    expected = {"a": "within", "b": "beyond", "c": "identical", "d": "lost", "e": "new"}
    status, out = compared(old, new, "--format", "json")
    record = json.loads(out)
    assert status == 1
    assert {figure["id"]: figure["status"] for figure in record["figures"]} == expected
    (column,) = next(figure for figure in record["figures"] if figure["id"] == "b")["columns"]
    assert column["column"] == "pooled, max"
    assert column["rule"] == {"draws": "seed"}
    assert column["new"] == pytest.approx(column["old"] + 1)
    status, out = compared(old, new, "--format", "markdown", "--site", "https://example.org")
    assert status == 1
    rows = [line for line in out.splitlines() if line.startswith("|")][2:]
    assert len(rows) == 4
    assert sum("https://example.org/chapter.html#" in row for row in rows) == 3
    status, out = compared(old, new, "--format", "markdown", "--all")
    assert len([line for line in out.splitlines() if line.startswith("|")][2:]) == 5


@pytest.mark.parametrize(
    "arguments, named",
    [
        ([], "action"),
        (["contrast"], "contrast"),
        (["compare"], "OLD.json"),
        (["compare", "old/figures.json"], "NEW.json"),
        (["compare", "old/figures.json", "nowhere.json"], "nowhere.json"),
        (["compare", "old", "old/figures.json"], "old"),
        (["compare", "old/a.csv", "old/figures.json"], "a.csv"),
        (["compare", "old/figures.json", "old/figures.json", "--format", "xml"], "xml"),
        (["compare", "old/figures.json", "bare/figures.json"], "a.csv"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(build, capsys, monkeypatch, tmp_path, arguments, named):
    build("old", a=(draws(0), DRAWN))
    build("bare", a=(draws(0), DRAWN))
    (tmp_path / "bare" / "a.csv").unlink()
    monkeypatch.chdir(tmp_path)
    try:
        status = main(["figures", *arguments])
    except SystemExit as end:  # as argparse ends
        status = end.code
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert err.startswith("convbook figures")
    assert err.count("\n") == 1
    assert named in err


def test_as_a_program(build):
    paths = [build("old", a=(draws(0), DRAWN)), build("new", b=(draws(0), DRAWN))]
    for given, status in ((paths, 1), (paths[:1] * 2, 0), (["none.json"] * 2, 2)):
        done = subprocess.run(
            [sys.executable, "-m", "convbook", "figures", "compare", *given],
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
        assert done.returncode == status
        assert "Traceback" not in done.stderr


def test_identical_builds_need_no_heavy_module(build):
    path = build("old", a=(draws(0), DRAWN))
    code = (
        "import sys; from convbook.command import main; path = sys.argv[1]; "
        "main(['figures', 'compare', path, path]); "
        "print(sorted({'torch', 'numpy', 'scipy', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
