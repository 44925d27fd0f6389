"""What a chapter needs from outside its code: images that are downloaded, readings of real GPUs.

``needs`` in a chapter's front matter lists it. Downloads happen here, once, before any chapter is
executed; kernels never go to the network. What a chapter needs is part of its key in the cache, so
that a new record or newly available images execute it again, and no other.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import nbformat

from convbook import cifar
from sitekit.project import BuildError, Project

NEEDS = ("cifar10", "records")
PREFIX = "needs "  # marks a need's entry in an environment


def needs_of(notebook: nbformat.NotebookNode) -> tuple[str, ...]:
    """What a chapter's front matter lists under ``needs``.

    Raises
    ------
    BuildError
        If that is no list, or one with an unknown name.
    """
    listed = notebook.metadata.get("chapter", {}).get("needs", [])
    if not isinstance(listed, list) or any(name not in NEEDS for name in listed):
        shown = list(listed) if isinstance(listed, list) else listed
        raise BuildError(
            f"the front matter's `needs` is {shown!r}; it can be a list of {' and '.join(NEEDS)}"
        )
    return tuple(listed)


def prepare(
    chapters: Mapping[str, nbformat.NotebookNode], report: Callable[[str], None] = print
) -> None:
    """Make available what any of the chapters needs, each by its file's name, as far as possible.

    One line is reported for it, also when it cannot be had: a chapter says what it does then.

    Raises
    ------
    BuildError
        If the front matter of a chapter or a variable of the environment is wrong.
    """
    needed = set()
    for name, notebook in chapters.items():
        try:
            needed |= set(needs_of(notebook))
        except BuildError as error:
            raise BuildError(f"{name}:1: {error}") from None
    if "cifar10" in needed:
        try:
            report(f"  {cifar.fetch()}")
        except ValueError as error:
            raise BuildError(str(error)) from None


def states(project: Project) -> dict[str, str]:
    """Which images are there, and the hash of each record: entries of an environment."""
    records = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((project.root / "records").glob("*.json"))
    }
    found = {"cifar10": cifar.source(), "records": json.dumps(records)}
    return {f"{PREFIX}{name}": found[name] for name in NEEDS}


def relevant(notebook: nbformat.NotebookNode, environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without the entries of what a chapter does not need."""
    needed = {f"{PREFIX}{name}" for name in needs_of(notebook)}
    return {
        name: state
        for name, state in environment.items()
        if name in needed or not name.startswith(PREFIX)
    }


def kernel_variables() -> dict[str, str]:
    """Variables of a kernel: no downloads, and the folder of images as the build sees it."""
    variables = {cifar.OFFLINE_VARIABLE: "1"}
    named = os.environ.get(cifar.FOLDER_VARIABLE, "")
    if named not in {"", "none"}:  # a kernel runs in another folder than the build
        variables[cifar.FOLDER_VARIABLE] = str(Path(named).expanduser().resolve())
    return variables
