"""The network in NumPy does what torch does with the same layers: forward, backward, training."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from convbook import network
from convbook.digits import draw_digits

NAMES = ["w1", "b1", "w2", "b2", "w3", "b3"]


def parameters(rng, widths=(8, 16), classes=10):
    """With biases that are not 0, so that no ReLU sits on its kink."""
    p = network.initial(rng, widths, classes)
    return {name: value + 0.1 * rng.normal(size=value.shape) for name, value in p.items()}


def as_leaves(p):
    return {name: torch.tensor(value, requires_grad=True) for name, value in p.items()}


def torchs_scores(p, images):
    y = F.conv2d(torch.tensor(images)[:, None], p["w1"], p["b1"], padding=1)
    y = F.max_pool2d(y.relu(), 2)
    y = F.conv2d(y, p["w2"], p["b2"], padding=1).relu()
    quarters = F.adaptive_avg_pool2d(y, 2)
    return F.linear(quarters.flatten(1), p["w3"], p["b3"])


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 4),
    sides=st.tuples(*[st.sampled_from([4, 8, 12])] * 2),
    widths=st.tuples(*[st.integers(1, 5)] * 2),
    classes=st.integers(1, 4),
)
def test_loss_and_gradients_are_torchs(seed, n, sides, widths, classes):
    rng = np.random.default_rng(seed)
    p = parameters(rng, widths, classes)
    images, labels = rng.normal(size=(n, *sides)), rng.integers(classes, size=n)
    a = network.forward(p, images)
    loss, dscores = network.softmax_cross_entropy(a["scores"], labels)
    d = network.backward(p, a, dscores)

    leaves = as_leaves(p)
    scores = torchs_scores(leaves, images)
    expected = F.cross_entropy(scores, torch.tensor(labels))
    expected.backward()
    assert np.allclose(a["scores"], scores.detach(), rtol=0, atol=1e-10)
    assert np.isclose(loss, expected.item(), rtol=0, atol=1e-10)
    for name in NAMES:
        assert np.allclose(d[name], leaves[name].grad, rtol=0, atol=1e-10), name


def test_every_intermediate_result_has_a_derivative_of_its_shape():
    rng = np.random.default_rng(0)
    p = parameters(rng)
    a = network.forward(p, rng.normal(size=(3, 8, 8)))
    d = network.backward(p, a, rng.normal(size=(3, 10)))
    assert d.keys() >= (a.keys() - {"h2"}) | p.keys()
    for name, values in {**a, **p}.items():
        assert d[name].shape == values.shape, name


def test_the_derivative_of_a_pixel_is_what_finite_differences_find():
    rng = np.random.default_rng(1)
    p, images, dscores = parameters(rng), rng.normal(size=(2, 8, 8)), rng.normal(size=(2, 10))
    d = network.backward(p, network.forward(p, images), dscores)
    for place in [(0, 0, 0), (0, 3, 4), (1, 7, 7), (1, 2, 0)]:
        nudge = np.zeros_like(images)
        nudge[place] = 1e-6
        ahead, behind = (network.forward(p, images + s * nudge)["scores"] for s in (1, -1))
        slope = ((ahead - behind) * dscores).sum() / 2e-6
        assert np.isclose(d["x"][place[0], 0, place[1], place[2]], slope, atol=1e-7)


def test_training_stays_with_torchs_step_after_step():
    rng = np.random.default_rng(2)
    (digits,) = draw_digits(rng, 200)
    ours = network.initial(rng)
    leaves = as_leaves(ours)
    optimiser = torch.optim.SGD(leaves.values(), lr=0.2)
    for _ in range(60):
        batch = rng.integers(len(digits), size=8)
        images, labels = digits.images[batch], digits.labels[batch]
        ours, loss = network.step(ours, images, labels, 0.2)
        expected = F.cross_entropy(torchs_scores(leaves, images), torch.tensor(labels))
        optimiser.zero_grad()
        expected.backward()
        optimiser.step()
        assert np.isclose(loss, expected.item(), rtol=0, atol=1e-10)
        for name in NAMES:
            assert np.allclose(ours[name], leaves[name].detach(), rtol=0, atol=1e-10)


def test_a_step_leaves_the_parameters_it_was_given():
    rng = np.random.default_rng(3)
    p = parameters(rng)
    before = {name: value.copy() for name, value in p.items()}
    after, _ = network.step(p, rng.normal(size=(4, 8, 8)), [0, 1, 2, 3], 0.1)
    for name in NAMES:
        assert np.array_equal(p[name], before[name])
        assert not np.array_equal(after[name], before[name])


def test_an_epoch_takes_every_image_once():
    rng = np.random.default_rng(4)
    p, images, labels = parameters(rng), rng.normal(size=(10, 8, 8)), rng.integers(10, size=10)
    at_once = network.epoch(p, images, labels, rng, 0.1, batch=10)
    expected, _ = network.step(p, images, labels, 0.1)
    assert all(np.allclose(at_once[name], expected[name]) for name in NAMES)
    # At a rate near 0 the parameters hardly move, so the steps add up whatever their order is.
    rate = 1e-9
    in_parts = network.epoch(p, images, labels, rng, rate, batch=5)
    whole, _ = network.step(p, images, labels, 2 * rate)
    for name in NAMES:
        moved, wanted = (in_parts[name] - p[name]) / rate, (whole[name] - p[name]) / rate
        assert np.allclose(moved, wanted, atol=1e-5)


def test_it_learns_digits_and_labels_that_are_shuffled_teach_nothing():
    rng = np.random.default_rng(5)
    known, unseen = draw_digits(rng, 600, 400)
    learned, fooled = network.initial(rng), network.initial(rng)
    wrong = rng.permutation(known.labels)
    for _ in range(10):
        learned = network.epoch(learned, known.images, known.labels, rng, 0.2, batch=16)
        fooled = network.epoch(fooled, known.images, wrong, rng, 0.2, batch=16)
    assert network.accuracy(learned, unseen.images, unseen.labels) > 0.75
    assert network.accuracy(fooled, unseen.images, unseen.labels) < 0.4


def test_first_weights_keep_the_size_of_what_flows():
    p = network.initial(np.random.default_rng(6), widths=(200, 300), classes=500)
    for name in ("w1", "w2", "w3"):
        inputs = p[name][0].size
        assert np.isclose(p[name].var(), 2 / inputs, rtol=0.1)
    assert not any(p[name].any() for name in ("b1", "b2", "b3"))


@given(st.integers(0, 2**32 - 1), st.floats(-1e4, 1e4))
def test_a_number_added_to_all_scores_changes_nothing(seed, number):
    rng = np.random.default_rng(seed)
    scores, labels = rng.normal(size=(3, 4)), rng.integers(4, size=3)
    loss, dscores = network.softmax_cross_entropy(scores, labels)
    moved, dmoved = network.softmax_cross_entropy(scores + number, labels)
    assert np.isclose(moved, loss)
    assert np.allclose(dmoved, dscores)
    assert np.allclose(dscores.sum(axis=1), 0)


def test_large_scores_do_not_overflow():
    loss, dscores = network.softmax_cross_entropy([[1e4, 0], [0, 1e4]], [0, 0])
    assert np.isclose(loss, 5e3)
    assert np.allclose(dscores, [[0, 0], [-0.5, 0.5]])


def test_accuracy_counts_the_highest_scores():
    p = network.initial(np.random.default_rng(7))
    p["w3"], p["b3"] = np.zeros((10, 64)), np.eye(10)[3]
    images = np.random.default_rng(8).normal(size=(4, 8, 8))
    assert network.accuracy(p, images, [3, 3, 3, 0]) == 0.75


@pytest.mark.parametrize(
    "images", [np.ones((8, 8)), np.ones((2, 8, 6)), np.ones((1, 1, 8, 8)), np.ones((0, 8, 8))]
)
def test_images_of_another_shape_are_refused(images):
    with pytest.raises(ValueError, match="images"):
        network.forward(network.initial(np.random.default_rng(0)), images)


@pytest.mark.parametrize("labels", [[0], [0, 3], [0, -1], [0.5, 1], [[0, 1]], ["a", "b"]])
def test_labels_that_are_no_classes_are_refused(labels):
    with pytest.raises(ValueError, match="labels"):
        network.softmax_cross_entropy(np.zeros((2, 3)), labels)


def test_scores_of_another_shape_and_empty_batches_are_refused():
    with pytest.raises(ValueError, match="scores"):
        network.softmax_cross_entropy(np.zeros(3), [0, 1, 2])
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="batch"):
        network.epoch(network.initial(rng), np.ones((2, 8, 8)), np.zeros(2, int), rng, 0.1, 0)


def test_it_needs_numpy_alone():
    code = (
        "import sys, convbook.network; print(*{'torch', 'scipy', 'matplotlib'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not run.stdout.split()
