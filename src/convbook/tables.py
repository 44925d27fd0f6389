"""A small table that shows itself, in a terminal and in a notebook."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, repr=False)
class Table:
    """Columns of texts by their headings; the first column names the rows.

    Raises
    ------
    ValueError
        If the columns differ in length.
    """

    columns: Mapping[str, Sequence[str]]

    def __post_init__(self) -> None:
        """Refuse a ragged table."""
        lengths = {name: len(column) for name, column in self.columns.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"columns have the lengths {lengths}; they must be equal")

    def __repr__(self) -> str:
        """The table for a terminal: the first column to the left, numbers to the right."""
        columns = [[name, *values] for name, values in self.columns.items()]
        widths = [max(map(len, column)) for column in columns]
        lines = []
        for row in zip(*columns, strict=True):
            first, *others = zip(row, widths, strict=True)
            cells = [first[0].ljust(first[1]), *(text.rjust(width) for text, width in others)]
            lines.append("  ".join(cells).rstrip())
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        # The class of the layers' tables: it scrolls inside itself on a phone.
        first, *others = self.columns
        head = f'<th scope="col">{html.escape(first)}</th>' + "".join(
            f'<th scope="col" class="number">{html.escape(name)}</th>' for name in others
        )
        body = "".join(
            f'<tr><th scope="row">{html.escape(row)}</th>'
            + "".join(f'<td class="number">{html.escape(text)}</td>' for text in others)
            + "</tr>"
            for row, *others in zip(*self.columns.values(), strict=True)
        )
        return (
            f'<div class="layer-table" role="region" aria-label="{html.escape(first)}" '
            f'tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
        )
