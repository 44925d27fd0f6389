"""How to train and how to judge it: places left out, searches, and how much data it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from convbook.edges import Edges, draw_edges

if TYPE_CHECKING:
    from jaxtyping import Float


def on_places(rng: np.random.Generator, per_class: int, odd: bool = False) -> Edges:
    """Draw bands of one pixel that lie on even rows and columns alone, or on odd ones.

    Rows and columns count from 0. A band that is not on such a place is moved by one pixel.
    """
    edges = draw_edges(rng, per_class, widths=(1, 1))
    images = edges.images.copy()
    for image, label in zip(images, edges.labels, strict=True):
        name = edges.classes[label]
        if name != "none":
            axis = 0 if name == "horizontal" else 1
            place = int(image.mean(1 - axis).argmax())
            image[:] = np.roll(image, int(odd) - place % 2, axis)
    return replace(edges, images=images)


@dataclass(frozen=True)
class Picked:
    """What one seed would have reported, had it searched alone: the winner of its validation.

    Attributes
    ----------
    validation, test
        (seeds,): the winner's accuracy on the set that chose it, and on a test set.
    again
        (seeds,): the mean test accuracy of that setting with the other seeds.
    """

    validation: Float[np.ndarray, " seeds"]
    test: Float[np.ndarray, " seeds"]
    again: Float[np.ndarray, " seeds"]


def picked_by_one_seed(
    validation: Float[np.ndarray, "settings seeds"], test: Float[np.ndarray, "settings seeds"]
) -> Picked:
    """For each seed, the setting with its highest validation accuracy (the first of equal ones)."""
    seeds = np.arange(validation.shape[1])
    best = validation.argmax(0)
    rest = (test.sum(1, keepdims=True) - test) / (len(seeds) - 1)
    return Picked(validation[best, seeds], test[best, seeds], rest[best, seeds])


def crossing(sizes: Sequence[float], accuracies: Float[np.ndarray, " sizes"], goal: float) -> float:
    """The size at which accuracies reach a goal, between sizes on a logarithmic scale.

    Accuracies that fall from one size to the next are replaced by the mean of both, until none
    falls (isotonic regression). Where the goal is not reached, the last size; where the first
    reaches it, the first.
    """
    blocks: list[list[float]] = []  # mean, count
    for accuracy in accuracies:
        blocks.append([float(accuracy), 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (a, n), (b, m) = blocks.pop(-2), blocks.pop(-1)
            blocks.append([(a * n + b * m) / (n + m), n + m])
    rising = np.repeat([mean for mean, _ in blocks], [int(count) for _, count in blocks])
    logs = np.log(np.asarray(sizes, dtype=float))
    if goal <= rising[0] or goal > rising[-1]:
        return float(sizes[0 if goal <= rising[0] else -1])
    after = int(np.argmax(rising >= goal))
    share = (goal - rising[after - 1]) / (rising[after] - rising[after - 1])
    return float(np.exp(logs[after - 1] + share * (logs[after] - logs[after - 1])))


def images_needed(
    sizes: Sequence[float],
    accuracies: Float[np.ndarray, "sizes seeds"],
    goals: Float[np.ndarray, " seeds"],
    rng: np.random.Generator,
    draws: int = 2000,
) -> Float[np.ndarray, " draws"]:
    """Bootstrap of `crossing`: seeds drawn with replacement, the same for accuracies and goals.

    Each draw takes the means over as many seeds as there are (Efron 1979).
    """
    count = len(goals)
    taken = rng.integers(count, size=(draws, count))
    return np.array([
        crossing(sizes, accuracies[:, seeds].mean(1), float(goals[seeds].mean()))
        for seeds in taken
    ])  # fmt: skip
