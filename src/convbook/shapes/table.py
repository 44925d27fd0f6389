"""The table of a network's layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import prod
from typing import TYPE_CHECKING, overload

from convbook.shapes import forms

if TYPE_CHECKING:
    from convbook.shapes.fields import Field


@dataclass(frozen=True)
class Row:
    """One layer. Pairs are (rows, columns), in pixels of the image.

    Attributes
    ----------
    name
        As the spec writes it, or a module's path in its model: ``"layer1.0.conv1"``.
    kind
        torch's class or function: ``"Conv2d"``, ``"add"``.
    expression
        How its parameters are counted: ``"3×3×1×10 + 10"``, weights and biases.
    parameters
        Their number.
    output_shape
        (height, width, channels), or (n,) once flattened.
    receptive_field
        The window of the image that one entry of the output sees; the largest, where they differ.
        Padding counts as though the image went on. None where it is unknown.
    stride
        From one output to the next; None where all see the same, or where it is unknown.
    offset
        The centre of what the first output sees; 0 is the centre of the first pixel.
    multiply_adds
        Products of a weight and an input, for one image.
    """

    name: str
    kind: str
    expression: str
    parameters: int
    output_shape: tuple[int, ...]
    receptive_field: tuple[int, int] | None
    stride: tuple[int | Fraction, int | Fraction] | None
    offset: tuple[float, float] | None
    multiply_adds: int

    @property
    def activations(self) -> int:
        """How many numbers the output holds."""
        return prod(self.output_shape)


def make_row(
    name: str,
    kind: str,
    output_shape: tuple[int, ...],
    field: Field | None,
    tensors: Sequence[Sequence[int]] = (),
    multiply_adds: int = 0,
) -> Row:
    """A row whose parameters are tensors of the given sizes, and whose output has that field."""
    return Row(
        name=name,
        kind=kind,
        expression=" + ".join("×".join(map(str, sizes or [1])) for sizes in tensors) or "0",
        parameters=sum(map(prod, tensors)),
        output_shape=output_shape,
        receptive_field=field.receptive_field if field else None,
        stride=field.stride if field else None,
        offset=field.offset if field else None,
        multiply_adds=multiply_adds,
    )


@dataclass(frozen=True, repr=False)
class LayerTable(Sequence[Row]):
    """The rows of a network; shows itself as a table, in a terminal and in a notebook."""

    rows: tuple[Row, ...]
    kinds: bool = field(default=True, compare=False)  # show them too; a spec's names say them

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> LayerTable: ...
    def __getitem__(self, index: int | slice) -> Row | LayerTable:
        """A row, or a table of some of the rows."""
        if isinstance(index, slice):
            return LayerTable(self.rows[index], self.kinds)
        return self.rows[index]

    def __len__(self) -> int:
        """How many rows there are, the input's included."""
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        """The rows in turn."""
        return iter(self.rows)

    @property
    def parameters(self) -> int:
        """Of all rows."""
        return sum(row.parameters for row in self.rows)

    @property
    def multiply_adds(self) -> int:
        """Of all rows, for one image."""
        return sum(row.multiply_adds for row in self.rows)

    def __repr__(self) -> str:
        """The table for a terminal."""
        return forms.as_text(self)

    def _repr_html_(self) -> str:
        return forms.as_html(self)

    def to_markdown(self) -> str:
        """As a table in Markdown, with the totals."""
        return forms.as_markdown(self)

    def to_csv(self) -> str:
        """As comma-separated values: a line for each row, no totals; sizes as 28x28x1."""
        return forms.as_csv(self)

    def to_json(self) -> str:
        """As JSON: ``layers`` with the attributes of `Row`, then the totals."""
        return forms.as_json(self)
