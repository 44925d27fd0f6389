"""Networks made to fit ten images of each class, and what their first kernels are good for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from convbook import kernel_parts
from convbook.edges import THREE, draw_edges
from convbook.experiments.sets import TRAINING, VALIDATION, draw_sets, shuffled
from convbook.models import MLP, SmallCNN, untrained
from convbook.training import evaluate, fit

if TYPE_CHECKING:
    from jaxtyping import Float

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
    """Train on few images with the notebook's settings: batches of 32, a learning rate of 0.01.

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
    train, valid = (evaluate(networks, *each).accuracy for each in (training, validation))
    return Fitted(before, networks, np.asarray(train), np.asarray(valid))


def first_kernels(networks: Sequence[nn.Module]) -> Float[np.ndarray, "seeds kernels k k"]:
    """The kernels of each network's first convolution, on images of one channel."""
    weights = [network.get_parameter("convolutions.0.weight") for network in networks]
    return torch.stack(weights).detach().double().numpy()[:, :, 0]


def without_part(network: SmallCNN, part: str) -> SmallCNN:
    """A copy whose kernels have lost one of the parts of `kernel_parts`, in every layer."""
    copy = deepcopy(network)
    with torch.no_grad():
        for convolution in copy.convolutions:
            weight = convolution.get_parameter("weight")  # F C k k
            left = kernel_parts.without(weight.double().numpy(), part)
            weight.copy_(torch.tensor(left))
    return copy


@torch.no_grad()
def scores_without_kernel(
    network: SmallCNN, kernel: int, images: Float[Tensor, "n 1 h w"]
) -> Float[Tensor, "n classes"]:
    """The scores where one kernel of the first layer tells nothing.

    What it makes of any image is replaced by one number, the mean of its map over all images: what
    follows still finds a map of the usual brightness, but no news in it.
    """

    def silence(_: nn.Module, __: tuple[Tensor, ...], maps: Tensor) -> Tensor:
        maps = maps.clone()  # n F h w
        maps[:, kernel] = F.relu(maps[:, kernel]).mean()
        return maps

    hook = network.convolutions[0].register_forward_hook(silence)
    try:
        scores: Tensor = network(images)
    finally:
        hook.remove()
    return scores


def right_by_class(
    scores: Float[Tensor, "n classes"], labels: np.ndarray
) -> Float[np.ndarray, " classes"]:
    """The share of each class's images whose own score is the highest."""
    found = scores.argmax(1).numpy()
    return np.array([(found[labels == c] == c).mean() for c in range(scores.shape[1])])
