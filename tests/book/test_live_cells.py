"""Live cells: each runs alone, with NumPy and convbook only, and does not disturb its chapter."""

import ast
import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from sitekit import chapter
from sitekit.live_files import RUNNER
from sitekit.project import Project

PROJECT = Project(Path(__file__).parents[2])
PAGES = [
    path for path in PROJECT.pages() if re.search(r"^:tags: \[.*\blive\b", path.read_text(), re.M)
]

# A process in which all but NumPy and convbook is missing, as in the page; each cell in a namespace
# of its own, and then all of the page in one.
RUN = """
import importlib.util, json, sys

class Refuse:
    def find_spec(self, name, *_):
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names and top not in {"numpy", "convbook"}:
            raise ModuleNotFoundError(f"there is no {name}", name=name)

spec = importlib.util.spec_from_file_location("live_runner", sys.argv[1])
runner = importlib.util.module_from_spec(spec)
spec.loader.exec_module(runner)
sys.meta_path.insert(0, Refuse())
cells, pieces = json.load(sys.stdin), []
def emit(kind, text):
    pieces.append([kind, text])
def run(session, cell):
    pieces.clear()
    session.run(cell, "live cell 1")
    return list(pieces)
alone = [run(runner.Session(emit), cell) for cell in cells]
together = runner.Session(emit)
print(json.dumps([alone, [run(together, cell) for cell in cells]]))
"""


def tags(cell):
    return set(cell.metadata.get("tags", []))


@cache
def code_cells(path):
    return chapter.code_cells(chapter.read(PROJECT, path)[1])


def live_cells(path):
    return [cell for cell in code_cells(path) if "live" in tags(cell)]


@pytest.fixture(params=PAGES, ids=lambda path: path.stem)
def path(request) -> Path:
    return request.param


def test_the_chapters_that_need_numpy_alone_have_live_cells():
    chapters = {"filters", "feature-dimensions", "transposed-and-dilated", "gradients"}
    assert {path.stem for path in PAGES} >= chapters
    for path in PAGES:
        assert len(live_cells(path)) >= 3
        assert sum("first-attempt" in tags(cell) for cell in live_cells(path)) >= 2


def test_each_runs_alone_and_after_the_others_with_the_same_result(path):
    sources = [cell.source for cell in live_cells(path)]
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(RUNNER)],
        input=json.dumps(sources),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    alone, together = json.loads(done.stdout)
    assert alone == together
    for cell, pieces in zip(live_cells(path), alone, strict=True):
        kinds = {kind for kind, _ in pieces}
        assert kinds, cell.source  # there is something to see
        assert not kinds & {"error", "stderr"}, pieces
        hint = any(kind == "html" and "try-again" in text for kind, text in pieces)
        assert hint == ("first-attempt" in tags(cell))


def test_a_live_cell_fits_an_editor(path):
    for cell in live_cells(path):
        lines = cell.source.splitlines()
        assert len(lines) <= 15, cell.source
        assert max(map(len, lines)) <= 80, cell.source


def bound(source: str) -> set[str]:
    """The names that a cell binds for the cells after it, by other means than an import."""
    found = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
            return  # what is inside is its own
        if isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp
                      | ast.GeneratorExp):  # fmt: skip
            return
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(source))
    return found - {"_"}


def test_a_live_cell_takes_no_name_from_the_rest_of_its_chapter(path):
    """A reader may change it, and the chapter goes on in another kernel: both must not matter."""
    others = [cell for cell in code_cells(path) if "live" not in tags(cell)]
    taken = set().union(*(bound(cell.source) for cell in others))
    for cell in live_cells(path):
        assert not bound(cell.source) & taken, cell.source


def test_a_live_cell_publishes_nothing(path):
    for cell in live_cells(path):
        assert not re.search(r"\b(figure|glue|answer|data_file)\(", cell.source)


def test_a_first_attempt_stands_between_its_exercise_and_the_hint(path):
    text = path.read_text()
    for cell in live_cells(path):
        asked = re.findall(r'check\("([^"]+)"', cell.source)
        assert len(asked) == ("first-attempt" in tags(cell)), cell.source
        for id in asked:
            (label,) = re.findall(
                rf"^:label: (\S+)\n(?:(?!^:label:)[\s\S])*?`check\(\"{id}\"", text, re.M
            )
            _, _, after = text.partition(f":label: {label}\n")
            until_hint, _, _ = after.partition(":::{dropdown} Hint")
            assert cell.source in until_hint


def test_the_buttons_are_explained_once_before_the_first_of_them(path):
    text = path.read_text()
    assert len(re.findall(r"^\{\.live-note\}\n\S", text, re.M)) == 1
    assert text.index("{.live-note}") < re.search(r"^:tags: \[.*\blive\b", text, re.M).start()
