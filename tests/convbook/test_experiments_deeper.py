"""Deeper networks: what passes through them, what is dead, and how sure one can be of a share."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from convbook.edges import FIVE, draw_edges
from convbook.experiments import deeper
from convbook.experiments.sets import TEST, VALIDATION, draw_sets
from convbook.models import SmallCNN, untrained
from convbook.training import evaluate


def small(depth=2):
    return SmallCNN(5, depth=depth, kernel_size=3, side=10)


def probe(per_class=2):
    return draw_edges(np.random.default_rng(0), per_class, classes=FIVE, side=10).tensors


def test_he_start_has_the_variance_of_the_paper_and_no_biases():
    network = deeper.he_start(SmallCNN(5, width=40), 3)
    for convolution in network.convolutions:
        weight = convolution.weight.detach()
        assert weight.var().item() == pytest.approx(2 / weight[0].numel(), rel=0.15)
        assert not convolution.bias.any()


def test_he_start_depends_on_its_seed_alone():
    one, same, other = (deeper.he_start(small(), seed) for seed in (1, 1, 2))
    assert torch.equal(one.convolutions[1].weight, same.convolutions[1].weight)
    assert not torch.equal(one.convolutions[1].weight, other.convolutions[1].weight)


def test_layer_maps_end_with_what_the_network_makes_of_the_images():
    network, (images, _) = untrained(small, [0])[0], probe()
    maps = deeper.layer_maps(network, torch.as_tensor(images))
    with torch.no_grad():
        assert torch.allclose(maps[-1], network.maps(torch.as_tensor(images)))
    assert [each.shape[-1] for each in maps] == [10, 5]


def test_signals_are_those_of_a_computation_by_hand():
    network, (images, labels) = untrained(small, [0])[0], probe()
    found = deeper.signals([network], images, labels)
    x = torch.as_tensor(images)
    assert found.size[0, 0] == pytest.approx(float(np.sqrt((images**2).mean())))
    assert found.change[0, 0] == pytest.approx(float(np.sqrt(images.var(axis=0).mean())))
    features = network.maps(x).detach().numpy()
    assert found.size[0, 2] == pytest.approx(float(np.sqrt((features**2).mean())), rel=1e-5)
    F.cross_entropy(network(x), torch.as_tensor(labels)).backward()
    for layer, convolution in enumerate(network.convolutions):
        slope = convolution.weight.grad.square().mean().sqrt()
        assert found.slope[0, layer] == pytest.approx(slope.item(), rel=1e-4)


def test_the_same_image_twice_holds_no_news():
    network, (images, labels) = untrained(small, [0])[0], probe(1)
    found = deeper.signals([network], images[:1].repeat(4, axis=0), labels[:1].repeat(4))
    assert np.allclose(found.change, 0, atol=1e-7)
    assert np.all(found.size > 0)


def test_the_news_shrinks_by_the_root_of_six_with_the_weights_of_torch():
    images, labels = probe()
    networks = untrained(lambda: SmallCNN(5, depth=3, width=8, side=10, kernel_size=5), range(40))
    change = np.sqrt((deeper.signals(networks, images, labels).change ** 2).mean(axis=0))
    assert np.allclose(change[1:] / change[:-1], 1 / math.sqrt(6), rtol=0.25)


def test_a_layer_is_dead_where_all_its_biases_drown_all_else():
    network, (images, _) = untrained(lambda: small(3), [0])[0], probe()
    assert not deeper.dead_layers(network, images).any()
    with torch.no_grad():
        network.convolutions[1].bias.fill_(-100)
        network.convolutions[2].bias.fill_(1)
    assert deeper.dead_layers(network, images).tolist() == [False, True, False]


@given(st.integers(1, 200), st.data())
def test_a_share_lies_within_its_interval(among, data):
    count = data.draw(st.integers(0, among))
    low, high = deeper.share_interval(count, among)
    assert 0 <= low <= count / among <= high <= 1
    wider = deeper.share_interval(count, among, level=0.99)
    assert wider[0] <= low
    assert high <= wider[1]


def test_a_share_of_five_in_ten_has_the_interval_of_wilsons_formula():
    n, p, z = 10, 0.5, 1.959963984540054
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    assert deeper.share_interval(5, 10) == pytest.approx((middle - reach, middle + reach))


def test_training_reports_every_seed_and_knows_who_is_stuck():
    found = deeper.trained("deeper", seeds=range(3), epochs=2, small=True)
    assert found.loss.shape == (len(found.epochs), 3)
    assert found.epochs[-1] == 2
    assert found.validation.shape == found.test.shape == (3,)
    assert np.array_equal(found.stuck, found.loss > math.log(5) - 0.05)
    assert len(found.networks[0].convolutions) == 4


def test_accuracies_are_of_the_seeds_validation_and_test_images():
    found = deeper.trained("wider", seeds=[4, 5], epochs=10, small=True)
    for accuracy, purpose in ((found.validation, VALIDATION), (found.test, TEST)):
        sets = draw_sets([4, 5], purpose, 50, classes=FIVE, side=14, widths=(1, 2))
        assert np.allclose(evaluate(found.networks, *sets).accuracy, accuracy)


def test_all_recipes_train_and_no_two_alike():
    losses = [
        deeper.trained("base", seeds=[0], epochs=1, small=True, **recipe).loss.item()
        for recipe in deeper.RECIPES.values()
    ]
    assert np.isfinite(losses).all()
    assert np.diff(np.sort(losses)).min() > 1e-5
