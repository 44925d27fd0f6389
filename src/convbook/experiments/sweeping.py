"""How accuracy grows with the number of images, for learned, hand-set and random kernels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from convbook.edges import SIDE, THREE
from convbook.experiments.sets import TRAINING, VALIDATION, draw_sets
from convbook.models import MLP, SmallCNN, untrained
from convbook.training import evaluate, fit

if TYPE_CHECKING:
    from jaxtyping import Float, Float32

EPOCHS = 30  # the notebook's


@dataclass(frozen=True)
class Trained:
    """The share of validation images that each seed's network gets right, and the networks."""

    validation: Float[np.ndarray, " seeds"]
    networks: list[nn.Module]


@dataclass(frozen=True)
class Frozen:
    """Validation accuracies of a classifier on features that do not change, for each seed.

    Attributes
    ----------
    as_notebook
        Trained as the whole network would be: 30 epochs of SGD on the features as they are.
    to_the_end
        Features standardised, and the loss brought to its minimum.
    spread
        The standard deviation of a feature over the training images, a mean over features.
    """

    as_notebook: Float[np.ndarray, " seeds"]
    to_the_end: Float[np.ndarray, " seeds"]
    spread: Float[np.ndarray, " seeds"]


def set_edges(network: SmallCNN, third: str = "random") -> SmallCNN:
    """Set the kernels by hand, as the notebook does: edges, and edges of those.

    The first kernel of each layer takes a row from the row above it, the second
    a column from the column before it; in the second layer, the same for all
    channels. All biases are 0.

    Parameters
    ----------
    network
        With kernels of 5×5 or more, and three or more in each layer. It is
        changed.
    third
        What the other kernels are: "random", as they were drawn, or "zero".

    Raises
    ------
    ValueError
        If ``third`` is neither.
    """
    if third not in ("random", "zero"):
        raise ValueError(f"third is {third!r}; it can be 'random' or 'zero'")
    with torch.no_grad():
        for convolution in network.convolutions:
            weight = convolution.get_parameter("weight")  # F C k k
            middle = weight.shape[-1] // 2
            step = torch.zeros(weight.shape[-2:])
            step[middle - 1], step[middle] = 1, -1
            weight[0], weight[1] = step, step.T
            if third == "zero":
                weight[2:] = 0
            convolution.get_parameter("bias").zero_()
    return network


def averaged(
    images: Float32[np.ndarray, "*n side side"], block: int = 4
) -> Float32[np.ndarray, "*n side/block side/block"]:
    """Images at a fraction of their size: the mean of each block."""
    *_, height, width = images.shape
    cut = images.reshape(*images.shape[:-2], height // block, block, width // block, block)
    return np.asarray(cut.mean((-3, -1)))


NETWORKS: dict[str, Callable[[int], nn.Module]] = {
    "cnn": SmallCNN,
    "mlp": MLP,
    "small mlp": lambda classes: MLP(classes, hidden=(11,), side=SIDE // 4),  # on averaged images
    "wide cnn": lambda classes: SmallCNN(classes, width=28),
    "from edges": SmallCNN,
}


def trained(
    network: str,
    per_class: int,
    *,
    seeds: Sequence[int],
    classes: tuple[str, ...] = THREE,
    epochs: int = EPOCHS,
    third: str = "random",
) -> Trained:
    """Train one of `NETWORKS` with the notebook's settings: batches of 10, a rate of 0.01."""
    networks = untrained(lambda: NETWORKS[network](len(classes)), seeds)
    if network == "from edges":
        for each in networks:
            assert isinstance(each, SmallCNN)  # for mypy
            set_edges(each, third)
    training, validation = (
        draw_sets(seeds, purpose, n, classes=classes)
        for purpose, n in ((TRAINING, per_class), (VALIDATION, 50))
    )
    if network == "small mlp":
        training, validation = (
            (averaged(images), labels) for images, labels in (training, validation)
        )
    # A wide network keeps the processor's cache busy by itself: faster one after the other.
    at_once = 1 if network == "wide cnn" else len(networks)
    for first in range(0, len(networks), at_once):
        part = slice(first, first + at_once)
        images, labels = (each[part] for each in training)
        fit(networks[part], images, labels, epochs=epochs, seeds=seeds[part])
    return Trained(evaluate(networks, *validation).accuracy, networks)


def frozen(
    kernels: str,
    per_class: int,
    *,
    seeds: Sequence[int],
    classes: tuple[str, ...] = THREE,
    width: int = 3,
) -> Frozen:
    """Train a linear classifier on what kernels make of the images that no training changes.

    The features do not change either, so they are computed once.

    Parameters
    ----------
    kernels
        "random", "edges", or "edges and zeros": set by hand with a third kernel of zeros.
    """
    networks = untrained(lambda: SmallCNN(len(classes), width=width), seeds)
    if kernels != "random":
        third = "zero" if kernels == "edges and zeros" else "random"
        for each in networks:
            set_edges(each, third)
    (x, y), (x_valid, y_valid) = (
        draw_sets(seeds, purpose, n, classes=classes)
        for purpose, n in ((TRAINING, per_class), (VALIDATION, 50))
    )
    f, f_valid = (features(networks, each) for each in (x, x_valid))
    heads = [network.linear for network in networks]
    fit(heads, f, y, epochs=EPOCHS, seeds=seeds)
    ends = [fitted_score(*each) for each in zip(f, y, f_valid, y_valid, strict=True)]
    return Frozen(
        evaluate(heads, f_valid, y_valid).accuracy, np.array(ends), f.std(axis=1).mean(axis=1)
    )


@torch.no_grad()
def features(
    networks: Sequence[SmallCNN], images: Float32[np.ndarray, "seeds n 1 h w"]
) -> Float32[np.ndarray, "seeds n width"]:
    """What each network's linear layer gets to see of its own images."""
    return np.stack(
        [
            network.features(torch.as_tensor(own)).numpy()
            for network, own in zip(networks, images, strict=True)
        ]
    )


def fitted_score(
    x: Float32[np.ndarray, "n f"],
    y: np.ndarray,
    x_valid: Float32[np.ndarray, "m f"],
    y_valid: np.ndarray,
) -> float:
    """Accuracy of a linear classifier whose loss was brought to its minimum.

    Features are standardised by the training images' mean and spread. One that never changes,
    as that of a dead kernel, stays 0. (The loss has a weak penalty on the weights, without which
    it has no minimum where the classes can be parted.)
    """
    middle, spread = x.mean(axis=0), x.std(axis=0)
    spread = np.where(spread > 0, spread, 1)
    model = LogisticRegression(C=100, max_iter=5000).fit((x - middle) / spread, y)
    return float(model.score((x_valid - middle) / spread, y_valid))


def bands_seen(
    network: SmallCNN, widths: Sequence[int] = (1, 2, 3, 4)
) -> Float[np.ndarray, "widths side"]:
    """The first feature of a bright horizontal band on black, for every width and first row.

    Not a number where the band does not fit.
    """
    seen = np.full((len(widths), SIDE), np.nan)
    for n, width in enumerate(widths):
        places = SIDE - width + 1
        images = torch.zeros(places, 1, SIDE, SIDE)
        for place in range(places):
            images[place, 0, place : place + width] = 1
        with torch.no_grad():
            seen[n, :places] = network.features(images)[:, 0].numpy()
    return seen
