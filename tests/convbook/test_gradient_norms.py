"""The size of gradients: sums by torch, laws in cases where they are known."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from convbook import gradient_norms, network
from convbook.gradient_norms import DISTRIBUTIONS
from convbook.photographs import crops


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1),
    images=st.integers(1, 3),
    filters=st.integers(1, 3),
    out=st.tuples(*[st.integers(1, 5)] * 2),
    kernel=st.tuples(*[st.integers(1, 4)] * 2),
)
def test_each_images_gradient_is_torchs(seed, images, filters, out, kernel):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(images, out[0] + kernel[0] - 1, out[1] + kernel[1] - 1))
    dy = rng.normal(size=(images, filters, *out))
    ours = gradient_norms.weight_gradients(x, dy)
    for n in range(images):
        w = torch.zeros(filters, 1, *kernel, dtype=torch.float64, requires_grad=True)
        y = torch.conv2d(torch.tensor(x[n])[None, None], w)
        (expected,) = torch.autograd.grad(y, w, torch.tensor(dy[n])[None])
        assert np.allclose(ours[n], expected[:, 0])
    alone = gradient_norms.weight_gradients(x, dy[:, 0])
    assert np.allclose(alone, ours[:, 0])


@pytest.mark.parametrize(
    ("x", "dy"),
    [
        ((2, 4, 4), (3, 2, 2)),
        ((2, 4, 4), (2, 5, 4)),
        ((2, 4, 4), (2, 1, 4, 5)),
        ((4, 4), (4, 2)),
        ((2, 1, 4, 4), (2, 1, 2, 2)),
    ],
)
def test_gradients_that_do_not_fit_the_images_are_refused(x, dy):
    with pytest.raises(ValueError, match="dy"):
        gradient_norms.weight_gradients(np.zeros(x), np.zeros(dy))


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_distributions_are_centred_with_variance_one_and_none_is_normal(name):
    values = DISTRIBUTIONS[name](np.random.default_rng(0), (400, 500))
    assert abs(values.mean()) < 0.02
    assert abs(values.var() - 1) < 0.03
    kurtosis = {"uniform": 1.8, "two-point": 1.0, "Laplace": 6.0}[name]
    assert abs((values**4).mean() - kurtosis) < 0.05 * kurtosis


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("kernel", [2, 5])
def test_independent_draws_follow_the_law(name, kernel):
    sizes = [6, 20]
    rng = np.random.default_rng(1)
    found = gradient_norms.simulated(rng, DISTRIBUTIONS[name], sizes, kernel, images=1500)
    assert np.allclose(found, [n - kernel + 1 for n in sizes], rtol=0.06)


@given(st.floats(-3, 3), st.floats(0.1, 10))
def test_the_exponent_of_a_power_law_is_its_power(power, factor):
    sizes = np.array([3, 10, 40, 50])
    values = factor * np.stack([sizes**power, 2.0 * sizes**power])
    assert np.allclose(gradient_norms.exponent(sizes, values), power)


def test_the_exponent_is_that_of_a_least_squares_line():
    sizes, values = [2, 4, 8, 32], np.array([1.0, 5, 2, 9])
    expected = np.polyfit(np.log(sizes), np.log(values), 1)[0]
    assert np.isclose(gradient_norms.exponent(sizes, values), expected)


def test_photographs_are_scaled_together():
    pictures = gradient_norms.photographs()
    everything = np.concatenate([picture.ravel() for picture in pictures])
    assert np.isclose(everything.mean(), 0, atol=1e-12)
    assert np.isclose(everything.var(), 1)
    assert np.std([picture.mean() for picture in pictures]) > 0.1  # not each by itself


def test_upstream_gradients_are_torchs_for_the_summed_loss():
    rng = np.random.default_rng(2)
    p = network.initial(rng, classes=3)
    x, labels = rng.normal(size=(4, 8, 8)), rng.integers(3, size=4)
    leaves = {name: torch.tensor(value) for name, value in p.items()}
    y1 = torch.conv2d(torch.tensor(x)[:, None], leaves["w1"], leaves["b1"], padding=1)
    y1.requires_grad_()
    m1 = torch.nn.functional.max_pool2d(y1.relu(), 2)
    y2 = torch.conv2d(m1, leaves["w2"], leaves["b2"], padding=1).relu()
    features = torch.nn.functional.avg_pool2d(y2, 2).flatten(1)
    scores = features @ leaves["w3"].T + leaves["b3"]
    loss = torch.nn.functional.cross_entropy(scores, torch.tensor(labels), reduction="sum")
    (expected,) = torch.autograd.grad(loss, y1)
    assert np.allclose(gradient_norms.upstream(p, x, labels), expected)


def test_with_its_own_dy_the_gradient_is_the_networks():
    pictures = gradient_norms.photographs()
    p = network.initial(np.random.default_rng(3), classes=5)
    found = gradient_norms.in_a_network(p, pictures, np.random.default_rng(4), [12], images=1)
    x, labels = crops(pictures, np.random.default_rng(4), 12, 1)
    a = network.forward(p, x)
    d = network.backward(p, a, network.softmax_cross_entropy(a["scores"], labels)[1])
    expected = [gradient_norms.root_mean_square(values) for values in (d["w1"], x, d["y1"])]
    assert np.allclose(found["its own dy"][0], expected)
    # With one piece alone, another's dy is its own.
    assert np.array_equal(found["another's dy"], found["its own dy"])


def test_only_the_named_factor_is_exchanged():
    pictures = gradient_norms.photographs()
    p = network.initial(np.random.default_rng(5), classes=5)
    found = gradient_norms.in_a_network(p, pictures, np.random.default_rng(6), [8, 16], images=30)
    own = found["its own dy"]
    assert np.array_equal(found["independent dy"][:, 1], own[:, 1])
    assert np.array_equal(found["independent x"][:, 2], own[:, 2])
    assert np.allclose(found["another's dy"][:, 1:], own[:, 1:])
    assert not np.allclose(found["another's dy"][:, 0], own[:, 0])
    assert np.allclose(found["independent dy"][:, 2], 1, rtol=0.1)
    assert np.allclose(found["independent x"][:, 1], 1, rtol=0.1)


def test_a_recogniser_learns_whose_piece_it_sees():
    pictures = gradient_norms.photographs()
    rng = np.random.default_rng(7)
    p = gradient_norms.recogniser(pictures, rng)
    assert network.accuracy(p, *crops(pictures, rng, 24, 300)) > 0.3  # chance: 0.2
