"""What moved between two builds of the figures, by the numbers behind them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any

from convbook.drift_tables import ColumnDrift, Rule, compare_tables, read_columns

__all__ = ["STATUSES", "ColumnDrift", "FigureDrift", "Rule", "compare", "compare_figure", "rules"]

STATUSES = ("lost", "beyond", "new", "within", "identical")  # the gravest first

Entry = Mapping[str, Any]  # of a figure, in figures.json


@dataclass(frozen=True)
class FigureDrift:
    """What became of a figure.

    ``status`` is one of `STATUSES`; ``columns`` are those that moved; ``redrawn`` says that its
    numbers are identical and its drawing is not; ``detail`` is what the columns do not tell, a
    sentence or nothing; ``address`` is the figure's own page, relative to the site.
    """

    id: str
    title: str
    status: str
    redrawn: bool = False
    detail: str = ""
    columns: tuple[ColumnDrift, ...] = ()
    address: str = ""

    @property
    def worst(self) -> ColumnDrift | None:
        """The column that moved farthest, by the share of what it may."""
        return max(self.columns, key=lambda column: column.share, default=None)


def rules(interval: Mapping[str, Any], columns: Iterable[str]) -> dict[str, Rule]:
    """How far a figure's numbers may move, in the form of ``figures.json``.

    Parameters
    ----------
    interval
        For some columns one of: the name of the column that numbers independent draws (``"seed"``);
        the names of the two that hold the ends of a 95 % interval; a number above 1, the factor by
        which a measured time or size may be more or less.
    columns
        All columns of the figure's data.

    Returns
    -------
    dict
        For the same columns ``{"draws": …}``, ``{"low": …, "high": …}`` or ``{"factor": …}``.

    Raises
    ------
    ValueError
        If a column is not there, has two parts to play, or a rule is none of the three; if there
        are two columns of draws, or ends of intervals besides draws.
    """
    if not isinstance(interval, Mapping):
        raise ValueError(f"interval is {interval!r}; it must map columns to how far they may move")
    names = list(columns)
    found = {name: _rule(name, value) for name, value in interval.items()}
    for name, rule in found.items():
        for part in (name, *(part for part in rule.values() if isinstance(part, str))):
            if part not in names:
                raise ValueError(
                    f"interval of {name!r}: there is no column {part!r}; "
                    f"the figure's data has {', '.join(map(repr, names)) or 'none'}"
                )
            if part != name and part in found:
                raise ValueError(
                    f"interval of {name!r}: column {part!r} tells how far others may move, "
                    "and so can have no interval of its own"
                )
        if name in rule.values() or (rule.get("low", 0) == rule.get("high", 1)):
            raise ValueError(f"interval of {name!r} is {rule}; that takes different columns")
    draws = {rule["draws"]: name for name, rule in found.items() if "draws" in rule}
    ends = [name for name, rule in found.items() if "low" in rule]
    if len(draws) > 1 or (draws and ends):
        others = [*draws, *ends]
        raise ValueError(
            f"interval names draws by {others[0]!r} and also {others[1]!r}; a figure's numbers "
            "have either draws, numbered in one column, or low and high ends"
        )
    return found


def _rule(name: str, value: Any) -> Rule:
    match value:
        case str():
            return {"draws": value}
        case (str(low), str(high)):
            return {"low": low, "high": high}
        case Real() if not isinstance(value, bool) and 1 < float(value) < math.inf:
            return {"factor": float(value)}
    raise ValueError(
        f"interval of {name!r} is {value!r}; it can be the name of a column of draws, a pair of "
        "names (low, high), or a factor above 1"
    )


def compare(old: str | Path, new: str | Path) -> tuple[FigureDrift, ...]:
    """What became of each figure: in the order of the new build, then those that are lost.

    Parameters
    ----------
    old, new
        The ``figures.json`` of two builds, with the CSV files of its figures beside it.

    Raises
    ------
    ValueError
        If a file is missing or not what it should be, or a figure's intervals are not.
    """
    entries = [_entries(Path(path)) for path in (old, new)]
    before, after = entries
    was = {
        id: next((name for name in _names(entry) if name in before), id)
        for id, entry in after.items()
    }
    found = [
        compare_figure(
            before.get(was[id]),
            entry,
            _table(Path(old), before[was[id]]) if was[id] in before else None,
            _table(Path(new), entry),
        )
        for id, entry in after.items()
    ]
    lost = [
        FigureDrift(id, entry.get("title", ""), "lost", address=_address(entry))
        for id, entry in before.items()
        if id not in was.values()
    ]
    return (*found, *lost)


def _names(entry: Entry) -> list[str]:
    """The ids under which an older build may know a figure, its own first."""
    return [entry["id"], *entry.get("former_ids", [])]


def compare_figure(
    old: Entry | None, new: Entry, old_csv: bytes | None, new_csv: bytes | None
) -> FigureDrift:
    """What became of one figure, from its entries in ``figures.json`` and its numbers.

    The intervals of the new entry apply (see `compare_tables`); where the old one states others,
    ``detail`` says so. Without numbers, the drawing itself must be the same file.

    Parameters
    ----------
    old, new
        Entries of ``figures.json``, the old one None where there was none.
    old_csv, new_csv
        The content of their CSV files, None where a figure has none.

    Raises
    ------
    ValueError
        If an interval or a table is not what it should be.
    """
    id, title, address = new["id"], new.get("title", ""), _address(new)
    if old is None:
        return FigureDrift(id, title, "new", address=address)
    drawn_anew = _drawing(old) != _drawing(new)
    if old_csv == new_csv:
        lost = new_csv is None and drawn_anew
        return FigureDrift(
            id,
            title,
            "beyond" if lost else "identical",
            redrawn=drawn_anew and not lost,
            detail="the drawing differs, and there are no numbers to compare" if lost else "",
            address=address,
        )
    if old_csv is None or new_csv is None:
        side = "old" if old_csv is None else "new"
        return FigureDrift(
            id, title, "beyond", detail=f"the {side} one has no numbers", address=address
        )
    name = f"{id}.csv"
    tables = read_columns(old_csv, f"the old {name}"), read_columns(new_csv, f"the new {name}")
    moved, unlike = compare_tables(*tables, {})
    if not moved and not unlike:
        return FigureDrift(id, title, "identical", redrawn=drawn_anew, address=address)
    notes = []
    stated = _stated(new, tables[1])
    if stated != (old.get("interval") or {}):
        notes.append("it states other intervals than before, and the new ones apply")
    if stated:
        try:
            moved, unlike = compare_tables(*tables, stated)
        except ValueError as mistake:
            raise ValueError(f"figure {id}: {mistake}") from None
    beyond = unlike or any(column.status == "beyond" for column in moved)
    return FigureDrift(
        id,
        title,
        "beyond" if beyond else "within",
        detail="; ".join([unlike, *notes] if unlike else notes),
        columns=moved,
        address=address,
    )


def _stated(entry: Entry, columns: Iterable[str]) -> dict[str, Rule]:
    """The intervals of an entry, checked as a chapter's are."""
    interval = entry.get("interval") or {}
    if isinstance(interval, Mapping):
        interval = {name: _as_in_a_chapter(rule) for name, rule in interval.items()}
    try:
        return rules(interval, columns)
    except ValueError as mistake:
        raise ValueError(f"figure {entry['id']}: {mistake}") from None


def _as_in_a_chapter(rule: Any) -> Any:
    """A rule of ``figures.json`` as `rules` takes it; what is none, as it is."""
    match rule:
        case {"draws": str(value), **rest} if not rest:
            return value
        case {"low": str(low), "high": str(high), **rest} if not rest:
            return low, high
        case {"factor": int() | float() as value, **rest} if not rest:
            return value
    return rule


def _entries(path: Path) -> dict[str, Entry]:
    """The figures of a ``figures.json`` by their ids."""
    if path.is_dir():
        raise ValueError(f"{path} is a folder; name the figures.json in it")
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:  # of the text's encoding too
        raise ValueError(f"{path} is not JSON; a build's figures.json is wanted") from None
    match content:
        case {"figures": list(figures)} if all(map(_is_entry, figures)):
            entries = {figure["id"]: figure for figure in figures}
        case _:
            raise ValueError(f"{path} is no figures.json: it lists no figures with ids and files")
    if len(entries) < len(figures):
        raise ValueError(f"{path} lists a figure twice; each id must be there once")
    return entries


def _is_entry(figure: Any) -> bool:
    match figure:
        case {"id": str(), "files": dict()}:
            return True
    return False


def _table(path: Path, entry: Entry) -> bytes | None:
    """The content of a figure's CSV file, if it has one."""
    name = f"{entry['id']}.csv"
    if name not in entry["files"]:
        return None
    try:
        return (path.parent / name).read_bytes()
    except OSError:
        raise ValueError(f"{path} lists {name}, but beside it there is no such file") from None


def _drawing(entry: Entry) -> Any:
    """The checksum of a figure's drawing."""
    match entry["files"].get(f"{entry['id']}.svg"):
        case {"sha256": checksum}:
            return checksum
    return None


def _address(entry: Entry) -> str:
    return str(entry.get("landing") or entry.get("page") or "")
