"""What a page shows of the readings of a GPU, where there are any, and where there are none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from convbook.intervals import mean_interval
from convbook.memory import errors
from convbook.memory.cases import Case
from convbook.memory.records import Record
from convbook.tables import Table

NONE = "no reading from a GPU has been taken yet; `make gpu` takes them"
DASH = "—"


def told(record: Record | None) -> str:
    """In a line: which device was read, when, with what; or that none was."""
    if record is None:
        return "No reading from a GPU has been taken yet."
    device = record.device
    return (
        f"{device['name']}: {len(record.memory)} configurations, recorded on {record.measured_on} "
        f"(torch {device['torch']}, CUDA {device['cuda']}, driver {device['driver']}, commit "
        f"{record.commit})"
    )


def facts(record: Record) -> dict[str, str | bool]:
    """What an answer that rests on a record must state."""
    return {
        "device": record.device["name"],
        "measured_on": record.measured_on,
        "torch": record.device["torch"],
        "commit": record.commit,
        "recorded": True,
    }


def peak_megabytes(record: Record | None, case: Case) -> float | None:
    """The measured peak of a case, in MB; None if it was not measured or did not fit."""
    report = record.report(case) if record else None
    return None if report is None or report.out_of_memory else report.peak / 1e6


def error_table(record: Record | None) -> Table:
    """How far predictions are from the readings: the median and the worst, in per cent."""
    found = errors.summed(errors.compare(record)) if record else {}
    rows = found.values()
    return Table(
        {
            "predicted, against the GPU": [row.what.replace("_", " ") for row in rows] or ["peak"],
            "cases": [str(row.cases) for row in rows] or [DASH],
            "median off by": [f"{100 * row.median:.1f} %" for row in rows] or [DASH],
            "worst off by": [f"{100 * row.worst:.1f} %" for row in rows] or [DASH],
        }
    )


def training_table(record: Record | None) -> Table:
    """What trainings on the GPU came to, by batch size: means over seeds with 95 % intervals."""
    by_batch: dict[int, list[Mapping[str, Any]]] = {}
    for run in record.training if record else []:
        by_batch.setdefault(run["batch"], []).append(run)
    columns: dict[str, list[str]] = {
        "on a GPU, batch": [], "seeds": [], "training accuracy": [], "seconds": [],
        "of it data path": [],
    }  # fmt: skip
    for batch, runs in sorted(by_batch.items()):
        accuracy = [run["training"][-1] for run in runs]
        data, arithmetic = (np.array([run[k][-1] for run in runs]) for k in ("data", "arithmetic"))
        told = f"{np.mean(accuracy):.3f}"
        if len(runs) > 1:
            low, high = mean_interval(accuracy)
            told += f" ({low:.3f} to {high:.3f})"
        row = (
            f"{batch:,}",
            str(len(runs)),
            told,
            f"{np.median(data + arithmetic):.1f}",
            f"{100 * np.median(data / (data + arithmetic)):.0f} %",
        )
        for column, text in zip(columns.values(), row, strict=True):
            column.append(text)
    if not by_batch:
        columns = {name: [DASH] for name in columns} | {"on a GPU, batch": ["no reading yet"]}
    return Table(columns)


def remedy_table(record: Record | None, cases: Mapping[str, Case]) -> Table:
    """What remedies save and cost on the GPU: gigabytes reserved, and milliseconds of a step."""
    found = {name: record.report(case) for name, case in cases.items()} if record else {}
    rows = {name: report for name, report in found.items() if report is not None}
    held, taken = [], []
    for report in rows.values():
        held.append(DASH if report.reserved is None else f"{report.reserved / 1e9:.1f}")
        taken.append(DASH if report.seconds is None else f"{1000 * report.seconds:.0f}")
    return Table(
        {
            "measured on a GPU": list(rows) or ["no reading yet"],
            "GB reserved": held or [DASH],
            "ms a step": taken or [DASH],
        }
    )
