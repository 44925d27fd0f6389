"""What moved between two tables of a figure, and whether that is within what it states."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from convbook.drift_numbers import (
    Interval,
    around,
    largest,
    mean,
    numbers,
    same,
    same_cells,
    share_moved,
    share_of_factor,
    value,
    welch_reach,
)

Columns = Mapping[str, Sequence[str]]  # of a CSV file, by their headings; all of one length
Rule = Mapping[str, Any]  # {"draws": column} | {"low": column, "high": column} | {"factor": f}

CHANCE = 0.01  # that any number of a figure leaves its interval though nothing changed
ROW = "#"  # names a row by its place, where its cells do not


@dataclass(frozen=True)
class ColumnDrift:
    """How a column moved, shown by the number that moved farthest.

    ``rule`` is None where nothing may move. ``status`` is "within" or "beyond"; ``numbers`` is how
    many were compared, ``beyond`` how many of them left their interval. ``row`` names the row, or
    the rows whose mean it is, by cells. ``allowed`` are the ends of the interval for ``new``, None
    where a text moved. ``share`` is the distance moved as a share of the distance allowed, infinite
    where none is.
    """

    column: str
    rule: Rule | None
    status: str
    numbers: int
    beyond: int
    row: Mapping[str, str]
    old: float | str
    new: float | str
    allowed: Interval | None
    share: float


_Rows = list[int]  # the rows that belong to one number: a single one, or its draws


@dataclass(frozen=True)
class _Change:
    """A number that moved, the ``place``-th of its column; ``weight`` orders equal shares."""

    place: int
    old: float | str
    new: float | str
    allowed: Interval | None
    share: float
    weight: float


def read_columns(content: bytes, name: str) -> Columns:
    """The columns of a CSV file with a heading, as texts.

    Raises
    ------
    ValueError
        If the content is no such table; ``name`` tells which file it was.
    """
    try:
        heading, *rows = csv.reader(io.StringIO(content.decode(), newline=""), strict=True)
        columns = zip(*rows, strict=True) if rows else ((),) * len(heading)
        table = dict(zip(heading, columns, strict=True))
    except (ValueError, csv.Error):
        raise ValueError(f"{name} is no CSV file in UTF-8 with rows of equal length") from None
    if len(table) < len(heading):
        raise ValueError(f"{name} has two columns of one name in its heading {heading}")
    return table


def compare_tables(
    old: Columns, new: Columns, rules: Mapping[str, Rule]
) -> tuple[tuple[ColumnDrift, ...], str]:
    """The columns that moved; and, where the tables have no like rows or columns, what is unlike.

    Rows belong to each other by their cells in the columns without a rule, or by their place where
    those cells do not tell. Numbers are the same if they differ by a rounding: 1e-6 of the column's
    largest magnitude, and nothing where both are whole. Empty cells and NaN equal each other.
    Under rules:

    - draws: a number is the mean over the rows that agree in all columns without a rule, empty ones
      left out; rows of one draw are averaged first, and count once. It may move within Welch's
      interval of the difference of two means (`welch_reach`), and not at all with a single draw.
    - low and high: the ends of a 95 % interval; the number may move within `around` both.
    - factor: the number, or the mean of its draws, may be so many times more or less.

    The intervals are so wide that all of a figure's numbers together stay inside in 99 of 100
    reruns if nothing changed: Bonferroni's correction, `CHANCE` over how many there are.

    Raises
    ------
    ValueError
        If a column under a rule holds text.
    """
    if set(old) != set(new):
        return (), f"the columns differ: {_unlike(old, new)}"
    draws = any("draws" in rule for rule in rules.values())
    named = {rule.get(part) for rule in rules.values() for part in ("draws", "low", "high")}
    keys = [name for name in new if name not in rules and name not in named]
    before, after = (_rows_of_numbers(table, keys, draws) for table in (old, new))
    if len(before) != len(after):
        told = max(_keys_that_tell(*each, keys) for each in ((old, before), (new, after)))
        names = [
            [" ".join(f"{key} {cell}" for key, cell in name.items()) for name in each]
            for each in (_row_names(old, before, keys, told), _row_names(new, after, keys, told))
        ]
        return (), f"{len(before)} rows have become {len(after)}: {_unlike(*names)}"
    if rules:
        before = _in_order(old, before, new, after, keys)
    pairs = list(zip(before, after, strict=True))
    chance = CHANCE / max(1, len(pairs) * sum("factor" not in rule for rule in rules.values()))
    moved = []
    for name in (column for column in new if column in keys or column in rules):
        rule = rules.get(name)
        if rule is None:
            changes = list(_exact_changes(old[name], new[name], pairs))
        else:
            changes = list(_ruled_changes(old, new, pairs, name, rule, chance))
        if changes:
            others = [key for key in keys if key != name]
            told = _keys_that_tell(new, after, others)
            rows = _row_names(new, after, others, told)
            moved.append(_column_drift(name, rule, changes, rows))
    return tuple(moved), ""


def _exact_changes(
    old: Sequence[str], new: Sequence[str], pairs: Iterable[tuple[_Rows, _Rows]]
) -> Iterator[_Change]:
    """Of a column without a rule."""
    scale = largest((*old, *new))
    for place, (before, after) in enumerate(pairs):
        cells = old[before[0]], new[after[0]]
        if same_cells(*cells, scale):
            continue
        was, now = map(value, cells)
        if isinstance(was, str) or isinstance(now, str):
            yield _Change(place, *cells, None, math.inf, math.inf)
        else:
            yield _Change(place, was, now, (was, was), math.inf, _weight(was, now, scale))


def _ruled_changes(
    old: Columns,
    new: Columns,
    pairs: Iterable[tuple[_Rows, _Rows]],
    name: str,
    rule: Rule,
    chance: float,
) -> Iterator[_Change]:
    """Of a column under a rule."""
    scale = largest((*old[name], *new[name]))
    for place, (before, after) in enumerate(pairs):
        draws, new_draws = _draws(old, name, rule, before), _draws(new, name, rule, after)
        was, now = mean(draws), mean(new_draws)
        if same(was, now, scale):
            continue
        if "factor" in rule:
            low, high = sorted((was / rule["factor"], was * rule["factor"]))
            share = share_of_factor(was, now, rule["factor"])
        else:
            if "draws" in rule:
                reach = welch_reach(draws, new_draws, chance)
                low, high = was - reach, was + reach
            else:
                ends = _ends(old, rule, before), _ends(new, rule, after)
                low, high = around(was, now, ends[0], ends[1], chance)
            share = share_moved(was, now, (low, high))
        yield _Change(place, was, now, (low, high), share, _weight(was, now, scale))


def _column_drift(
    name: str, rule: Rule | None, changes: Sequence[_Change], rows: Sequence[Mapping[str, str]]
) -> ColumnDrift:
    worst = max(changes, key=lambda change: (change.share, change.weight))
    beyond = sum(change.share > 1 for change in changes)
    return ColumnDrift(
        column=name,
        rule=rule,
        status="beyond" if beyond else "within",
        numbers=len(rows),
        beyond=beyond,
        row=rows[worst.place],
        old=worst.old,
        new=worst.new,
        allowed=worst.allowed,
        share=worst.share,
    )


def _weight(was: float, now: float, scale: float) -> float:
    weight = abs(now - was) / scale if scale else math.inf
    return math.inf if math.isnan(weight) else weight


def _cells(table: Columns, name: str, rows: _Rows) -> list[float]:
    return numbers(name, [table[name][row] for row in rows])


def _draws(table: Columns, name: str, rule: Rule, rows: _Rows) -> list[float]:
    """The independent draws of a number; rows of one draw, as of one network's filters, are not."""
    if "draws" not in rule:
        return _cells(table, name, rows)
    draws: dict[str, _Rows] = {}
    for row in rows:
        draws.setdefault(table[rule["draws"]][row], []).append(row)
    parts = [_cells(table, name, part) for part in draws.values()]
    return [mean(part) for part in parts if part]


def _ends(table: Columns, rule: Rule, rows: _Rows) -> Interval:
    low, high = (mean(_cells(table, rule[end], rows)) for end in ("low", "high"))
    return low, high


def _rows_of_numbers(table: Columns, keys: Sequence[str], draws: bool) -> list[_Rows]:
    """The rows of each number: of draws, those that agree in the keys; else one row each."""
    length = len(next(iter(table.values()), ()))
    if not draws:
        return [[row] for row in range(length)]
    groups: dict[tuple[str, ...], _Rows] = {}
    for row in range(length):
        groups.setdefault(tuple(table[key][row] for key in keys), []).append(row)
    return list(groups.values())


def _in_order(
    old: Columns, before: list[_Rows], new: Columns, after: list[_Rows], keys: Sequence[str]
) -> list[_Rows]:
    """The old rows in the order of the new, where the keys tell it; else as they are."""
    by_key = {tuple(old[key][rows[0]] for key in keys): rows for rows in before}
    order = [tuple(new[key][rows[0]] for key in keys) for rows in after]
    if len(by_key) == len(before) and by_key.keys() == set(order):
        return [by_key[key] for key in order]
    return before


def _keys_that_tell(table: Columns, rows: Sequence[_Rows], keys: Sequence[str]) -> int:
    """How many of the first keys tell all rows apart; one more than there are if they do not."""
    for count in range(len(keys) + 1):
        if len({tuple(table[key][each[0]] for key in keys[:count]) for each in rows}) == len(rows):
            return count
    return len(keys) + 1


def _row_names(
    table: Columns, rows: Sequence[_Rows], keys: Sequence[str], told: int
) -> list[Mapping[str, str]]:
    """Each row by its cells in as many of the keys; by its place where those do not tell."""
    if told > len(keys):
        return [{ROW: str(place + 1)} for place in range(len(rows))]
    return [{key: table[key][each[0]] for key in keys[:told]} for each in rows]


def _unlike(old: Iterable[str], new: Iterable[str]) -> str:
    """What only one of both has, three of each at most."""
    sides = {"old": list(old), "new": list(new)}
    told = []
    for side, other in (("old", "new"), ("new", "old")):
        there = set(sides[other])
        names = [name for name in sides[side] if name not in there]
        if names:
            others = f" and {len(names) - 3} others" if len(names) > 3 else ""
            told.append(f"only the {side} has {', '.join(names[:3])}{others}")
    return "; ".join(told)
