"""What the results of a chapter depend on, so that no stale figure is ever shown.

A chapter's results depend on its code, on the environment (pins, Python, torch, device, and the
data that its front matter says it needs), and on the modules of ``src/`` that its kernel had loaded
when it ended. The first two are known before it runs and make its `key`. The modules are recorded
by the run; a stored run counts only while each of them still reads as it did then. With the code,
the environment and those modules unchanged, a new run would import the same modules again, so none
can be missed.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import nbformat

from convbook.machine import processor
from sitekit import citation, needs
from sitekit.chapter import code_cells
from sitekit.project import Project


def key(notebook: nbformat.NotebookNode, environment: Mapping[str, str]) -> str:
    """A name for a chapter's code in an environment, as far as it needs that.

    Prose has no part in it.
    """
    parts = {
        "cells": [cell.source for cell in code_cells(notebook)],
        "kernel": notebook.metadata.get("kernelspec", {}).get("name"),
        "environment": needs.relevant(notebook, environment),
    }
    return sha256(json.dumps(parts, sort_keys=True).encode())[:32]


def environment(project: Project) -> dict[str, str]:
    """Python, device, each pinned package as pinned and as installed, what chapters need, credit.

    The line of credit is drawn into each figure's slides.
    """
    pins = {line: _installed(line.partition("==")[0]) for line in pinned(project.root)}
    return {
        "python": platform.python_version(),
        "platform": f"{sys.platform} {platform.machine()}",
        "device": device(),
        "pins": json.dumps(pins, sort_keys=True),
        "credit": citation.credit(citation.about(project)),
        **needs.states(project),
    }


def pinned(root: Path) -> list[str]:
    """The lines of ``requirements.txt`` that name a package."""
    lines = (root / "requirements.txt").read_text().splitlines()
    return [line for raw in lines if (line := raw.partition("#")[0].strip())]


def snapshot(project: Project) -> dict[str, str]:
    """The hash of every file under ``src/``, by its path from the root.

    Taken before a chapter runs: a module edited meanwhile then differs from what is recorded.
    """
    return {
        path.relative_to(project.root).as_posix(): file_hash(path)
        for path in sorted(project.src.rglob("*"))
        if path.is_file() and path.suffix != ".pyc"
    }


def depends_on(project: Project, loaded: Iterable[str], files: Mapping[str, str]) -> dict[str, str]:
    """The part of a `snapshot` that a chapter depends on.

    ``loaded`` are the paths of the modules its kernel had loaded. With a module come the data
    files of its package; modules outside ``src/`` are left out, since the pins stand for them.
    """
    root = project.root.resolve()
    names = {
        path.relative_to(root).as_posix()
        for path in (Path(file).resolve() for file in loaded)
        if path.is_relative_to(root)
    }
    packages = {"/".join(name.split("/")[:2]) + "/" for name in names if name in files}
    data = {
        name
        for name in files
        if not name.endswith(".py") and any(name.startswith(package) for package in packages)
    }
    return {name: digest for name, digest in files.items() if name in names | data}


def unchanged(project: Project, recorded: Mapping[str, str]) -> bool:
    """Whether every recorded file still reads as it did."""
    return all(
        (path := project.root / name).is_file() and file_hash(path) == digest
        for name, digest in recorded.items()
    )


def file_hash(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    return sha256(path.read_bytes())


@cache
def device() -> str:
    """The GPUs that torch could use, by name, or else the processor.

    Asked of the driver, not of torch, whose import would cost every build seconds.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "all")
    if shutil.which("nvidia-smi") and visible not in {"", "-1"}:
        query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
        answer = subprocess.run(query, capture_output=True, text=True, check=False)
        if answer.returncode == 0 and answer.stdout.strip():
            return f"{', '.join(answer.stdout.split(chr(10))).strip(', ')} (visible: {visible})"
    return processor()


@cache
def _installed(name: str) -> str:
    try:
        return version(name.partition("[")[0].strip())
    except PackageNotFoundError:
        return "not installed"


def sha256(content: bytes) -> str:
    """The sha256 of some bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
