"""The times that the book shows: readings of a processor, taken by hand and kept.

No two runs take the same seconds, so a page that showed those of its own build would differ from
one build to the next. It shows the readings of a record, with their device and day. They are taken
by ``make times``: `convbook.memory.readings` with ``--device cpu``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from convbook.experiments.batch_images import TEST, TRAIN
from convbook.experiments.batch_rates import linear
from convbook.experiments.batches import BATCHES, SIDE
from convbook.memory.cases import REMEDIES_SMALL
from convbook.memory.probes import Training
from convbook.memory.records import Record

if TYPE_CHECKING:
    from jaxtyping import Float

THREADS = 1  # two would make times depend on what else the machine does
SEEDS = range(10)
CASES = tuple(REMEDIES_SMALL.values())
# Seed by seed, each with another batch size first: what slows a machine down for a while is no one
# batch size's own.
TRAINING = tuple(
    Training(batch, linear(batch), seed, network="resnet10", width=8, stem="small", side=SIDE,
             train=TRAIN, test=TEST)
    for seed in SEEDS
    for batch in (*BATCHES[seed % len(BATCHES):], *BATCHES[:seed % len(BATCHES)])
)  # fmt: skip


@dataclass(frozen=True)
class Times:
    """Seconds of one processor.

    Attributes
    ----------
    record
        Where they come from.
    images
        The training images in a sentence.
    data, arithmetic
        Of `TRAINING`: seconds since the start, after each epoch, as
        `convbook.experiments.batches.Run` has them, (seeds, batches, epochs).
    steps
        Of a step with each of `REMEDIES_SMALL`, by its name.
    """

    record: Record
    images: str
    data: Float[np.ndarray, "seeds batches epochs"]
    arithmetic: Float[np.ndarray, "seeds batches epochs"]
    steps: dict[str, float]


def recorded_times(found: Sequence[Record]) -> Times:
    """The times of the first processor among the records.

    Raises
    ------
    ValueError
        If there is no record of a processor, or a reading is missing in it.
    """
    record = next((each for each in found if each.capability is None), None)
    if record is None:
        raise ValueError(
            f"none of {len(found)} records is of a processor; `make times` takes one's readings"
        )
    steps = {name: record.report(case) for name, case in REMEDIES_SMALL.items()}
    seconds = {
        name: report.seconds
        for name, report in steps.items()
        if report is not None and report.seconds is not None
    }
    wanted = [dataclasses.asdict(run) for run in TRAINING]
    runs = {
        (each["case"]["batch_size"], each["case"]["seed"]): each["run"]
        for each in record.training
        if each["case"] in wanted and "out_of_memory" not in each["run"]
    }
    missing = len(steps) - len(seconds) + len(wanted) - len(runs)
    if missing:
        raise ValueError(
            f"{record.path or 'the record'} lacks {missing} of {len(steps) + len(wanted)} readings "
            "of a processor; `make times` takes them anew"
        )
    data, arithmetic = (
        np.array([[runs[batch, seed][part] for batch in BATCHES] for seed in SEEDS])
        for part in ("data", "arithmetic")
    )
    return Times(record, runs[BATCHES[0], SEEDS[0]]["images"], data, arithmetic, seconds)
