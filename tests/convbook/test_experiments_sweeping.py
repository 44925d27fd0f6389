"""Kernels set by hand, random ones, and classifiers on what they make of images."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from convbook.edges import draw_edges
from convbook.experiments.sets import TRAINING, VALIDATION, draw_sets
from convbook.experiments.sweeping import (
    averaged,
    bands_seen,
    features,
    fitted_score,
    frozen,
    set_edges,
    trained,
)
from convbook.models import SmallCNN, untrained
from convbook.training import evaluate, fit


def by_hand(third="zero"):
    return set_edges(untrained(SmallCNN, [0])[0], third)


def test_the_first_kernel_answers_to_horizontal_bands_the_second_to_vertical_ones():
    horizontal = torch.zeros(1, 1, 28, 28)
    horizontal[0, 0, 9:12] = 1
    first, second, third = by_hand().features(horizontal)[0].tolist()
    assert first > 0.1
    assert second == third == 0
    first, second, third = by_hand().features(horizontal.mT)[0].tolist()
    assert second > 0.1
    assert first == third == 0


def test_a_random_third_kernel_is_the_one_that_was_drawn():
    drawn, made = untrained(SmallCNN, [0])[0], by_hand("random")
    for before, after in zip(drawn.convolutions, made.convolutions, strict=True):
        assert torch.equal(before.weight[2], after.weight[2])
        assert not after.bias.any()
    with pytest.raises(ValueError, match="third is 'none'"):
        by_hand("none")


def test_the_blind_spot_is_the_one_worked_out_on_paper():
    seen = bands_seen(by_hand())
    for width, row in zip((1, 2, 3, 4), seen, strict=True):
        places = 29 - width
        assert np.isnan(row[places:]).all()
        missed = np.flatnonzero(row[:places] == 0)
        assert (missed + width).tolist() == [26, 27, 28]


def test_averages_of_blocks_are_torchs_pooling():
    images = np.random.default_rng(0).random((2, 3, 1, 28, 28)).astype(np.float32)
    pooled = torch.nn.functional.avg_pool2d(torch.tensor(images[0]), 4)
    assert np.allclose(averaged(images)[0], pooled, atol=1e-6)


def test_features_are_each_networks_own():
    networks, (images, _) = untrained(SmallCNN, [0, 1]), draw_sets([0, 1], TRAINING, 2)
    found = features(networks, images)
    assert found.shape == (2, 6, 3)
    with torch.no_grad():
        assert np.allclose(found[1], networks[1].features(torch.tensor(images[1])), atol=1e-7)


def test_a_score_fitted_to_the_end_does_not_depend_on_the_features_scale():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 40)
    x = rng.normal(size=(120, 2)) + 4 * np.array([[0, 0], [1, 0], [0, 1]])[y]
    x = np.column_stack([x, np.zeros(120)])  # the last feature is dead
    score = fitted_score(x, y, x, y)
    assert score > 0.9
    assert np.isclose(fitted_score(1e-4 * x, y, 1e-4 * x, y), score, atol=0.02)


def test_hand_set_features_are_worth_more_than_three_random_ones():
    edges, zero, random = (
        frozen(kernels, 20, seeds=range(3)) for kernels in ("edges", "edges and zeros", "random")
    )
    assert edges.to_the_end.mean() > random.to_the_end.mean() + 0.1
    assert random.spread.mean() < 0.1 * edges.spread.mean()
    assert (zero.to_the_end < 0.98).all()  # the blind spot


def test_frozen_kernels_are_those_of_a_network_of_which_the_linear_layer_alone_is_trained():
    networks = [set_edges(each) for each in untrained(SmallCNN, range(3))]
    training, validation = (
        draw_sets(range(3), purpose, n) for purpose, n in ((TRAINING, 10), (VALIDATION, 50))
    )
    fit(networks, *training, epochs=30, seeds=range(3), frozen=["convolutions"])
    whole = evaluate(networks, *validation).accuracy
    # One image of the 150 may lie on a border.
    assert np.allclose(frozen("edges", 10, seeds=range(3)).as_notebook, whole, atol=0.007)


def test_a_dead_kernel_stays_dead():
    done = trained("from edges", 4, seeds=[0], epochs=3, third="zero")
    weight = done.networks[0].convolutions[0].weight[:, 0]
    assert not weight[2].any()
    assert not torch.equal(weight[0], by_hand().convolutions[0].weight[0, 0])


@pytest.mark.parametrize("network", ["mlp", "small mlp"])
def test_training_is_repeatable_and_learns(network):
    one, two = (trained(network, 30, seeds=[0, 1], epochs=100) for _ in range(2))
    assert np.array_equal(one.validation, two.validation)
    assert one.validation.mean() > 0.5


def test_networks_of_one_size():
    counts = {
        name: sum(p.numel() for p in trained(name, 1, seeds=[0], epochs=1).networks[0].parameters())
        for name in ("cnn", "mlp", "small mlp", "wide cnn")
    }
    assert counts == {"cnn": 606, "mlp": 39_793, "small mlp": 586, "wide cnn": 39_931}
    assert draw_edges(np.random.default_rng(0), 1).images.shape[-1] == 28
