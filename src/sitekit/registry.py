"""The registry of all figure ids ever published, so that no cited address dies.

A line of ``book/figure-ids.txt`` is an id, or ``old-id -> new-id`` for a figure that was renamed:
the old addresses then lead to the new ones. ``#`` begins a comment.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from sitekit.project import BuildError

NAME = "figure-ids.txt"
ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)+")
DRAWINGS = ("-narrow", "-slide", "-slide-dark", "-thumb", "-thumb-dark")  # ends of files


@dataclass(frozen=True)
class Registry:
    """The ids in use, in the file's order, and for each id given up the one in use now."""

    ids: tuple[str, ...]
    renamed: dict[str, str]


def read(path: Path) -> Registry:
    """Read a registry.

    Raises
    ------
    BuildError
        With file and line, for a line that is neither an id nor a renaming, an id that stands
        there twice, and a renaming that leads in a circle or to what is no id.
    """
    lines: dict[str, int] = {}
    targets: dict[str, str | None] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        text = line.split("#")[0].strip()
        if not text:
            continue
        old, arrow, new = (part.strip() for part in text.partition("->"))
        for name in (old, new) if arrow else (old,):
            if wrong := fault(name):
                raise BuildError(f"{_place(path, number)}: {wrong}")
        if old in lines:
            raise BuildError(
                f"{_place(path, number)}: {old} stands in line {lines[old]} already; "
                "an id has one line"
            )
        lines[old] = number
        targets[old] = new if arrow else None
    return Registry(
        ids=tuple(name for name, target in targets.items() if target is None),
        renamed={
            old: _resolve(path, old, targets, lines)
            for old, target in targets.items()
            if target is not None
        },
    )


def fault(name: str) -> str | None:
    """What is wrong with a figure's id, or None."""
    if not ID.fullmatch(name):
        return (
            f"{name!r} is no figure's id; a line is <chapter>-<slug> in small letters, digits and "
            "hyphens, or: old-id -> new-id"
        )
    if name.endswith(DRAWINGS):
        endings = ", ".join(DRAWINGS)
        return f"{name!r} could be the name of another figure's drawing; no id ends in {endings}"
    return None


def _resolve(path: Path, old: str, targets: dict[str, str | None], lines: dict[str, int]) -> str:
    """The id in use that an id given up leads to, over any number of renamings."""
    steps = [old]
    while (target := targets[steps[-1]]) is not None:
        place = _place(path, lines[steps[-1]])
        if target in steps:
            raise BuildError(f"{place}: {' -> '.join([*steps, target])} leads in a circle")
        if target not in targets:
            raise BuildError(
                f"{place}: {steps[-1]} is renamed to {target}, which is no id of this file; "
                "give it a line of its own"
            )
        steps.append(target)
    return steps[-1]


def _place(path: Path, line: int) -> str:
    return f"{path.parent.name}/{path.name}:{line}"


def check(registry: Registry, shown: Collection[str]) -> None:
    """Hold the figures that a build shows against the registry.

    Raises
    ------
    BuildError
        With every fault: ids that are lost, not registered, or given up and shown again.
    """
    known = {*registry.ids, *registry.renamed}
    faults = []
    if lost := sorted(set(registry.ids) - set(shown)):
        faults.append(
            f"no chapter shows {', '.join(lost)} any more; an id once published stays. "
            "A renamed figure keeps its address by a line: old-id -> new-id"
        )
    if new := sorted(set(shown) - known):
        faults.append(f"add {', '.join(new)}; an id listed there is a promise")
    if again := sorted(registry.renamed.keys() & set(shown)):
        which = ", ".join(f"{old} (now {registry.renamed[old]})" for old in again)
        faults.append(
            f"a chapter shows {which}, which was renamed; an id names one figure for good"
        )
    if faults:
        raise BuildError("\n".join(f"book/{NAME}: {fault}" for fault in faults))
