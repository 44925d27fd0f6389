"""A filter bank that remembers what its filters are made of: image patches and coefficients.

    conv k×k → ReLU → mean over the map → linear

The convolution is written as a product with all patches that it sees, since these are what its
weights turn out to be sums of. ``conv2d`` and ``conv2d_backward`` compute the same, which the
chapter Gradients checks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from convbook._arguments import as_array, as_integer
from convbook.network import softmax_cross_entropy
from convbook.ops import windows

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Bank:
    """The parameters, or their gradients. A filter is a row of k·k weights."""

    w: Float[np.ndarray, "filters kk"]
    b: Float[np.ndarray, " filters"]
    v: Float[np.ndarray, "classes filters"]
    c: Float[np.ndarray, " classes"]


@dataclass(frozen=True)
class Step:
    """What one step of training used: which images, and the gradient at every position."""

    chosen: Int[np.ndarray, " batch"]
    dy: Float[np.ndarray, "batch positions filters"]


@dataclass(frozen=True)
class Training:
    """A trained bank, the one that it started from, and a record of every step between them."""

    first: Bank
    last: Bank
    steps: Sequence[Step]
    rate: float
    momentum: float
    decay: float


def patches_of(images: Float[ArrayLike, "n h w"], k: int) -> Float[np.ndarray, "n positions kk"]:
    """Every k×k window of every image as a row, positions and pixels in reading order.

    Raises
    ------
    ValueError
        If the images are not (N, H, W), or smaller than k×k.
    """
    x = as_array("images", images)
    side = as_integer("k", k, least=1)
    if x.ndim != 3:
        raise ValueError(f"images has shape {x.shape}; it must be (N, H, W)")
    return windows(x, (side, side)).reshape(len(x), -1, side * side)


def initial_bank(rng: np.random.Generator, filters: int, k: int, classes: int = 10) -> Bank:
    """Weights of variance 2 / inputs (He et al., 2015), biases 0."""
    w = rng.normal(0, np.sqrt(2) / k, (filters, k * k))
    v = rng.normal(0, np.sqrt(2 / filters), (classes, filters))
    return Bank(w, np.zeros(filters), v, np.zeros(classes))


def scores(bank: Bank, seen: Float[np.ndarray, "n positions kk"]) -> Float[np.ndarray, "n classes"]:
    """One score a class for every image."""
    y = seen @ bank.w.T + bank.b  # N positions F
    return np.asarray(np.maximum(y, 0).mean(axis=1) @ bank.v.T + bank.c)


def accuracy(
    bank: Bank, seen: Float[np.ndarray, "n positions kk"], labels: Int[np.ndarray, " n"]
) -> float:
    """The share of images whose own class has the highest score."""
    return float(np.mean(scores(bank, seen).argmax(axis=1) == labels))


def gradients(
    bank: Bank,
    seen: Float[np.ndarray, "n positions kk"],
    labels: Int[np.ndarray, " n"],
) -> tuple[Bank, Float[np.ndarray, "n positions filters"]]:
    """The gradient of the mean cross-entropy, and dy at the convolution."""
    y = seen @ bank.w.T + bank.b  # N positions F
    features = np.maximum(y, 0).mean(axis=1)  # N F
    _, dscores = softmax_cross_entropy(features @ bank.v.T + bank.c, labels)
    dfeatures = dscores @ bank.v  # N F
    dy = (y > 0) * dfeatures[:, None] / y.shape[1]
    dw, db = summed(dy, seen), dy.sum(axis=(0, 1))
    return Bank(dw, db, dscores.T @ features, dscores.sum(axis=0)), dy


def summed(
    a: Float[np.ndarray, "n positions filters"], seen: Float[np.ndarray, "n positions kk"]
) -> Float[np.ndarray, "filters kk"]:
    """For every filter the sum of all patches, each times its coefficient."""
    flat = a.reshape(-1, a.shape[-1])  # patches F
    return np.asarray(flat.T @ seen.reshape(len(flat), -1))


def sgd(
    bank: Bank,
    seen: Float[np.ndarray, "n positions kk"],
    labels: Int[np.ndarray, " n"],
    rng: np.random.Generator,
    *,
    steps: int,
    rate: float,
    batch: int | None = None,
    momentum: float = 0.0,
    decay: float = 0.0,
) -> Iterator[tuple[Bank, Step]]:
    """SGD with momentum and weight decay as torch has them: the bank after every step, and why.

    A batch of None takes all images at every step.

    Raises
    ------
    ValueError
        If there are fewer images than a batch takes.
    """
    n = len(seen)
    size = n if batch is None else as_integer("batch", batch, least=1)
    if size > n:
        raise ValueError(f"batch is {size}; there are {n} images")
    velocity = [np.zeros_like(value) for value in astuple(bank)]
    for _ in range(as_integer("steps", steps, least=1)):
        chosen = np.arange(n) if batch is None else rng.choice(n, size, replace=False)
        slope, dy = gradients(bank, seen[chosen], labels[chosen])
        triples = zip(astuple(slope), astuple(bank), velocity, strict=True)
        velocity = [momentum * v + g + decay * p for g, p, v in triples]
        bank = Bank(*(p - rate * v for p, v in zip(astuple(bank), velocity, strict=True)))
        yield bank, Step(chosen, dy)


def train(
    bank: Bank,
    seen: Float[np.ndarray, "n positions kk"],
    labels: Int[np.ndarray, " n"],
    rng: np.random.Generator,
    **how: Any,
) -> Training:
    """Train by `sgd`, whose other arguments go in ``how``, and put every step on record."""
    banks, steps = zip(*sgd(bank, seen, labels, rng, **how), strict=True)
    settings = {name: how.get(name, 0.0) for name in ("rate", "momentum", "decay")}
    return Training(bank, banks[-1], steps, **settings)


def coefficients(
    training: Training, images: int
) -> tuple[float, Float[np.ndarray, "n positions filters"]]:
    """How the trained filters are made: ``w = kept · w₀ + Σ a · patch``.

    The optimiser is linear in the gradients, and a gradient is
    ``Σ dy · patch``. So the same updates, applied to the recorded dy instead
    of to the weights, give the coefficients.

    Returns
    -------
    kept
        The share of the first weights that is left: 1 without weight decay.
    a
        A coefficient for every patch of every image and every filter.
    """
    _, positions, filters = training.steps[0].dy.shape
    kept, kept_velocity = 1.0, 0.0
    a = np.zeros((images, positions, filters))
    velocity = np.zeros_like(a)
    for step in training.steps:
        velocity *= training.momentum
        velocity += training.decay * a
        velocity[step.chosen] += step.dy  # no image is twice in a batch
        a -= training.rate * velocity
        kept_velocity *= training.momentum
        kept_velocity += training.decay * kept
        kept -= training.rate * kept_velocity
    return kept, a


def shares(
    a: Float[np.ndarray, "n positions"],
    seen: Float[np.ndarray, "n positions kk"],
    total: Float[np.ndarray, " kk"],
) -> Float[np.ndarray, " n"]:
    """How far each image moved a filter along ``total``, as a signed share.

    Image n moved it by the sum of its patches, each times its coefficient. The
    share is that sum's component along ``total``, over the length of
    ``total``. Where ``total`` is the sum over all images, they add up to 1.
    """
    moved = np.einsum("np,npk->nk", a, seen)
    return np.asarray(moved @ total / (total @ total))
