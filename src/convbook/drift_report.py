"""What moved between two builds of the figures: for a terminal, a pull request, a program."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from convbook.drift import STATUSES, FigureDrift
from convbook.drift_tables import ROW, ColumnDrift

HEADINGS = ("figure", "status", "what moved most", "old → new", "allowed")


def as_text(figures: Sequence[FigureDrift], *, everything: bool = False) -> str:
    """A line for each figure that moved, or for each, the gravest first; and the counts."""
    rows = []
    for figure in _listed(figures, everything):
        what, change, allowed = told(figure)
        limit = f"allowed: {allowed}" if allowed else ""
        rows.append((figure.status, figure.id, what, change, limit))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([*lines, *([""] if lines else []), summary(figures)])


def as_markdown(figures: Sequence[FigureDrift], *, everything: bool = False, site: str = "") -> str:
    """The same as a table with links, below the counts.

    ``site`` is the address that the figures' own are relative to.
    """
    lines = [summary(figures)]
    listed = _listed(figures, everything)
    if listed:
        lines += ["", f"| {' | '.join(HEADINGS)} |", f"|{' --- |' * len(HEADINGS)}"]
    for figure in listed:
        link = _escaped(figure.id)
        if figure.address and figure.status != "lost":
            address = f"{site.rstrip('/')}/{figure.address}" if site else figure.address
            link = f"[{link}](<{address}>)"
        cells = [link, figure.status, *map(_escaped, told(figure))]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def as_json(figures: Sequence[FigureDrift]) -> str:
    """All there is, the identical figures too; what is infinite or missing is null."""
    content = {"counts": counts(figures), "figures": list(map(dataclasses.asdict, figures))}
    return json.dumps(_finite(content), indent=1, ensure_ascii=False, allow_nan=False)


def counts(figures: Iterable[FigureDrift]) -> dict[str, int]:
    """How many figures there are of each status."""
    found = Counter(figure.status for figure in figures)
    return {status: found[status] for status in STATUSES}


def summary(figures: Sequence[FigureDrift]) -> str:
    """The counts in a line."""
    redrawn = sum(figure.redrawn for figure in figures)
    parts = [
        f"{count} {status}"
        + (f" ({redrawn} of them drawn anew)" if status == "identical" and redrawn else "")
        for status, count in reversed(counts(figures).items())
        if count
    ]
    return f"{len(figures)} figure{'s' * (len(figures) != 1)}: {', '.join(parts) or 'none'}."


def _listed(figures: Iterable[FigureDrift], everything: bool) -> list[FigureDrift]:
    listed = [figure for figure in figures if everything or figure.status != "identical"]
    return sorted(listed, key=lambda figure: STATUSES.index(figure.status))


def told(figure: FigureDrift) -> tuple[str, str, str]:
    """What moved most; from what to what; what is allowed."""
    worst = figure.worst
    notes = [figure.detail, "drawn anew" if figure.redrawn else ""]
    if worst is None:
        return "; ".join(filter(None, notes)), "", ""
    place = ", ".join(f"{'row' if key == ROW else key} {cell}" for key, cell in worst.row.items())
    what = f"{worst.column} ({place})" if place else worst.column
    old, new, allowed = _numbers(worst)
    return "; ".join(filter(None, [what, *notes])), f"{old} → {new}", allowed


def _numbers(column: ColumnDrift) -> tuple[str, str, str]:
    """Both, and what is allowed, to as few digits as tell them apart."""
    if isinstance(column.old, str) or isinstance(column.new, str):
        return _quoted(column.old), _quoted(column.new), "no change"
    old, new = column.old, column.new
    digits = next((n for n in range(4, 10) if f"{old:.{n}g}" != f"{new:.{n}g}"), 10)
    low, high = column.allowed or (math.nan, math.nan)
    allowed = "no change" if not low < high else f"{low:.{digits}g} to {high:.{digits}g}"
    return f"{old:.{digits}g}", f"{new:.{digits}g}", allowed


def _quoted(cell: float | str) -> str:
    return repr(cell) if isinstance(cell, str) else f"{cell:.4g}"


def _finite(content: Any) -> Any:
    """With null for numbers that JSON has no form for."""
    match content:
        case dict():
            return {key: _finite(value) for key, value in content.items()}
        case list() | tuple():
            return [_finite(value) for value in content]
        case float() if not math.isfinite(content):
            return None
    return content


def _escaped(text: str) -> str:
    r"""Text that Markdown shows as it is, in a table too."""
    return re.sub(r"([\\`*_{}\[\]<>|~&#$])", r"\\\1", " ".join(text.split()))
