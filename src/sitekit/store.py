"""Executed chapters on disk: outputs, figures, answers, data; found by what they depend on."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sitekit import fingerprint
from sitekit.project import Project


@dataclass(frozen=True)
class Run:
    """One execution of a chapter.

    ``outputs`` holds a list of notebook outputs for each code cell. A figure's record names the
    code cell (``cell``) that drew it, and its files with their sha256; the files lie in `folder`.
    So does ``<name>.json`` for each name in ``data``.
    """

    key: str
    modules: dict[str, str]
    provenance: dict[str, Any]
    outputs: list[list[dict[str, Any]]]
    figures: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: list[dict[str, Any]] = field(default_factory=list)
    data: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Tells apart any two runs whose results may differ."""
        modules = json.dumps(self.modules, sort_keys=True).encode()
        return f"{self.key}-{fingerprint.sha256(modules)[:16]}"


def folder(project: Project, run_id: str) -> Path:
    """Where a run and its files are kept."""
    return project.executed / run_id


def find(project: Project, key: str) -> Run | None:
    """The newest stored run under a key whose modules are unchanged."""
    found = sorted(project.executed.glob(f"{key}-*/run.json"), key=os.path.getmtime, reverse=True)
    for path in found:
        run = Run(**json.loads(path.read_text(encoding="utf-8")))
        if fingerprint.unchanged(project, run.modules):
            return run
    return None


def save(project: Project, run: Run, files: dict[str, bytes]) -> None:
    """Keep a run; it appears at once or, if the machine stops on the way, not at all."""
    target = folder(project, run.id)
    fresh = target.with_name(f"{target.name}.{os.getpid()}.new")
    fresh.mkdir(parents=True)
    for name, content in files.items():
        (fresh / name).write_bytes(content)
    text = json.dumps(asdict(run), ensure_ascii=False, indent=1)
    (fresh / "run.json").write_text(text, encoding="utf-8")
    if target.exists():
        shutil.rmtree(target)
    fresh.rename(target)


def prune(project: Project, keep: set[str], most: int = 20) -> None:
    """Forget the oldest runs beyond ``most``, but none of those in ``keep``."""
    runs = [path for path in project.executed.glob("*") if path.is_dir()]
    runs.sort(key=os.path.getmtime, reverse=True)
    for path in runs[most:]:
        if path.name not in keep:
            shutil.rmtree(path)
