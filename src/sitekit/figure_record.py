"""The record: the numbers behind all figures as they were when a person last accepted them.

It lies in ``records/figures``: a CSV file a figure, and a ``figures.json`` with what is needed to
compare them (`convbook.drift`). Each build is held against it, and says of each figure whether it
was reproduced; ``make record`` accepts what the last build computed.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from convbook import drift, drift_report
from sitekit import registry
from sitekit.project import BuildError, Project

FOLDER = "records/figures"
KEPT = ("id", "former_ids", "title", "landing", "interval", "provenance")


def keep(project: Project) -> Path:
    """Put the numbers of the last built site on record, in place of those that are there.

    Raises
    ------
    BuildError
        If there is no built site.
    """
    site = project.site / "figures"
    if not (site / "figures.json").is_file():
        raise BuildError(f"there is no {project.name(site)}/figures.json: run make html first")
    target = project.root / FOLDER
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    entries = []
    for entry in json.loads((site / "figures.json").read_text(encoding="utf-8"))["figures"]:
        name = entry["id"]
        files = {
            f: entry["files"][f] for f in (f"{name}.svg", f"{name}.csv") if f in entry["files"]
        }
        entries.append({**{key: entry[key] for key in KEPT}, "files": files})
        if f"{name}.csv" in files:
            shutil.copyfile(site / f"{name}.csv", target / f"{name}.csv")
    text = json.dumps({"figures": entries}, ensure_ascii=False, indent=1)
    (target / "figures.json").write_text(text + "\n", encoding="utf-8", newline="\n")
    return target


def reproduced(project: Project, built: Path) -> dict[str, dict[str, Any]]:
    """For each figure of a built ``figures.json``: how its numbers compare with those on record.

    ``status`` is "identical", "within" its stated interval, "beyond" it, or "new"; ``against``
    is the day of the record; ``detail`` says what moved.

    Raises
    ------
    BuildError
        If the record or an interval is not what it should be, or a figure on record is lost.
    """
    record = project.root / FOLDER / "figures.json"
    figures = json.loads(built.read_text(encoding="utf-8"))["figures"]
    if not record.exists():
        return {figure["id"]: _told("new", None, "") for figure in figures}
    try:
        found = drift.compare(record, built)
    except ValueError as error:
        raise BuildError(str(error)) from None
    recorded = json.loads(record.read_text(encoding="utf-8"))["figures"]
    days = {figure["id"]: figure["provenance"]["date"][:10] for figure in recorded}
    names = {  # of each figure, the one that the record knows it by
        figure["id"]: next((n for n in (figure["id"], *figure["former_ids"]) if n in days), None)
        for figure in figures
    }
    told = {}
    for figure in found:
        if figure.status == "lost":
            raise BuildError(
                f"{FOLDER}: no chapter shows {figure.id} any more, and no line of book/"
                f"{registry.NAME} gives it a new name; an id once published stays"
            )
        moved, numbers, _allowed = drift_report.told(figure)
        detail = ": ".join(filter(None, [moved, numbers]))
        told[figure.id] = _told(figure.status, days.get(names[figure.id]), detail)
    return told


def _told(status: str, against: str | None, detail: str) -> dict[str, Any]:
    return {"status": status, "against": against, "detail": detail}
