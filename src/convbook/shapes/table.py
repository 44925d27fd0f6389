"""The table of a network's layers, and the forms in which it shows itself."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from html import escape
from math import prod
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    from convbook.shapes.fields import Field

Number = int | float | Fraction


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
        lines = self._lines()
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        header, *rows, total = ["  ".join(self._aligned(line, widths)).rstrip() for line in lines]
        rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
        return "\n".join([header, rule, *rows, rule, total])

    def to_markdown(self) -> str:
        """As a table in Markdown."""
        header, *rows = [[_escaped(cell) for cell in line] for line in self._lines()]
        marks = ["---:" if title in _NUMBERS else "---" for title in header]
        return "\n".join(f"| {' | '.join(line)} |" for line in [header, marks, *rows])

    def to_csv(self) -> str:
        """As comma-separated values: one line a layer, one number a cell, no totals."""
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_CSV_COLUMNS)
        writer.writerows(_flat(row) for row in self.rows)
        return file.getvalue()

    def to_json(self) -> str:
        """As JSON: ``layers`` with the fields of `Row`, then the totals."""
        layers = [
            {name: _plain(value) for name, value in vars(row).items()}
            | {"activations": row.activations}
            for row in self.rows
        ]
        record = {
            "layers": layers,
            "parameters": self.parameters,
            "multiply_adds": self.multiply_adds,
        }
        return json.dumps(record, ensure_ascii=False, indent=2)

    def _repr_html_(self) -> str:
        header, *rows, total = self._lines()
        titles = "".join(f'<th scope="col"{_side(t)}>{escape(t)}</th>' for t in header)
        body = "\n".join(self._html_row(header, row) for row in rows)
        return (
            '<div class="layer-table" role="region" aria-label="Table of layers" tabindex="0">\n'
            f"<table>\n<thead><tr>{titles}</tr></thead>\n<tbody>\n{body}\n</tbody>\n"
            f"<tfoot>{self._html_row(header, total)}</tfoot>\n</table>\n</div>"
        )

    def _html_row(self, header: Sequence[str], row: Sequence[str]) -> str:
        name, *cells = map(escape, row)
        rest = "".join(
            f"<td{_side(title)}>{cell}</td>" for title, cell in zip(header[1:], cells, strict=True)
        )
        return f'<tr><th scope="row">{name}</th>{rest}</tr>'

    def _lines(self) -> list[list[str]]:
        """Titles, layers and totals, as the cells of the table for people."""
        lines = [_TITLES, *map(_cells, self.rows)]
        totals = {"parameters": self.parameters, "multiply-adds": self.multiply_adds}
        lines.append(["Total", *(f"{totals[t]:,}" if t in totals else "" for t in _TITLES[1:])])
        if self.kinds:
            return [list(line) for line in lines]
        return [[cell for n, cell in enumerate(line) if n != 1] for line in lines]

    def _aligned(self, line: Sequence[str], widths: Sequence[int]) -> list[str]:
        titles = self._lines()[0]
        return [
            cell.rjust(width) if title in _NUMBERS else cell.ljust(width)
            for title, cell, width in zip(titles, line, widths, strict=True)
        ]


_TITLES = [
    "layer",
    "kind",
    "weights + biases",
    "parameters",
    "output",
    "field",
    "stride",
    "offset",
    "multiply-adds",
]
_NUMBERS = set(_TITLES[3:])
_CSV_COLUMNS = [
    "name",
    "kind",
    "expression",
    "parameters",
    "height",
    "width",
    "channels",
    "receptive_field_rows",
    "receptive_field_columns",
    "stride_rows",
    "stride_columns",
    "offset_rows",
    "offset_columns",
    "multiply_adds",
]


def _cells(row: Row) -> list[str]:
    """A row for people."""
    field, stride, offset = row.receptive_field, row.stride, row.offset
    return [
        row.name,
        row.kind,
        row.expression,
        f"{row.parameters:,}",
        "×".join(map(str, row.output_shape)),
        "×".join(map(str, field)) if field else "",
        "×".join(map(str, _once(stride))) if stride else "",
        ", ".join(_number(value) for value in _once(offset)) if offset else "",
        f"{row.multiply_adds:,}",
    ]


def _once(pair: tuple[Number, Number]) -> tuple[Number, ...]:
    """A pair of equal numbers as one."""
    return pair[:1] if pair[0] == pair[1] else pair


def _number(value: Number) -> str:
    return f"{float(value):.1f}".removesuffix(".0").replace("-", "−")


def _flat(row: Row) -> list[Any]:
    """A row for machines; a flat output is so many channels."""
    shape = (None, None, *row.output_shape) if len(row.output_shape) == 1 else row.output_shape
    pairs = [row.receptive_field, row.stride, row.offset]
    numbers = [value for pair in pairs for value in (_plain(pair) or (None, None))]
    return [row.name, row.kind, row.expression, row.parameters, *shape, *numbers, row.multiply_adds]


def _plain(value: Any) -> Any:
    """A value for JSON: a fraction is a decimal there."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return float(value) if isinstance(value, Fraction) else value


def _escaped(cell: str) -> str:
    return cell.replace("\\", "\\\\").replace("|", "\\|")


def _side(title: str) -> str:
    return ' class="number"' if title in _NUMBERS else ""
