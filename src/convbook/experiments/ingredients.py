"""What a convolutional network assumes, taken away piece by piece, on three tasks.

The images are smaller and noisier than the homework's, and the networks have one layer, so that
each differs from the whole in one thing only, and all of them train in seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from convbook.edges import Edges, draw_edges
from convbook.experiments.sets import TEST, TRAINING, draw_sets
from convbook.models import MLP, SmallCNN, untrained
from convbook.training import evaluate, fit

if TYPE_CHECKING:
    from jaxtyping import Float

SIDE = 20
THIRDS = ("top", "middle", "bottom")

_NOISY: dict[str, Any] = {
    "side": SIDE,
    "widths": (1, 3),
    "intensities": (0.4, 1.0),
    "noise": 0.15,
}
_WHOLE: dict[str, Any] = {"kernel_size": 5, "depth": 1, "width": 8, "side": SIDE}


def _cnn(**changes: Any) -> Callable[[], nn.Module]:
    return partial(SmallCNN, 3, **{**_WHOLE, "padding_mode": "circular", **changes})


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "whole": _cnn(),
    "zero padding": _cnn(padding_mode="zeros"),
    "not shared": _cnn(sharing=False),
    "not local": _cnn(kernel_size=SIDE - 1),
    "told the place": _cnn(coordinates=True),
    "flattened": _cnn(head="flatten"),
    "MLP": partial(MLP, 3, hidden=(32,), side=SIDE),
}


def draw_bands(
    rng: np.random.Generator, per_class: int, places: tuple[float, float] = (0, 1)
) -> Edges:
    """Which way does the band run? Horizontal, vertical, or no band."""
    return draw_edges(rng, per_class, places=places, **_NOISY)


def draw_places(rng: np.random.Generator, per_class: int) -> Edges:
    """Where is the band? Horizontal bands; the class is the third of the image that holds it."""
    thirds = [
        draw_edges(rng, per_class, classes=("horizontal",), places=(n / 3, (n + 1) / 3), **_NOISY)
        for n in range(3)
    ]
    images = np.concatenate([each.images for each in thirds])
    return Edges(images, np.repeat(np.arange(3), per_class), THIRDS)


RATES = {"not local": 0.01}  # at 0.02 its long sums keep it from fitting the images it is shown

Draw = Callable[[np.random.Generator, int], Edges]

TASKS: dict[str, tuple[Draw, dict[str, Draw]]] = {  # what to train on, and what to be tested on
    "which way": (
        partial(draw_bands, places=(0, 0.5)),
        {
            "which way": partial(draw_bands, places=(0, 0.5)),
            "which way, other half": partial(draw_bands, places=(0.5, 1)),
        },
    ),
    "where": (draw_places, {"where": draw_places}),
}


@dataclass(frozen=True)
class Tried:
    """How one network does on one task: for each seed, accuracies, and by name those of tests."""

    network: str
    parameters: int
    train: Float[np.ndarray, " seeds"]
    test: dict[str, Float[np.ndarray, " seeds"]]


def tried(
    network: str, task: str, *, seeds: Sequence[int], per_class: int = 10, epochs: int = 150
) -> Tried:
    """Train one of `NETWORKS` on one of `TASKS` with Adam, and test it on 100 a class.

    The learning rate is 0.02, or that of `RATES`.
    """
    draw, tests = TASKS[task]
    training = draw_sets(seeds, TRAINING, per_class, draw)
    networks = untrained(NETWORKS[network], seeds)
    history = fit(
        networks,
        *training,
        epochs=epochs,
        seeds=seeds,
        optimizer="adam",
        learning_rate=RATES.get(network, 0.02),
    )
    scores = {
        name: evaluate(networks, *draw_sets(seeds, TEST, 100, each)).accuracy
        for name, each in tests.items()
    }
    parameters = sum(parameter.numel() for parameter in networks[0].parameters())
    return Tried(network, parameters, history.accuracy["train"][-1], scores)


def feature_changes(
    build: Callable[[], SmallCNN],
    images: Float[np.ndarray, "moves 1 H W"],
    seeds: Sequence[int],
) -> Float[np.ndarray, "seeds moves"]:
    """How far an untrained network's features are from those of the first image, relatively."""
    x, changes = torch.as_tensor(images), []
    with torch.no_grad():
        for network in untrained(build, seeds):
            features = network.features(x)  # moves F
            away = (features - features[:1]).norm(dim=1)
            changes.append((away / features[0].norm()).numpy())
    return np.array(changes)
