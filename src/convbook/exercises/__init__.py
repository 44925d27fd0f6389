"""Exercises that check themselves: ``check("filters-blur", answer)``.

Each chapter's exercises are functions in the module of its name; see `exercise` for how to write
one. Nothing but NumPy is needed, so that the checks also run inside a web page.
"""

from __future__ import annotations

import sys
from typing import Any

from convbook.exercises._answers import array, integer, number, one_of, result_of
from convbook.exercises._judging import Exercise, Hint, Verdict, exercise
from convbook.exercises._registry import exercises_of, find

__all__ = [
    "Exercise",
    "Hint",
    "Verdict",
    "all_exercises",
    "array",
    "check",
    "exercise",
    "integer",
    "number",
    "one_of",
    "result_of",
]


def check(id: str, answer: Any) -> Verdict:
    """Say whether an answer is right; if it is not, give a hint that does not give it away.

    Parameters
    ----------
    id
        The exercise, ``<chapter>-<slug>``, as its text names it.
    answer
        Whatever the exercise asks for; an answer of the wrong kind gets a hint, too.

    Returns
    -------
    verdict
        True in a condition where the answer is right; shows itself in a notebook.

    Raises
    ------
    ValueError
        If there is no exercise of this id.
    """
    return find(sys.modules[__name__], id)(answer)


def all_exercises() -> dict[str, Exercise]:
    """Every exercise of the book, by its id."""
    return exercises_of(sys.modules[__name__])
