"""What every chapter's text must keep to, whatever it is about."""

import ast
import re
from pathlib import Path

import pytest

from convbook.exercises import all_exercises
from sitekit import chapter
from sitekit.project import Project

PROJECT = Project(Path(__file__).parents[2])
CHAPTERS = [path for path in PROJECT.pages() if "\nchapter:" in path.read_text()]


@pytest.fixture(params=CHAPTERS, ids=lambda path: path.stem)
def path(request) -> Path:
    return request.param


@pytest.fixture
def text(path) -> str:
    return path.read_text()


def test_every_exercise_has_a_hint_and_a_worked_solution(text):
    labels = re.findall(r"^```\{exercise\}.*\n:label: (\S+)$", text, re.MULTILINE)
    assert len(labels) >= 8
    assert len(set(labels)) == len(labels)
    for label in labels:
        _, _, after = text.partition(f":label: {label}\n")
        exercise, _, rest = after.partition(":::{dropdown} Hint")
        hint, _, solution = rest.partition(f"```{{solution-start}} {label}\n:class: dropdown\n")
        worked, _, _ = solution.partition("```{solution-end}")
        assert "```{exercise}" not in exercise + hint + worked, label
        assert hint.strip(), label
        (asked,) = re.findall(r"`check\(\"(\S+?)\"", exercise)
        assert f'check("{asked}", ' in worked, label


def test_every_check_that_is_written_is_asked_and_the_reverse(text, path):
    asked = set(re.findall(r"`check\(\"(\S+?)\"", text))
    written = {id for id in all_exercises() if id.startswith(f"{path.stem}-")}
    assert asked == written


def test_code_that_a_reader_sees_at_once_is_short(path):
    _, notebook = chapter.read(PROJECT, path)
    for cell in chapter.code_cells(notebook):
        if not {"hide-input", "remove-cell"} & set(cell.metadata.get("tags", [])):
            assert len(cell.source.splitlines()) <= 20, cell.source


def test_lines_of_code_fit_the_page(path):
    """80 characters fill the column; what the page folds away may be a little longer."""
    _, notebook = chapter.read(PROJECT, path)
    for cell in chapter.code_cells(notebook):
        hidden = {"hide-input", "remove-input", "remove-cell"} & set(cell.metadata.get("tags", []))
        for line in cell.source.splitlines():
            assert len(line) <= (92 if hidden else 80), line


def test_functions_that_a_chapter_shows_fit_the_page(text, path):
    shown = re.findall(r"^```\{literalinclude\} (\S+)\n(?::.*\n)*?:pyobject: ([\w.]+)$", text, re.M)
    assert len(shown) == text.count("{literalinclude}")
    for file, name in shown:
        source = (path.parent / file).read_text()
        found = ast.parse(source)
        for part in name.split("."):
            (found,) = (node for node in found.body if getattr(node, "name", "") == part)
        for line in ast.get_source_segment(source, found).splitlines():
            assert len(line) <= 80, line


def test_sections_have_labels_that_stay_when_titles_change(text, path):
    for title in re.findall(r"^(.*)\n##+ (.*)$", text, re.MULTILINE):
        above, name = title
        assert re.fullmatch(rf"\({path.stem}-[a-z0-9-]+\)=", above), name


def test_prose_has_none_of_the_words_that_belittle_a_reader(text):
    assert not re.findall(r"\b(simply|obviously|clearly|trivial(?:ly)?|of course)\b", text, re.I)
