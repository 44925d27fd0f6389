"""The images of an experiment over seeds: a set for each, stacked along a first axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from convbook.edges import Edges, draw_edges, shuffle_labels

if TYPE_CHECKING:
    from jaxtyping import Float32, Int

Sets = tuple[
    "Float32[np.ndarray, 'seeds n 1 side side']", "Int[np.ndarray, 'seeds n']"
]  # images and labels

# What a seed's draw is for. NumPy draws the same from [seed, 0] as from the seed alone.
TRAINING, VALIDATION, TEST = range(3)


def draw_sets(
    seeds: Sequence[int],
    purpose: int,
    per_class: int,
    draw: Callable[..., Edges] = draw_edges,
    **options: Any,
) -> Sets:
    """For each seed a set of its own, from a generator of that seed and purpose.

    So all settings of an experiment that use a seed see the same images, and the sets of two
    purposes are independent. Options go to ``draw``.
    """
    drawn = [draw(np.random.default_rng([seed, purpose]), per_class, **options) for seed in seeds]
    images, labels = zip(*(edges.tensors for edges in drawn), strict=True)
    return np.stack(images), np.stack(labels)


def shuffled(rng: np.random.Generator, per_class: int, **options: Any) -> Edges:
    """The same images as `draw_edges` draws, with their labels dealt out anew: for `draw_sets`."""
    return shuffle_labels(rng, draw_edges(rng, per_class, **options))
