"""How far predictions are from what a device was measured to use."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from convbook.memory.cases import Case, predict_case
from convbook.memory.records import Record
from convbook.memory.report import Report

# What the shapes of the tensors decide, to the byte.
EXACT = ("parameters", "buffers", "gradients", "optimizer_state", "inputs")
ESTIMATED = ("activations", "peak", "reserved")


@dataclass(frozen=True)
class Row:
    """One quantity of one case, in bytes; the ratio is measured over predicted."""

    case: Case
    what: str
    predicted: int
    measured: int

    @property
    def name(self) -> str:
        """The case in words."""
        return str(self.case)

    @property
    def ratio(self) -> float:
        """Measured over predicted; 1 if both are nothing."""
        if self.predicted == self.measured:
            return 1.0
        return self.measured / self.predicted if self.predicted else float("inf")


@dataclass(frozen=True)
class Errors:
    """|ratio − 1| of one quantity over all cases."""

    what: str
    cases: int
    median: float
    worst: float
    worst_case: Case

    @property
    def exact(self) -> bool:
        """Whether every prediction is right to the byte."""
        return self.worst == 0


def compare(record: Record) -> list[Row]:
    """Prediction and measurement of every case that the device could finish.

    The prediction knows the device's compute capability and nothing else of it. For a record of a
    processor, which has no caching allocator, the peak is that of the bytes requested.
    """
    rows = []
    for reading in record.memory:
        if reading.report.out_of_memory is None:
            predicted = predict_case(reading.case, capability=record.capability)
            rows += compared(reading.case, predicted, reading.report)
    return rows


def compared(case: Case, predicted: Report, measured: Report) -> list[Row]:
    """The rows of one case."""
    rows = []
    for what in (*EXACT, *ESTIMATED):
        found = getattr(measured, what)
        if found is None:
            continue
        # Without a caching allocator a peak is what the program asks for.
        plain = what == "peak" and measured.reserved is None
        rows.append(Row(case, what, getattr(predicted, "requested_peak" if plain else what), found))
    return rows


def summed(rows: Iterable[Row]) -> dict[str, Errors]:
    """The errors of each quantity, by its name; quantities without a row are left out."""
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row.what, []).append(row)
    return {
        what: Errors(
            what,
            len(group),
            statistics.median(abs(row.ratio - 1) for row in group),
            *max(((abs(row.ratio - 1), row.case) for row in group), key=lambda pair: pair[0]),
        )
        for what, group in grouped.items()
    }
