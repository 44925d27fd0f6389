"""What the tests of every chapter's exercises share: tables of answers, tried one by one."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from convbook.exercises import all_exercises, check


def cases(table: dict[str, list[Any]]) -> list[Any]:
    """The answers of a table, by the ids of their exercises, as parameters ``id, answer``."""
    return [
        pytest.param(id, answer, id=f"{id}-{n}")
        for id, answers in table.items()
        for n, answer in enumerate(answers)
    ]


def ids_of(chapter: str) -> set[str]:
    """The exercises of a chapter: ten or more."""
    ids = {id for id in all_exercises() if id.startswith(f"{chapter}-")}
    assert len(ids) >= 10
    return ids


def accept(id: str, answer: Any) -> None:
    """Assert that an answer is right, and that the reader is told why."""
    verdict = check(id, answer)
    assert verdict, verdict
    assert verdict.message


def hint_for(id: str, answer: Any) -> str:
    """Assert that an answer is wrong, in a way that the exercise's author foresaw; the hint."""
    verdict = check(id, answer)
    assert not verdict
    assert "cannot be checked" not in verdict.message
    assert len(verdict.message) > 10
    return verdict.message


def loaded_by_check(id: str, answer: Any) -> set[str]:
    """Which of the heavy packages a fresh Python has loaded after a right answer was checked."""
    code = (
        "import sys; from convbook.exercises import check; "
        f"assert check({id!r}, {answer!r}); "
        "print(*{'torch', 'scipy', 'skimage', 'matplotlib'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())
