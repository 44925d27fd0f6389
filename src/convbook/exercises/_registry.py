"""Find an exercise by its id: in the module of its chapter, which is imported only when needed.

An id begins with its chapter's name: ``inductive-bias-bars`` lives in ``inductive_bias.py``, or in
a module of the package ``inductive_bias``. To import that one chapter only keeps it from depending
on the others' exercises.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from convbook.exercises._judging import Exercise


def find(package: ModuleType, id: str) -> Exercise:
    """The exercise of this id.

    Raises
    ------
    ValueError
        If there is none; the message names the ids that come closest.
    """
    for chapter in chapters(package):
        if isinstance(id, str) and id.startswith(f"{chapter}-"):
            known = exercises_in(package, chapter)
            if id in known:
                return known[id]
    close = difflib.get_close_matches(str(id), exercises_of(package), n=3, cutoff=0)
    raise ValueError(f"id is {id!r}, which is no exercise; the closest are {', '.join(close)}")


def exercises_of(package: ModuleType) -> dict[str, Exercise]:
    """All exercises of all chapters, by their ids."""
    return {
        id: found
        for chapter in chapters(package)
        for id, found in exercises_in(package, chapter).items()
    }


def exercises_in(package: ModuleType, chapter: str) -> dict[str, Exercise]:
    """The exercises of one chapter, by their ids.

    Raises
    ------
    ValueError
        If two of them share an id, or one names another chapter: a mistake of their author.
    """
    items = [
        item
        for module in _modules(f"{package.__name__}.{chapter.replace('-', '_')}")
        for item in vars(module).values()
        if isinstance(item, Exercise)
    ]
    found: dict[str, Exercise] = {}
    for item in items:
        if not item.id.startswith(f"{chapter}-"):
            raise ValueError(f"exercise {item.id!r} is in {chapter!r}; its id must begin with that")
        if found.setdefault(item.id, item) is not item:
            raise ValueError(f"two exercises have the id {item.id!r}")
    return found


def _modules(name: str) -> Iterator[ModuleType]:
    """A module; of a package, those inside too."""
    module = import_module(name)
    yield module
    for inner in iter_modules(getattr(module, "__path__", [])):
        yield from _modules(f"{name}.{inner.name}")


def chapters(package: ModuleType) -> list[str]:
    """The chapters that have exercises."""
    modules = sorted(module.name for module in iter_modules(package.__path__))
    return [name.replace("_", "-") for name in modules if not name.startswith("_")]
