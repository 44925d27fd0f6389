"""Read an answer as what an exercise asks for, or tell the reader what that was, by a `Hint`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from convbook._arguments import as_array
from convbook.exercises._judging import Hint

if TYPE_CHECKING:
    from jaxtyping import Float


def array(answer: Any, *shape: int | None) -> Float[np.ndarray, "*shape"]:
    """The answer as an array of finite float64, as ``array(answer, 3, 3)`` of 3 rows and 3 columns.

    A length of None may be any; without lengths, so may the shape.
    """
    try:
        values = as_array("Your answer", answer)
    except ValueError as error:
        raise Hint(f"{error}. {_expected(shape)}") from None
    if shape and not _fits(values.shape, shape):
        raise Hint(f"Your answer has the shape {values.shape}. {_expected(shape)}")
    if not np.isfinite(values).all():
        raise Hint("Your answer holds an entry that is infinite or not a number.")
    return values


def number(answer: Any) -> float:
    """The answer as one finite number; an array that holds one number will do."""
    try:
        values = array(answer)
    except Hint:
        values = np.empty(0)
    if values.size != 1 or isinstance(answer, bool | np.bool_):
        raise Hint(f"The exercise asks for one number; your answer is {_brief(answer)}.")
    return float(values.item())


def integer(answer: Any) -> int:
    """The answer as a whole number; 3.0 is one, True is none."""
    value = number(answer)
    if not value.is_integer():
        raise Hint(f"The exercise asks for a whole number; your answer is {_brief(answer)}.")
    return int(value)


def one_of(answer: Any, choices: Sequence[str]) -> str:
    """The answer as one of several words, whatever its case."""
    for choice in choices:
        if isinstance(answer, str) and answer.strip().casefold() == choice.casefold():
            return choice
    words = ", ".join(repr(choice) for choice in choices)
    raise Hint(f"The exercise asks for one of {words}; your answer is {_brief(answer)}.")


def result_of(answer: Callable[..., Any], *arguments: Any) -> Any:
    """What a function that a reader wrote returns. Give it copies of what it must not change."""
    if not callable(answer):
        raise Hint(f"The exercise asks for a function; your answer is {_brief(answer)}.")
    try:
        return answer(*arguments)
    except Exception as error:
        raise Hint(f"Your function raises {type(error).__name__}: {error}") from None


def _fits(actual: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(actual) == len(wanted) and all(
        want in (None, length) for length, want in zip(actual, wanted, strict=True)
    )


def _expected(shape: tuple[int | None, ...]) -> str:
    if not shape:
        return "The exercise asks for an array of numbers."
    lengths = " × ".join("any" if length is None else str(length) for length in shape)
    return f"The exercise asks for an array of numbers, {lengths}."


def _brief(answer: Any) -> str:
    """The answer as Python writes it, cut where it is long."""
    text = " ".join(repr(answer).split())
    return text if len(text) <= 60 else f"{text[:57]}…"
