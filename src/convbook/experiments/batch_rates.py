"""Learning rates for batches of different sizes: rules, a choice by validation, and what it costs.

A learning-rate rule is a path through a table of batch sizes and learning rates. Rules that meet in
a cell share its trainings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.optimize import nnls

from convbook.experiments.batch_images import Sets
from convbook.experiments.batches import BATCHES, Run, train
from convbook.intervals import mean_interval

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import ArrayLike

Cell = tuple[int, float]  # batch size and learning rate
Table = dict[Cell, list[Run]]  # the runs of a cell, by seed

SMALLEST = BATCHES[0]
START = 0.0016  # of the small network, at the smallest batch
HOMEWORK_START, HOMEWORK_MOST = 0.0001, 0.0064
FACTOR = 4  # between neighbouring batch sizes, and between neighbouring learning rates


def linear(batch: int, start: float = START) -> float:
    """The rate that grows as the batch does: Goyal et al. (2017)."""
    return start * batch / SMALLEST


def homework(batch: int) -> float:
    """The homework's rate: linear as well, from a lower start, and never above 0.0064."""
    return min(linear(batch, HOMEWORK_START), HOMEWORK_MOST)


def around(batch: int) -> tuple[float, float, float]:
    """Rates to choose from: a quarter of the linear one, that one, and four times as much."""
    return linear(batch) / FACTOR, linear(batch), linear(batch) * FACTOR


def trained(
    seed: int,
    sets: Sets,
    cells: Sequence[Cell],
    held_out: Literal["validation", "test"] = "test",
) -> list[Run]:
    """A seed's runs of some cells, one after the other, in the order of the cells."""
    images = getattr(sets, held_out)
    return [train(batch, rate, seed, sets.train, images) for batch, rate in cells]


def table(runs: Iterable[Run]) -> Table:
    """Runs by batch size and learning rate, those of a cell by seed."""
    cells: Table = {}
    for run in sorted(runs, key=lambda run: (run.batch, run.rate, run.seed)):
        cells.setdefault((run.batch, run.rate), []).append(run)
    return cells


def tuned(runs: Iterable[Run]) -> dict[int, float]:
    """For each batch size the rate whose runs have the best mean accuracy; of equals, the lower.

    It is the accuracy with batch norm's statistics estimated anew: `Run.renewed`.
    """
    means = {cell: np.mean([run.renewed for run in own]) for cell, own in table(runs).items()}
    best: dict[int, float] = {}
    for batch, rate in sorted(means):
        if batch not in best or means[batch, rate] > means[batch, best[batch]]:
            best[batch] = rate
    return best


@dataclass(frozen=True)
class StepCost:
    """What a step costs, in seconds: a fixed part, and a part for each image."""

    fixed: float
    per_image: float

    def step(self, batch: Float[ArrayLike, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """Seconds of a step."""
        return self.fixed + self.per_image * np.asarray(batch)

    def overhead(self, batch: Float[ArrayLike, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """The fixed part's share of a step."""
        return self.fixed / self.step(batch)


def step_cost(batches: Sequence[int], seconds: Sequence[float]) -> StepCost:
    """The straight line through the times of steps of different batch sizes.

    It is the line of least squares of the relative errors: else the largest batch alone would
    decide, and the fixed part, which is small beside it, would be noise. No part is below 0: a GPU
    that is never full shows next to no cost of an image, and what is measured is then noise.

    Parameters
    ----------
    batches, seconds
        Sizes, two different ones at least, and how long a step of each takes.

    Raises
    ------
    ValueError
        If there are fewer than two sizes, or a time is not above 0.
    """
    x, y = np.asarray(batches, float), np.asarray(seconds, float)
    if len(np.unique(x)) < 2:
        raise ValueError(f"batches are {list(batches)}; a line needs two different sizes")
    if not (y > 0).all():
        raise ValueError(f"seconds are {list(seconds)}; each must be above 0")
    columns = np.column_stack([np.ones_like(x), x]) / y[:, None]
    (fixed, per_image), _ = nnls(columns, np.ones_like(y))
    return StepCost(float(fixed), float(per_image))


def as_good_as_best(
    values: Mapping[int, Float[np.ndarray, " seeds"]], *, high: bool = True
) -> tuple[int, list[int]]:
    """The batch size of the best mean, and all sizes that cannot be told from it.

    A size can be told from the best if the 95 % interval of the mean of the differences, seed by
    seed, leaves out 0.

    Parameters
    ----------
    values
        For each size the values of the same seeds in the same order.
    high
        Whether more is better.
    """
    sign = 1 if high else -1
    best = max(values, key=lambda batch: sign * values[batch].mean())
    alike = []
    for batch, own in values.items():
        differences = values[best] - own
        low, top = (0.0, 0.0) if batch == best else map(float, mean_interval(differences))
        if low <= 0 <= top:
            alike.append(batch)
    return best, alike
