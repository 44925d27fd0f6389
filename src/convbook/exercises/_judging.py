"""From an answer to a verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any


@dataclass(frozen=True, repr=False)
class Verdict:
    """Whether an answer is right, and what to say about it."""

    id: str
    right: bool
    message: str

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return " ".join(filter(None, [self._word, self.message]))

    def _repr_html_(self) -> str:
        kind = "right" if self.right else "try-again"
        message = f" {escape(self.message)}" if self.message else ""
        return f'<p class="verdict {kind}"><strong>{self._word}</strong>{message}</p>'

    @property
    def _word(self) -> str:
        return "Right." if self.right else "Not yet."


class Hint(Exception):
    """What to tell a reader whose answer cannot be judged; raised while looking at an answer."""


@dataclass(frozen=True)
class Exercise:
    """An exercise: called with an answer it gives a verdict. Made by `exercise`."""

    id: str
    judge: Callable[[Any], str | None]
    because: str = ""

    def __call__(self, answer: Any) -> Verdict:
        """Judge an answer. Nothing that a reader can pass in raises."""
        try:
            hint = self.judge(answer)
        except Hint as said:
            hint = str(said)
        except Exception as error:
            # An answer too odd for the exercise's author to have thought of.
            hint = f"This answer cannot be checked: {type(error).__name__}: {error}"
        return Verdict(self.id, hint is None, self.because if hint is None else hint)


def exercise(id: str, because: str = "") -> Callable[[Callable[[Any], str | None]], Exercise]:
    """Make an exercise of the function below.

    The function takes an answer and returns None where it is right, and otherwise a hint: a
    sentence that says what to look at without giving the answer away. It judges what the answer
    does rather than compare it with one solution. It reads the answer through `array`, `number`,
    `integer`, `one_of` or `result_of`, which tell a reader what was expected.

    Parameters
    ----------
    id
        ``<chapter>-<slug>``. The function lives in the module of that chapter.
    because
        Why it is right: said to a reader who has found the answer.

    Examples
    --------
    >>> @exercise("filters-half", because="Two halves make a whole.")
    ... def half(answer):
    ...     if number(answer) > 0.5:
    ...         return "Twice your number is more than 1."
    ...     if number(answer) < 0.5:
    ...         return "Twice your number is less than 1."
    >>> half(0.5)
    Right. Two halves make a whole.
    >>> half(2)
    Not yet. Twice your number is more than 1.
    """

    def make(judge: Callable[[Any], str | None]) -> Exercise:
        return Exercise(id, judge, because)

    return make
