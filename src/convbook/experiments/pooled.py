"""What the ways to pool are good for: a task for each, and images off the beaten track."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from convbook.edges import FIVE, Edges, draw_edges
from convbook.experiments.permuted import CHANGE, SMALL, changed, epochs_of
from convbook.experiments.sets import TRAINING, VALIDATION, Sets, draw_sets
from convbook.models import SmallCNN, untrained
from convbook.training import confusion, evaluate, fit

if TYPE_CHECKING:
    from jaxtyping import Float

HEADS = ("average", "max", "flatten")
Draw = Callable[..., Edges]


@dataclass(frozen=True)
class Pooled:
    """How each seed's network does, by the name of the set.

    Attributes
    ----------
    train
        The share of the training images that it gets right.
    accuracy
        The share of a set's images that it gets right.
    confusion
        (seeds, 3, 3): of each class's images (row), the share that it takes for each class.
    """

    train: Float[np.ndarray, " seeds"]
    accuracy: dict[str, Float[np.ndarray, " seeds"]]
    confusion: dict[str, Float[np.ndarray, "seeds 3 3"]]


@dataclass(frozen=True)
class Course:
    """The share of images that each seed's network gets right, by the number of epochs done."""

    train: dict[int, Float[np.ndarray, " seeds"]]
    validation: dict[int, Float[np.ndarray, " seeds"]]


def five_classes(
    pooling: str, *, seeds: Sequence[int], epochs: int = 200, per_class: int = 30
) -> Course:
    """The homework's network and its five classes, with one pooling behind the first layer.

    It is looked at halfway and at the end.
    """
    training, validation = (
        draw_sets(seeds, purpose, n, classes=FIVE)
        for purpose, n in ((TRAINING, per_class), (VALIDATION, 50))
    )
    networks = untrained(lambda: SmallCNN(5, pooling=pooling), seeds)
    history = fit(
        networks, *training, epochs=epochs, seeds=seeds, watch={"validation": validation},
        every=max(1, epochs // 2),
    )  # fmt: skip
    train, held_out = (
        dict(zip(history.epochs.tolist(), history.accuracy[name], strict=True))
        for name in ("train", "validation")
    )
    return Course(train, held_out)


def heads(
    task: str,
    head: str,
    *,
    seeds: Sequence[int],
    per_class: int = 50,
    steps: int = 400,
    elsewhere: bool = False,
    change: str = "none",
    padding_mode: str = "reflect",
) -> Pooled:
    """One convolution of 8 kernels of 5×5 with a head, on one of the tasks of `TASKS`.

    With ``elsewhere`` the network is also tried on images that it was not trained for, those of
    `ELSEWHERE`; "flatten" cannot take larger ones. With a ``change``, all images of training and
    validation go through it, as in `convbook.experiments.permuted`.
    """
    draw = TASKS[task]
    training, validation = (
        _changed(draw_sets(seeds, purpose, n, draw), seeds, change)
        for purpose, n in ((TRAINING, per_class), (VALIDATION, 100))
    )
    sets = {"validation": validation}
    if elsewhere:
        sets |= {
            name: draw_sets(seeds, VALIDATION, 100, bands, **other)
            for name, other in ELSEWHERE.items()
            if head != "flatten" or "side" not in other
        }
    options: dict[str, Any] = {"head": head, "padding_mode": padding_mode, "side": SMALL["side"]}
    networks = untrained(lambda: SmallCNN(depth=1, width=8, kernel_size=5, **options), seeds)
    epochs = epochs_of(steps, training[1].shape[1])
    history = fit(
        networks, *training, epochs=epochs, seeds=seeds, learning_rate=0.01, optimizer="adam"
    )
    scores = {name: evaluate(networks, *each) for name, each in sets.items()}
    return Pooled(
        history.accuracy["train"][-1],
        {name: score.accuracy for name, score in scores.items()},
        {name: confusion(score.logits, sets[name][1]) for name, score in scores.items()},
    )


def _changed(sets: Sets, seeds: Sequence[int], change: str) -> Sets:
    images, labels = sets
    through = [
        changed(own[:, 0], change, np.random.default_rng([seed, CHANGE]))
        for seed, own in zip(seeds, images, strict=True)
    ]
    return np.stack(through)[:, :, None], labels


def bands(
    rng: np.random.Generator, per_class: int, *, hot: float | None = None, **options: Any
) -> Edges:
    """Bands among noise; with one pixel as bright as ``hot`` at a random place, if given."""
    edges = draw_edges(rng, per_class, **{**SMALL, **options})
    if hot is not None:
        n, height, width = edges.images.shape
        rows, columns = rng.integers(height, size=n), rng.integers(width, size=n)
        edges.images[np.arange(n), rows, columns] = hot
    return edges


def noisy_bands(rng: np.random.Generator, per_class: int) -> Edges:
    """Bands among twice the noise."""
    return bands(rng, per_class, noise=0.3)


def segments(rng: np.random.Generator, per_class: int, length: int = 6) -> Edges:
    """A short piece of a band, horizontal or vertical, somewhere among noise; or none."""
    side, n = 20, 3 * per_class
    labels = np.repeat(np.arange(3), per_class)
    images = np.zeros((n, side, side), np.float32)
    starts = np.stack([rng.integers(side - 1, size=n), rng.integers(side - length + 1, size=n)])
    intensity = rng.uniform(0.4, 1.0, size=n)
    for image, label, (across, along), light in zip(
        images, labels, starts.T, intensity, strict=True
    ):
        if label < 2:
            view = image if label == 0 else image.T
            view[across : across + 2, along : along + length] = light
    images += rng.normal(0, SMALL["noise"], images.shape)
    return Edges(images.astype(np.float32), labels, ("horizontal", "vertical", "none"))


def counts(rng: np.random.Generator, per_class: int) -> Edges:
    """One, two or three horizontal bands of two rows, at least two rows apart, among noise."""
    side, n = 20, 3 * per_class
    labels = np.repeat(np.arange(3), per_class)
    images = np.zeros((n, side, side), np.float32)
    for image, label in zip(images, labels, strict=True):
        bands = label + 1
        # Places with gaps: draw from a shorter image, then move each band on by those above it.
        starts = np.sort(rng.choice(side - 1 - 3 * label, bands, replace=False))
        for band, start in enumerate(starts):
            image[start + 3 * band : start + 3 * band + 2] = rng.uniform(0.4, 1.0)
    images += rng.normal(0, SMALL["noise"], images.shape)
    return Edges(images.astype(np.float32), labels, ("one", "two", "three"))


TASKS: dict[str, Draw] = {
    "bands": bands, "noisy bands": noisy_bands, "segments": segments, "count": counts,
}  # fmt: skip
ELSEWHERE: dict[str, Mapping[str, Any]] = {
    "60×60": {"side": 60},
    "hot pixel": {"hot": 3.0},
    "noise ×2": {"noise": 0.3},
}
