"""The leak test: blind to places, at chance where it should be, awake where there is a leak."""

from __future__ import annotations

import numpy as np
import pytest

from convbook.experiments.leaks import (
    STATISTICS,
    of_class,
    statistics,
    told_apart,
    wrapped_diagonals,
)


def test_the_statistics_are_numpys_and_do_not_see_a_shuffle():
    rng = np.random.default_rng(0)
    images = rng.random((5, 6, 7))
    found = dict(zip(STATISTICS, statistics(images).T, strict=True))
    for name in ("mean", "std", "min", "max", "median"):
        assert np.allclose(found[name], getattr(np, name)(images.reshape(5, -1), axis=1))
    shuffled = rng.permutation(images.reshape(5, 42), axis=1).reshape(5, 7, 6)
    assert np.allclose(statistics(shuffled), statistics(images))


def accuracy(first, second, seed):
    rng = np.random.default_rng(seed)
    return told_apart(
        *(tuple(of_class(rng, name, 300) for name in (first, second)) for _ in range(2))
    )


@pytest.mark.parametrize("pair", [("horizontal", "vertical"), ("horizontal", "diagonal")])
def test_directions_are_at_chance(pair):
    # The standard deviation of one accuracy over 600 images is 0.02, that of the mean 0.007.
    assert abs(np.mean([accuracy(*pair, seed) for seed in range(8)]) - 0.5) < 0.035


def test_a_brighter_class_and_a_wrapped_one_are_found():
    assert accuracy("horizontal", "none", 0) > 0.95
    assert accuracy("diagonal", "wrapped", 0) > 0.9


def test_the_imitation_wraps_in_some_images_only():
    images = wrapped_diagonals(np.random.default_rng(0), 300)
    assert images.dtype == np.uint8
    wrapped = (images > 250).any((1, 2)).mean()
    assert 0.1 < wrapped < 0.6
