"""Deeper and wider networks on five classes: how they train, and what their first weights do."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy.stats import binomtest
from torch import Tensor

from convbook.edges import FIVE
from convbook.experiments.sets import TEST, TRAINING, VALIDATION, draw_sets
from convbook.models import SmallCNN, untrained
from convbook.training import evaluate, fit

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

KINDS: dict[str, dict[str, Any]] = {"base": {}, "deeper": {"depth": 4}, "wider": {"width": 6}}
CHANCE = math.log(len(FIVE))  # the loss of one who gives every class the same probability
RECIPES: dict[str, dict[str, Any]] = {  # how to start, and how to step
    "as it was": {},
    "larger steps": {"learning_rate": 0.03},
    "He": {"start": "he"},
    "He, smaller steps": {"start": "he", "learning_rate": 0.003},
    "Adam": {"optimizer": "adam", "learning_rate": 0.003},
    "He and Adam": {"start": "he", "optimizer": "adam", "learning_rate": 0.003},
}


@dataclass(frozen=True)
class Trained:
    """How networks of one kind trained, for each seed.

    Attributes
    ----------
    epochs, loss
        (times,) and (times, seeds): the training loss along the way, in nats.
    validation, test
        (seeds,): accuracies at the end.
    networks
        As they are at the end.
    """

    epochs: Int[np.ndarray, " times"]
    loss: Float[np.ndarray, "times seeds"]
    validation: Float[np.ndarray, " seeds"]
    test: Float[np.ndarray, " seeds"]
    networks: list[SmallCNN]

    @property
    def stuck(self) -> Bool[np.ndarray, "times seeds"]:
        """Where the loss is that of guessing, or worse."""
        return np.asarray(self.loss > CHANCE - 0.05)


def trained(
    kind: str,
    *,
    seeds: Sequence[int],
    epochs: int,
    start: str = "torch",
    optimizer: str = "sgd",
    learning_rate: float = 0.01,
    small: bool = False,
) -> Trained:
    """Train one of `KINDS` on 30 images of each of five classes.

    Parameters
    ----------
    start
        "torch": the weights that torch draws by default; "he": those of `he_start`.
    optimizer, learning_rate
        The notebook's, unless given: SGD at 0.01 (and a momentum of 0.9).
    small
        Images of half the side, 14×14, with bands of half the width: an eighth of the time.
    """
    size: dict[str, Any] = {"side": 14, "widths": (1, 2)} if small else {}
    training, validation, test = (
        draw_sets(seeds, purpose, n, classes=FIVE, **size)
        for purpose, n in ((TRAINING, 30), (VALIDATION, 50), (TEST, 50))
    )
    networks = untrained(lambda: SmallCNN(len(FIVE), **KINDS[kind]), seeds)
    if start == "he":
        networks = [he_start(each, seed) for each, seed in zip(networks, seeds, strict=True)]
    history = fit(
        networks,
        *training,
        epochs=epochs,
        seeds=seeds,
        optimizer=optimizer,
        learning_rate=learning_rate,
        every=10,
    )
    valid, tested = (evaluate(networks, *each).accuracy for each in (validation, test))
    return Trained(history.epochs, history.loss["train"], valid, tested, networks)


def he_start(network: SmallCNN, seed: int) -> SmallCNN:
    """Draw convolutions' weights with variance 2/fan-in; biases are 0.

    He et al. 2015, section 2.2 (https://arxiv.org/abs/1502.01852). The network
    is changed.
    """
    generator = torch.Generator().manual_seed(int(seed))
    with torch.no_grad():
        for convolution in network.convolutions:
            weight = convolution.get_parameter("weight")  # F C k k
            spread = math.sqrt(2 / weight[0].numel())
            weight.normal_(0, spread, generator=generator)
            convolution.get_parameter("bias").zero_()
    return network


@dataclass(frozen=True)
class Signals:
    """What passes through untrained networks, layer by layer; the images come first.

    Attributes
    ----------
    size
        (networks, layers + 1): the root mean square of a layer's outputs.
    change
        (networks, layers + 1): the standard deviation over images at one place, a root mean square
        over places and channels. What no later layer can tell images apart without.
    slope
        (networks, layers): the root mean square of the loss's gradient by a layer's weights.
    """

    size: Float[np.ndarray, "networks maps"]
    change: Float[np.ndarray, "networks maps"]
    slope: Float[np.ndarray, "networks layers"]


def signals(
    networks: Iterable[SmallCNN],
    images: Float[np.ndarray, "N 1 H W"],
    labels: Int[np.ndarray, " N"],
) -> Signals:
    """Send images forward through each network, and the loss's gradient back."""
    x, target = torch.as_tensor(images), torch.as_tensor(labels)
    sizes, changes, slopes = [], [], []
    for network in networks:
        maps = [x, *layer_maps(network, x)]
        sizes.append([_root_mean_square(each) for each in maps])
        changes.append([_root_mean_square(each.std(0, correction=0)) for each in maps])
        weights = [each.get_parameter("weight") for each in network.convolutions]
        loss = F.cross_entropy(network(x), target)
        slopes.append([_root_mean_square(g) for g in torch.autograd.grad(loss, weights)])
    return Signals(np.array(sizes), np.array(changes), np.array(slopes))


def layer_maps(network: SmallCNN, x: Float[Tensor, "N C H W"]) -> list[Float[Tensor, "N F h w"]]:
    """What each convolution makes of the images, behind its ReLU."""
    maps: list[Tensor] = []
    hooks = [
        convolution.register_forward_hook(lambda _, __, made: maps.append(F.relu(made)))
        for convolution in network.convolutions
    ]
    with torch.no_grad():
        network(x)
    for hook in hooks:
        hook.remove()
    return maps


def dead_layers(
    network: SmallCNN, images: Float[np.ndarray, "N 1 H W"]
) -> Bool[np.ndarray, " layers"]:
    """Which layers give 0 at every place of every image."""
    maps = layer_maps(network, torch.as_tensor(images))
    return np.array([bool((each == 0).all()) for each in maps])


def share_interval(count: int, among: int, level: float = 0.95) -> tuple[float, float]:
    """The confidence interval (low, high) of a share, ``count`` of ``among`` (Wilson 1927)."""
    found = binomtest(count, among).proportion_ci(level, method="wilson")
    return float(found.low), float(found.high)


def _root_mean_square(values: Tensor) -> float:
    return float(values.detach().square().mean().sqrt())
