"""Networks made to fit ten images of each class, and what their first kernels are good for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from convbook import kernel_parts
from convbook.edges import THREE, draw_edges
from convbook.experiments.sets import TRAINING, VALIDATION, Sets, draw_sets, shuffled
from convbook.models import MLP, SmallCNN, untrained
from convbook.training import evaluate, fit

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from numpy.typing import ArrayLike

NETWORKS: dict[str, Callable[[int], nn.Module]] = {"cnn": SmallCNN, "mlp": MLP}


@dataclass(frozen=True)
class Fitted:
    """Networks before and after training, one for each seed, and the share that each gets right."""

    before: list[nn.Module]
    after: list[nn.Module]
    train: Float[np.ndarray, " seeds"]
    validation: Float[np.ndarray, " seeds"]


def overfit(
    network: str,
    *,
    seeds: Sequence[int],
    labels: str = "true",
    classes: tuple[str, ...] = THREE,
    per_class: int = 10,
    epochs: int = 500,
) -> Fitted:
    """Train on few images as the notebook does: batches of 32, a rate of 0.01.

    Parameters
    ----------
    network
        "cnn" or "mlp".
    labels
        "true", or "shuffled": dealt out at random among the training images.
    """
    draw = shuffled if labels == "shuffled" else draw_edges
    training = draw_sets(seeds, TRAINING, per_class, draw, classes=classes)
    validation = draw_sets(seeds, VALIDATION, 50, classes=classes)
    networks = untrained(lambda: NETWORKS[network](len(classes)), seeds)
    before = deepcopy(networks)
    fit(networks, *training, epochs=epochs, batch_size=32, seeds=seeds)
    train, valid = (
        evaluate(networks, *each).accuracy for each in (training, validation)
    )  # fmt: skip
    return Fitted(before, networks, np.asarray(train), np.asarray(valid))


def first_kernels(networks: Sequence[nn.Module]) -> Float[np.ndarray, "seeds kernels k k"]:
    """The kernels of each network's first convolution, on images of one channel."""
    weights = [
        network.get_parameter("convolutions.0.weight").detach().double().numpy()
        for network in networks
    ]
    return np.stack(weights)[:, :, 0]


def without_part(network: SmallCNN, part: str) -> SmallCNN:
    """A copy whose kernels have lost one of the parts of `kernel_parts`, in every layer."""
    copy = deepcopy(network)
    with torch.no_grad():
        for convolution in copy.convolutions:
            weight = convolution.get_parameter("weight")  # F C k k
            left = kernel_parts.without(weight.double().numpy(), part)
            weight.copy_(torch.tensor(left))
    return copy


def without_kernel(network: SmallCNN, kernel: int) -> SmallCNN:
    """A copy in which one kernel of the first layer is silent: its map is 0 for every image."""
    copy = deepcopy(network)
    with torch.no_grad():
        for name in ("weight", "bias"):
            copy.get_parameter(f"convolutions.0.{name}")[kernel] = 0
    return copy


@torch.no_grad()
def right_by_class(
    network: nn.Module, images: Float[ArrayLike, "n 1 h w"], labels: Int[np.ndarray, " n"]
) -> Float[np.ndarray, " classes"]:
    """The share of each class's images that a network gets right."""
    found = network(torch.as_tensor(images)).argmax(1).numpy()
    return np.array([(found[labels == c] == c).mean() for c in np.unique(labels)])


def lost(
    fitted: Sequence[SmallCNN], change: Callable[[SmallCNN], SmallCNN], sets: Sets
) -> Float[np.ndarray, "seeds classes"]:
    """How much of each class's accuracy each network loses by a change, on its own images."""
    return np.stack(
        [
            right_by_class(network, *own) - right_by_class(change(network), *own)
            for network, *own in zip(fitted, *sets, strict=True)
        ]
    )
