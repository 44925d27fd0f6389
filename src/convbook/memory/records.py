"""Records: the readings of a device, one JSON file each, with where they come from.

``records/schema.json`` says what a file holds. `load_all` reads them for the book's pages; the
readings are taken by `convbook.memory.readings`.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from convbook.memory import cases
from convbook.memory.cases import Case
from convbook.memory.report import Report, Timeline, thinned

if TYPE_CHECKING:
    from jaxtyping import Int

POINTS = 1000  # of a timeline that is kept
SCHEMA = "schema.json"
FOLDER = "CONVBOOK_RECORDS"  # the environment variable
Fields = dict[str, Any]  # what JSON calls an object


@dataclass(frozen=True)
class Reading:
    """The measured memory of a case, its timeline thinned or None."""

    case: Case
    report: Report
    measured_on: str  # such as 2026-01-31
    commit: str


@dataclass(frozen=True)
class Largest:
    """The largest batch that a device can train with, and why one image more is too many.

    The case's own batch size means nothing.
    """

    case: Case
    batch: int
    reason: str | None = None


@dataclass(frozen=True)
class Record:
    """All readings of one device.

    Attributes
    ----------
    device
        name, total_bytes, capability (a list of two), driver, cuda, cudnn, torch, python,
        processor, threads; None where there is no such thing.
    measured_on, commit
        Of the last reading.
    context
        bare_bytes, loaded_bytes; None if they were not read.
    training
        For each run its case (batch_size, seed and the rest) and what came of it.
    path
        The file.
    """

    device: Fields
    measured_on: str
    commit: str
    context: Fields | None
    memory: list[Reading]
    largest: list[Largest]
    training: list[Fields]
    path: Path | None = field(default=None, compare=False)

    @property
    def capability(self) -> tuple[int, int] | None:
        """The compute capability; None for a processor."""
        found = self.device["capability"]
        return None if found is None else (found[0], found[1])

    def report(self, case: Case) -> Report | None:
        """What was measured for a case; None if it was not."""
        return next((reading.report for reading in self.memory if reading.case == case), None)


def checkout_folder() -> Path | None:
    """``records/`` of the checkout that this package lies in; None if it lies in none."""
    folder = Path(__file__).resolve().parents[3] / "records"
    return folder if (folder / SCHEMA).is_file() else None


def load_all(folder: str | os.PathLike[str] | None = None) -> list[Record]:
    """All records, the newest first.

    They are those of the folder, unless given the environment variable ``CONVBOOK_RECORDS``, unless
    set ``records/`` of the checkout. Where there is no such folder there is no record.

    Raises
    ------
    ValueError
        If a file is no record.
    """
    chosen = folder or os.environ.get(FOLDER) or checkout_folder()
    if chosen is None or not Path(chosen).is_dir():
        return []
    files = [path for path in sorted(Path(chosen).glob("*.json")) if path.name != SCHEMA]
    records = [parse(load(path), path) for path in files]
    return sorted(records, key=lambda record: record.measured_on, reverse=True)


def load(path: Path) -> Fields:
    """What a file holds.

    Raises
    ------
    ValueError
        If it is no JSON object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is no JSON: {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds {type(content).__name__}; a record is a JSON object")
    return content


def parse(content: Mapping[str, Any], path: Path | None = None) -> Record:
    """The record that a file's content stands for.

    Raises
    ------
    ValueError
        If something is missing or not valid.
    """
    try:
        return Record(
            device=dict(content["device"]),
            measured_on=content["measured_on"],
            commit=content["commit"],
            context=content["context"],
            memory=[
                Reading(
                    cases.from_json(each["case"]),
                    report_from_json(each["report"], each.get("timeline")),
                    each["measured_on"],
                    each["commit"],
                )
                for each in content["memory"]
            ],
            largest=[
                Largest(cases.from_json(each["case"]), each["batch"], each["reason"])
                for each in content["largest"]
            ],
            training=list(content["training"]),
            path=path,
        )
    except (KeyError, TypeError, ValueError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"{path or 'the content'} is no record of a device: {what}") from error


def validate(content: Mapping[str, Any], schema: Path | None = None) -> None:
    """Hold a record's content against the schema, by default the checkout's.

    Raises
    ------
    ValueError
        With the first fault, and where it is; or if there is no schema.
    ImportError
        If ``jsonschema`` is not installed.
    """
    import jsonschema  # type: ignore[import-untyped]  # none but this needs it

    if schema is None:
        folder = checkout_folder()
        if folder is None:
            raise ValueError("schema is None, and this package lies in no checkout with records/")
        schema = folder / SCHEMA
    rules = json.loads(schema.read_text(encoding="utf-8"))
    checker = jsonschema.Draft202012Validator(rules)
    error = jsonschema.exceptions.best_match(checker.iter_errors(content))
    if error is not None:
        raise ValueError(f"the record is not valid at {error.json_path}: {error.message}")


def file_name(device: str) -> str:
    """The name of a device's file, such as ``nvidia-a100-sxm4-40gb.json``."""
    slug = re.sub(r"[^a-z0-9]+", "-", device.lower()).strip("-")
    return f"{slug or 'device'}.json"


def write(content: Mapping[str, Any], folder: str | os.PathLike[str]) -> Path:
    """Write a record's content; whoever reads at that moment finds the old file or the new one."""
    path = Path(folder) / file_name(content["device"]["name"])
    path.parent.mkdir(parents=True, exist_ok=True)
    waiting = path.with_suffix(".json.part")
    waiting.write_text(text(content), encoding="utf-8")
    waiting.replace(path)
    return path


def text(content: Mapping[str, Any]) -> str:
    """JSON with a line for each reading, so that what changed between two versions can be seen."""
    lines = []
    for key, value in content.items():
        if isinstance(value, list) and value:
            inner = ",\n".join(f"  {_compact(each)}" for each in value)
            lines.append(f" {_compact(key)}: [\n{inner}\n ]")
        else:
            lines.append(f" {_compact(key)}: {_compact(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "), allow_nan=False)


def report_to_json(report: Report) -> Fields:
    """All fields of a report but its timeline."""
    names = [each.name for each in dataclasses.fields(report) if each.name != "timeline"]
    return {name: getattr(report, name) for name in names}


def report_from_json(
    fields: Mapping[str, Any], timeline: Mapping[str, Any] | None = None
) -> Report:
    """The report that `report_to_json` wrote down, and its timeline where there is one."""
    if timeline is None:
        return Report(**fields)
    series = {
        name: None if timeline[name] is None else np.array(timeline[name], dtype=np.int64)
        for name in ("allocated", "reserved", "phase", "step")
    }
    kinds = {kind: np.array(v, dtype=np.int64) for kind, v in timeline["kinds"].items()}
    return Report(**fields, timeline=Timeline(kinds=kinds, **series))  # type: ignore[arg-type]


def timeline_to_json(timeline: Timeline, points: int = POINTS) -> Fields:
    """A timeline of at most so many points; the highest peak is one of them."""
    most = timeline.requested if timeline.allocated is None else timeline.allocated
    keep = thinned(most, points)

    def series(values: Int[np.ndarray, " events"] | None) -> list[int] | None:
        return None if values is None else [int(value) for value in values[keep]]

    return {
        "kinds": {kind: series(values) for kind, values in timeline.kinds.items()},
        "allocated": series(timeline.allocated),
        "reserved": series(timeline.reserved),
        "phase": series(timeline.phase),
        "step": series(timeline.step),
    }
