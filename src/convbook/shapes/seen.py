"""What the entries of a tensor have seen of the image, and how rules say what comes of it.

A rule is given one call of a function of torch's, and returns what the entries of its result have
seen, or None where it does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from convbook.shapes import fields
from convbook.shapes.fields import Axis, Field, Touch

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Seen:
    """What the entries of a tensor have seen of the image.

    The layout has a letter for each axis of the tensor: ``h`` and ``w`` where the rows and the
    columns of the map run, ``*`` where positions have been flattened into one line, and ``.`` for
    batch and channels. An image (N, C, H, W) has ``..hw``.
    """

    field: Field
    layout: str

    @property
    def is_constant(self) -> bool:
        """Whether all entries see the same."""
        return not (self.field.rows.shift or self.field.columns.shift)


@dataclass(frozen=True)
class Call:
    """One call of a function, for its rule."""

    seen: Seen  # by its first argument
    before: Shape  # of that argument
    after: Shape  # of the result
    values: tuple[Any, ...]  # the arguments behind, in order
    given: Mapping[str, Any]  # and by name

    def get(self, name: str, default: Any = None) -> Any:
        """An argument, or what it is where it was not given."""
        return self.given.get(name, default)


Rule = Callable[[Call], Seen | None]


class Rules(dict[str, tuple[Rule, list[str]]]):
    """Rules by the names of the functions they are for, with the names of the arguments."""

    def of(self, functions: str, arguments: str = "") -> Callable[[Rule], Rule]:
        """Add the rule below for these functions, with these arguments behind the input."""

        def add(function: Rule) -> Rule:
            self.update({name: (function, arguments.split()) for name in functions.split()})
            return function

        return add


def fitted(seen: Seen, shape: Shape) -> Seen | None:
    """The same with axes as long as the tensor's; None where they cannot be."""
    if len(seen.layout) != len(shape) or seen.layout.count("*") > 1:
        return None
    flat = "*" in seen.layout

    def along(letter: str, axis: Axis) -> Axis | None:
        if letter not in seen.layout:
            return axis if flat else fields.repeated(axis, 1)
        length = shape[seen.layout.index(letter)]
        if axis.length == length:
            return axis
        fits = axis.length == 1 or not axis.shift
        return fields.repeated(axis, length) if fits else None

    rows, columns = along("h", seen.field.rows), along("w", seen.field.columns)
    return Seen(Field(rows, columns, flat), seen.layout) if rows and columns else None


def through(seen: Seen, touches: Mapping[str, Touch], layout: str, shape: Shape) -> Seen:
    """After an operation along some axes, h or w, with a result of that layout and shape."""

    def along(letter: str, axis: Axis) -> Axis:
        if letter not in touches:
            return axis
        length = shape[layout.index(letter)] if letter in layout else 1
        return fields.after(axis, touches[letter], length)

    field = seen.field
    return Seen(Field(along("h", field.rows), along("w", field.columns)), layout)


def everything(seen: Seen, letters: Iterable[str]) -> dict[str, Touch]:
    """All positions along the axes of these letters; in a flat line run those without their own."""
    flattened = {letter for letter in "hw" if letter not in seen.layout}
    axes = {"h": seen.field.rows, "w": seen.field.columns}
    return {
        letter: fields.everything(axis.length)
        for letter, axis in axes.items()
        if letter in letters or ("*" in letters and letter in flattened)
    }


def places(dims: Any, layout: Sequence[str]) -> list[int]:
    """Places of axes, which may be counted from the end, counted from the front."""
    return [dim % len(layout) for dim in (dims if isinstance(dims, Sequence) else [dims])]
