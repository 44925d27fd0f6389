"""One trial: a network for each seed, trained on its own images and watched on others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from convbook.experiments.sets import TEST, TRAINING, VALIDATION, draw_sets
from convbook.models import MLP, SmallCNN, untrained
from convbook.training import fit

if TYPE_CHECKING:
    from jaxtyping import Float, Int

Scores = dict[str, "Float[np.ndarray, 'times seeds']"]

NETWORKS: dict[str, Callable[..., nn.Module]] = {"cnn": SmallCNN, "mlp": MLP}


@dataclass(frozen=True)
class Trial:
    """How it went.

    Attributes
    ----------
    epochs
        After how many epochs the networks were looked at.
    loss, accuracy
        Of "train", "validation" and "test", (times, seeds): means over images.
    networks
        One for each seed, as they are at the end.
    """

    epochs: Int[np.ndarray, " times"]
    loss: Scores
    accuracy: Scores
    networks: list[nn.Module]


def trial(
    network: str,
    *,
    seeds: Sequence[int],
    epochs: Sequence[int],
    training: Mapping[str, Any],
    held_out: Mapping[str, Any] | None = None,
    learning_rate: float = 0.01,
    batch_size: int = 10,
    **options: Any,
) -> Trial:
    """Train a network for each seed; SGD with momentum 0.9, as the notebook.

    The images of a seed depend on the seed alone, so that trials can be
    compared seed by seed.

    Parameters
    ----------
    network
        "cnn" or "mlp"; ``options`` go to it.
    epochs
        After which to look at the networks; training ends at the largest.
    training
        What `draw_sets` is told for the training images: ``per_class`` at
        least.
    held_out
        What it is told for the images of validation (50 of each class) and
        test (100).

    Raises
    ------
    ValueError
        If there is no such network.
    """
    if network not in NETWORKS:
        names = " or ".join(map(repr, NETWORKS))
        raise ValueError(f"network is {network!r}; it can be {names}")
    own = draw_sets(seeds, TRAINING, **training)
    other = dict(held_out or {})
    watch = {
        "validation": draw_sets(seeds, VALIDATION, 50, **other),
        "test": draw_sets(seeds, TEST, 100, **other),
    }
    networks = untrained(lambda: NETWORKS[network](**options), seeds)
    history = fit(
        networks,
        *own,
        epochs=max(epochs),
        seeds=seeds,
        learning_rate=learning_rate,
        batch_size=batch_size,
        watch=watch,
        every=int(np.gcd.reduce(list(epochs))),
    )
    asked = np.isin(history.epochs, list(epochs))
    loss, accuracy = (
        {name: values[asked] for name, values in measure.items()}
        for measure in (history.loss, history.accuracy)
    )
    return Trial(history.epochs[asked], loss, accuracy, networks)
