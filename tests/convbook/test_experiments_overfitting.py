"""What training can reach of a kernel, and what is lost without a part of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from convbook.edges import FIVE
from convbook.experiments.overfitting import (
    first_kernels,
    lost,
    overfit,
    right_by_class,
    without_kernel,
    without_part,
)
from convbook.experiments.sets import TRAINING, VALIDATION, draw_sets, shuffled
from convbook.kernel_parts import split
from convbook.models import SmallCNN, untrained

SEEDS = [3, 4]


@pytest.fixture(scope="module")
def validation():
    return draw_sets(SEEDS, VALIDATION, 20)


@pytest.fixture(scope="module")
def fitted():
    return overfit("cnn", seeds=SEEDS, epochs=60)


@pytest.mark.parametrize("labels", ["true", "shuffled"])
def test_training_on_bands_never_moves_the_rest(labels):
    done = overfit("cnn", seeds=SEEDS, labels=labels, epochs=40)
    before, after = first_kernels(done.before), first_kernels(done.after)
    moved = {part: np.abs(values).max() for part, values in split(after - before).items()}
    assert moved["rest"] < 1e-6
    assert min(moved["rows"], moved["columns"]) > 1e-3


def test_with_diagonals_the_rest_moves():
    done = overfit("cnn", seeds=[0], classes=FIVE, epochs=20)
    change = first_kernels(done.after) - first_kernels(done.before)
    assert np.abs(split(change)["rest"]).max() > 1e-4


def test_an_mlp_fits_thirty_images_and_labels_at_random_as_well():
    true = overfit("mlp", seeds=SEEDS, epochs=400)
    assert (true.train == 1).all()
    assert (true.validation < 0.9).all()
    dealt = overfit("mlp", seeds=SEEDS, labels="shuffled", epochs=400)
    assert dealt.train.mean() > 0.6
    assert dealt.validation.mean() < 0.55


def test_without_rows_vertical_and_flat_images_keep_their_scores(fitted, validation):
    for network, images, labels in zip(fitted.after, *validation, strict=True):
        changed = without_part(network, "rows")
        with torch.no_grad():
            gap = (network(torch.tensor(images)) - changed(torch.tensor(images))).abs().amax(1)
        assert gap[torch.tensor(labels) != 0].max() < 1e-4
        assert gap[torch.tensor(labels) == 0].max() > 1e-3


def test_without_the_rest_all_scores_stay(fitted, validation):
    assert np.abs(lost(fitted.after, lambda net: without_part(net, "rest"), validation)).max() == 0


def test_a_silent_kernel_makes_an_empty_map(validation):
    network = untrained(SmallCNN, [0])[0]
    silent = without_kernel(network, 1)
    maps = silent.convolutions[0](torch.tensor(validation[0][0]))
    assert not maps[:, 1].any()
    assert maps[:, 0].any()
    assert network.convolutions[0].weight[1].any()  # a copy was changed


def test_accuracy_by_class_averages_to_the_accuracy(fitted, validation):
    for n, network in enumerate(fitted.after):
        images, labels = validation[0][n], validation[1][n]
        with torch.no_grad():
            found = network(torch.tensor(images)).argmax(1).numpy()
        assert np.isclose(right_by_class(network, images, labels).mean(), (found == labels).mean())


def test_sets_of_a_seed_are_the_same_whatever_else_is_drawn():
    alone, together = draw_sets([5], TRAINING, 4), draw_sets([2, 5], TRAINING, 4)
    assert np.array_equal(alone[0][0], together[0][1])
    other = draw_sets([5], VALIDATION, 4)
    assert not np.array_equal(alone[0], other[0])
    five = draw_sets([5], TRAINING, 4, shuffled, classes=FIVE)
    assert np.array_equal(five[0], draw_sets([5], TRAINING, 4, classes=FIVE)[0])
    dealt = draw_sets([5], TRAINING, 4, shuffled)
    assert np.array_equal(dealt[0], alone[0])
    assert np.array_equal(np.sort(dealt[1]), np.sort(alone[1]))
    assert not np.array_equal(dealt[1], alone[1])
