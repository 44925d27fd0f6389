"""What is left of a network's advantage when the pixels of all images change places.

A change is fixed for a seed: training and validation images of that seed go through the same one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from convbook.edges import draw_edges, permutation
from convbook.experiments.sets import TRAINING, VALIDATION, Sets
from convbook.models import MLP, SmallCNN, untrained
from convbook.training import confusion, evaluate, fit

if TYPE_CHECKING:
    from jaxtyping import Float, Float32, Int

CHANGE = 11  # what a seed's draw is for: the change of its images
NOTEBOOK: dict[str, Any] = {"side": 28}  # the homework's images: without noise
SMALL: dict[str, Any] = {
    "side": 20, "widths": (1, 3), "intensities": (0.4, 1.0), "backgrounds": (0.0, 0.0),
    "noise": 0.15,
}  # fmt: skip
NETWORKS: dict[str, Callable[..., nn.Module]] = {"cnn": SmallCNN, "mlp": MLP}


@dataclass(frozen=True)
class Trained:
    """Networks, one for each seed, and the share of images that each gets right.

    ``course`` has those of validation along the way, the end included.
    """

    networks: list[nn.Module]
    train: Float[np.ndarray, " seeds"]
    validation: Float[np.ndarray, " seeds"]
    course: Float[np.ndarray, "looks seeds"]


def trained(
    network: str,
    per_class: int,
    *,
    seeds: Sequence[int],
    change: str | int = "none",
    steps: int = 900,
    epochs: int | None = None,
    looks: int = 1,
    images: str = "notebook",
    learning_rate: float = 0.01,
    optimizer: str = "sgd",
    **options: Any,
) -> Trained:
    """Train on changed images, in batches of 10, and look at new images with the same change.

    Parameters
    ----------
    network
        "cnn" or "mlp"; options go to it.
    change
        As in `changed`.
    steps, epochs
        As many epochs as it takes to make so many steps or more; or so many epochs, if given.
    looks
        How often to look at the validation images, at equal distances.
    images
        "notebook", or "small": 20×20 with noise.
    """
    kind = {"notebook": NOTEBOOK, "small": SMALL}[images]
    build = NETWORKS[network]
    training, validation = (
        changed_sets(seeds, purpose, n, change, **kind)
        for purpose, n in ((TRAINING, per_class), (VALIDATION, 100))
    )
    networks = untrained(lambda: build(3, side=kind["side"], **options), seeds)
    if epochs is None:
        epochs = epochs_of(steps, training[1].shape[1])
    history = fit(
        networks, *training, epochs=epochs, seeds=seeds, learning_rate=learning_rate,
        optimizer=optimizer, watch={"validation": validation}, every=max(1, epochs // looks),
    )  # fmt: skip
    course = history.accuracy["validation"]
    return Trained(networks, history.accuracy["train"][-1], course[-1], course)


def confusions(
    networks: Sequence[nn.Module], seeds: Sequence[int], change: str | int
) -> Float[np.ndarray, "seeds 3 3"]:
    """What each seed's network takes the homework's validation images of each class (row) for."""
    images, labels = changed_sets(seeds, VALIDATION, 100, change, **NOTEBOOK)
    return confusion(evaluate(networks, images, labels).logits, labels)


def band_and_direction(
    tables: Float[np.ndarray, "seeds 3 3"],
) -> tuple[Float[np.ndarray, " seeds"], Float[np.ndarray, " seeds"]]:
    """Shares of images: rightly told whether there is a band; and its direction, if called one."""
    band = (tables[:, :2, :2].sum((1, 2)) + tables[:, 2, 2]) / 3
    called = tables[:, :2, :2]
    direction = (called[:, 0, 0] + called[:, 1, 1]) / np.maximum(called.sum((1, 2)), 1e-9)
    return band, direction


def epochs_of(steps: int, images: int, batch_size: int = 10) -> int:
    """How many epochs it takes to make so many steps, or more."""
    return -(-steps // -(-images // batch_size))


def changed_sets(
    seeds: Sequence[int], purpose: int, per_class: int, change: str | int, **options: Any
) -> Sets:
    """For each seed a set of its own, as `convbook.experiments.sets.draw_sets`, changed."""
    images, labels = [], []
    for seed in seeds:
        edges = draw_edges(np.random.default_rng([seed, purpose]), per_class, **options)
        images.append(changed(edges.images, change, np.random.default_rng([seed, CHANGE])))
        labels.append(edges.labels)
    return np.stack(images)[:, :, None], np.stack(labels)


def changed(
    images: Float32[np.ndarray, "n side side"], change: str | int, rng: np.random.Generator
) -> Float32[np.ndarray, "n side side"]:
    """Images after one change that the generator draws.

    Parameters
    ----------
    change
        "none"; "permuted": all pixels in a random order; a number: in a random order within blocks
        of this side, the same in all blocks; "wrapped": along `wrapping`; "signs": each pixel times
        1 or -1, drawn once for its place.

    Raises
    ------
    ValueError
        If the change is unknown.
    """
    n, side, _ = images.shape
    if change == "none":
        return images
    if change == "signs":
        return np.asarray(images * rng.choice(np.array([-1, 1], images.dtype), size=(side, side)))
    if change == "permuted":
        order = permutation(rng, side)
    elif change == "wrapped":
        order = wrapping(draw_matrix(rng, side), side)
    elif isinstance(change, int):
        order = permutation(rng, side, change)
    else:
        raise ValueError(
            f"change is {change!r}; it can be 'none', 'permuted', 'wrapped', 'signs' or a block"
        )
    return images.reshape(n, -1)[:, order].reshape(images.shape)


def wrapping(matrix: Int[np.ndarray, "2 2"], side: int) -> Int[np.ndarray, " pixels"]:
    """The order of pixels that takes place p from place (matrix · p) modulo the side."""
    places = np.indices((side, side)).reshape(2, -1)  # row and column of each place
    rows, columns = np.asarray(matrix) @ places % side
    return np.asarray(rows * side + columns)


def draw_matrix(rng: np.random.Generator, side: int) -> Int[np.ndarray, "2 2"]:
    """A matrix that `wrapping` can use, drawn until neighbours come from far apart.

    Its determinant has no factor in common with the side, so that every pixel is taken once. Steps
    of one pixel along rows, columns and diagonals lead at least a quarter of the side away.
    """
    steps = np.array([[0, 1, 1, 1], [1, 0, 1, -1]])
    while True:
        matrix = rng.integers(0, side, (2, 2))
        determinant = int(matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0])
        far = matrix @ steps % side
        distance = np.minimum(far, side - far).max(axis=0)
        if np.gcd(determinant, side) == 1 and distance.min() >= side / 4:
            return np.asarray(matrix)


def neighbours(kernels: Float[np.ndarray, "*n k k"]) -> Float[np.ndarray, "*n"]:
    """For each kernel, the correlation of weights that lie next to each other, in [-1, 1]."""
    centred = kernels - kernels.mean((-2, -1), keepdims=True)
    pairs = [(centred[..., 1:, :], centred[..., :-1, :]), (centred[..., 1:], centred[..., :-1])]
    together = np.mean([(one * other).mean((-2, -1)) for one, other in pairs], axis=0)
    return np.asarray(together / (centred**2).mean((-2, -1)))
