"""The forms in which a table of layers shows itself."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from fractions import Fraction
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convbook.shapes.table import LayerTable, Row

WORDS = ["layer", "kind", "weights + biases"]  # columns that stand to the left, the others right
NUMBERS = ["parameters", "output", "field", "stride", "offset", "multiply-adds"]


def as_text(table: LayerTable) -> str:
    """Columns apart by two blanks, for a terminal."""
    lines = _lines(table)
    columns = []
    for title, *cells in zip(*lines, strict=True):
        width = max(map(len, [title, *cells]))
        align = str.ljust if title in WORDS else str.rjust
        columns.append([align(cell, width) for cell in [title, *cells]])
    header, *rows, total = ["  ".join(line) for line in zip(*columns, strict=True)]
    rule = "─" * len(header)
    return "\n".join(line.rstrip() for line in [header, rule, *rows, rule, total])


def as_markdown(table: LayerTable) -> str:
    """A table of Markdown."""
    header, *rows = [[_escaped(cell) for cell in line] for line in _lines(table)]
    marks = ["---" if title in WORDS else "---:" for title in header]
    return "\n".join(f"| {' | '.join(line)} |" for line in [header, marks, *rows])


def as_html(table: LayerTable) -> str:
    """A table of HTML, in a box that scrolls by itself, by keyboard too."""
    header, *rows, total = _lines(table)
    sides = ["" if title in WORDS else ' class="number"' for title in header]

    def line(cells: Sequence[str]) -> str:
        name, *rest = map(escape, cells)
        tail = (f"<td{side}>{cell}</td>" for side, cell in zip(sides[1:], rest, strict=True))
        return f'<tr><th scope="row">{name}</th>{"".join(tail)}</tr>'

    titles = (
        f'<th scope="col"{side}>{title}</th>' for side, title in zip(sides, header, strict=True)
    )
    label = f"Table of {len(table) - 1} layers with {table.parameters:,} parameters"
    body = "\n".join(map(line, rows))
    return (
        f'<div class="layer-table" role="region" aria-label="{label}" tabindex="0">\n'
        f"<table>\n<thead><tr>{''.join(titles)}</tr></thead>\n<tbody>\n{body}\n</tbody>\n"
        f"<tfoot>{line(total)}</tfoot>\n</table>\n</div>"
    )


def as_csv(table: LayerTable) -> str:
    """Comma-separated values: pairs in two columns each, shapes as 28x28x1, no totals."""
    file = io.StringIO()
    pairs = ("receptive_field", "stride", "offset")
    columns = ["name", "kind", "expression", "parameters", "output_shape"]
    columns += [f"{name}_{axis}" for name in pairs for axis in ("rows", "columns")]
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*columns, "multiply_adds"])
    for row in table:
        start = [row.name, row.kind, row.expression, row.parameters]
        shape = "x".join(map(str, row.output_shape))
        numbers = [value for name in pairs for value in _plain(getattr(row, name)) or ("", "")]
        writer.writerow([*start, shape, *numbers, row.multiply_adds])
    return file.getvalue()


def as_json(table: LayerTable) -> str:
    """A JSON object: the layers, and the totals."""
    layers = [
        {
            **{name: _plain(value) for name, value in vars(row).items()},
            "activations": row.activations,
        }
        for row in table
    ]
    totals = {"parameters": table.parameters, "multiply_adds": table.multiply_adds}
    return json.dumps({"layers": layers, **totals}, ensure_ascii=False, indent=2)


def _lines(table: LayerTable) -> list[list[str]]:
    """Titles, layers and totals, as cells for people."""
    totals = {"parameters": table.parameters, "multiply-adds": table.multiply_adds}
    titles = [*WORDS, *NUMBERS]
    total = ["Total", *(f"{totals[title]:,}" if title in totals else "" for title in titles[1:])]
    lines = [titles, *map(_cells, table), total]
    return lines if table.kinds else [line[:1] + line[2:] for line in lines]


def _cells(row: Row) -> list[str]:
    field, stride, offset = row.receptive_field, row.stride, row.offset
    return [
        row.name,
        row.kind,
        row.expression,
        f"{row.parameters:,}",
        "×".join(map(str, row.output_shape)),
        "×".join(map(str, field)) if field else "",
        "×".join(map(str, _once(stride))) if stride else "",
        ", ".join(map(_number, _once(offset))) if offset else "",
        f"{row.multiply_adds:,}",
    ]


def _once(pair: Sequence[Any]) -> Sequence[Any]:
    """A pair of equal numbers as one."""
    return pair[:1] if pair[0] == pair[1] else pair


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0").replace("-", "−")


def _plain(value: Any) -> Any:
    """A value as JSON has it, where a fraction is a decimal."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return float(value) if isinstance(value, Fraction) else value


def _escaped(cell: str) -> str:
    return cell.replace("\\", "\\\\").replace("|", "\\|")
