"""Pooling and its gradients: torch, difference quotients, adjoints; and wrong ways to call them."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from layers import (
    NO_COUNTS,
    NO_STEPS,
    assert_adjoint,
    assert_names,
    assert_same,
    both,
    difference_quotients,
    either,
    generators,
    leading,
    pairs,
    sides,
    tensor,
)

from convbook.ops import (
    avg_pool2d,
    avg_pool2d_backward,
    conv2d,
    max_pool2d,
    max_pool2d_backward,
)

kernels = st.integers(1, 5) | st.tuples(st.integers(1, 5), st.integers(1, 5))
strides = st.none() | either


@st.composite
def images(draw, whole=False):
    """Images of all three ranks; of a few whole numbers, there are many equal ones."""
    rank = draw(st.sampled_from([2, 3, 4]))
    shape = (*leading(draw, rank, draw(st.integers(1, 3))), *draw(sides))
    rng = draw(generators)
    return rng.integers(0, 3, size=shape).astype(float) if whole else rng.normal(size=shape)


def paddings(draw, kernel):
    """Half a kernel at most."""
    height, width = both(kernel)
    return draw(st.tuples(st.integers(0, height // 2), st.integers(0, width // 2)))


@st.composite
def max_pools(draw):
    """x with ties, −∞ and NaN; then the other arguments of max_pool2d, in their order."""
    x, kernel = draw(images(whole=draw(st.booleans()))), draw(kernels)
    for odd in (-np.inf, np.nan):
        if draw(st.booleans()):
            x[draw(generators).random(x.shape) < 0.3] = odd
    rest = kernel, draw(strides), paddings(draw, kernel), draw(either), draw(st.booleans())
    assume(accepted_by_torch(torch.nn.functional.max_pool2d, x, *rest))
    return x, *rest


@st.composite
def avg_pools(draw):
    """The arguments of avg_pool2d, in their order."""
    x, kernel = draw(images()), draw(kernels)
    ceil_mode, count_include_pad = draw(st.booleans()), draw(st.booleans())
    divisor = draw(st.none() | st.integers(1, 5))
    rest = kernel, draw(strides), paddings(draw, kernel), ceil_mode, count_include_pad, divisor
    assume(accepted_by_torch(torch.nn.functional.avg_pool2d, x, *rest))
    return x, *rest


def with_torch(pool, x, *rest):
    """torch's output for a tensor; a plane as an image of one channel."""
    return pool(x[None], *rest)[0] if x.ndim == 2 else pool(x, *rest)


def accepted_by_torch(pool, x, *rest):
    try:
        with_torch(pool, torch.from_numpy(x), *rest)
    except RuntimeError:
        return False
    return True


def accepted(pool, x, *rest):
    try:
        pool(x, *rest)
    except ValueError:
        return False
    return True


@settings(max_examples=300)
@given(max_pools(), generators)
def test_max_pooling_agrees_with_torch_forward_and_backward(layer, rng):
    x, *rest = layer
    leaf = tensor(x)
    expected = with_torch(torch.nn.functional.max_pool2d, leaf, *rest)
    y = max_pool2d(x, *rest)
    assert_same(y, expected)

    # A window with a gap may show padding alone: −∞ comes of it, and torch has no gradient then.
    assume(np.all(np.isfinite(max_pool2d(np.zeros_like(x), *rest))))
    dy = rng.normal(size=y.shape)
    expected.backward(torch.from_numpy(dy))
    assert_same(max_pool2d_backward(dy, x, *rest), leaf.grad)


@settings(max_examples=300)
@given(avg_pools(), generators)
def test_average_pooling_agrees_with_torch_forward_and_backward(layer, rng):
    x, *rest = layer
    leaf = tensor(x)
    expected = with_torch(torch.nn.functional.avg_pool2d, leaf, *rest)
    y = avg_pool2d(x, *rest)
    assert_same(y, expected)
    dy = rng.normal(size=y.shape)
    expected.backward(torch.from_numpy(dy))
    assert_same(avg_pool2d_backward(dy, x, *rest), leaf.grad)


@settings(max_examples=300)
@given(sides, kernels, strides, pairs | st.just(0), either, st.booleans())
def test_takes_the_sizes_that_torch_takes(shape, kernel, stride, padding, dilation, ceil_mode):
    x = np.ones(shape)
    for ours, pool, rest in (
        (max_pool2d, torch.nn.functional.max_pool2d, (dilation, ceil_mode)),
        (avg_pool2d, torch.nn.functional.avg_pool2d, (ceil_mode,)),
    ):
        arguments = (x, kernel, stride, padding, *rest)
        assert accepted(ours, *arguments) == accepted_by_torch(pool, *arguments)


@settings(max_examples=25)
@given(max_pools(), generators)
def test_max_pooling_agrees_with_difference_quotients(layer, rng):
    x, *rest = layer
    x = rng.permuted(np.arange(float(x.size))).reshape(x.shape)  # no two within a step
    assume(np.all(np.isfinite(max_pool2d(x, *rest))))
    dy = rng.normal(size=max_pool2d(x, *rest).shape)
    expected = difference_quotients(lambda v: np.sum(dy * max_pool2d(v, *rest)), x, step=1e-3)
    actual = max_pool2d_backward(dy, x, *rest)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-7)


@settings(max_examples=25)
@given(avg_pools(), generators)
def test_average_pooling_agrees_with_difference_quotients(layer, rng):
    x, *rest = layer
    dy = rng.normal(size=avg_pool2d(x, *rest).shape)
    expected = difference_quotients(lambda v: np.sum(dy * avg_pool2d(v, *rest)), x)
    actual = avg_pool2d_backward(dy, x, *rest)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-6)


@given(avg_pools(), generators)
def test_the_gradient_of_average_pooling_is_the_adjoint(layer, rng):
    x, *rest = layer
    dy = rng.normal(size=avg_pool2d(x, *rest).shape)
    dx = avg_pool2d_backward(dy, x, *rest)
    assert_adjoint(lambda v: avg_pool2d(v, *rest), x, dy, dx)


@given(generators, pairs, st.integers(1, 3))
def test_average_pooling_is_a_convolution_with_equal_weights(rng, kernel, stride):
    x = rng.normal(size=(7, 8))
    box = np.full(kernel, 1 / np.prod(kernel))
    assert_same(avg_pool2d(x, kernel, stride), conv2d(x, box, stride=stride))


@given(max_pools(), generators)
def test_each_window_hands_on_its_whole_gradient(layer, rng):
    x, *rest = layer
    assume(np.all(np.isfinite(max_pool2d(np.zeros_like(x), *rest))))
    dy = rng.normal(size=max_pool2d(x, *rest).shape)
    dx = max_pool2d_backward(dy, x, *rest)
    np.testing.assert_allclose(dx.sum(), dy.sum(), rtol=1e-9, atol=1e-10)


IMAGES = np.ones((2, 3, 6, 6))
MISTAKES = [
    ("x", {"x": np.ones(6)}),
    ("x", {"x": np.ones((1, 2, 3, 6, 6))}),
    *(("kernel_size", {"kernel_size": bad}) for bad in (*NO_STEPS, None)),
    *(("stride", {"stride": bad}) for bad in NO_STEPS),
    *(("padding", {"padding": bad}) for bad in (*NO_COUNTS, "same", "valid")),
    *(("ceil_mode", {"ceil_mode": bad}) for bad in (0, 1, None, "True", "")),
    ("kernel_size", {"kernel_size": 7}),
    ("kernel_size", {"kernel_size": (2, 9), "padding": (0, 1)}),
    # more than half the kernel
    ("padding", {"padding": 2}),
    ("padding", {"padding": (0, 2)}),
    ("padding", {"kernel_size": (5, 3), "padding": 2}),
    # more than any memory holds
    *(("padding", {"kernel_size": far, "padding": far // 2}) for far in (10**6, 2**40, 10**20)),
]
MAX_MISTAKES = [
    *(("dilation", {"dilation": bad}) for bad in (*NO_STEPS, None)),
    ("kernel_size", {"dilation": 6}),
]
AVG_MISTAKES = [
    *(("count_include_pad", {"count_include_pad": bad}) for bad in (0, 1, None, "no")),
    *(("divisor_override", {"divisor_override": bad}) for bad in (0, -1, 1.5, True, "2", (1, 2))),
]


@pytest.mark.parametrize(
    "forward, backward, name, arguments",
    [
        *((max_pool2d, max_pool2d_backward, *mistake) for mistake in MISTAKES + MAX_MISTAKES),
        *((avg_pool2d, avg_pool2d_backward, *mistake) for mistake in MISTAKES + AVG_MISTAKES),
    ],
)
def test_a_mistake_is_named(forward, backward, name, arguments):
    fitting = {"x": IMAGES, "kernel_size": 2}
    assert_names(name, forward, fitting | arguments)
    assert_names(name, backward, {"dy": np.ones((2, 3, 3, 3))} | fitting | arguments)


@pytest.mark.parametrize("backward", [max_pool2d_backward, avg_pool2d_backward])
@pytest.mark.parametrize(
    "sizes", [{"stride": 1}, {"padding": 1}, {"kernel_size": 3}, {"x": np.ones((2, 3, 7, 8))}]
)
def test_a_gradient_for_other_sizes_is_named(backward, sizes):
    fitting = {"dy": np.ones((2, 3, 3, 3)), "x": IMAGES, "kernel_size": 2}
    assert_names("dy", backward, fitting | sizes)
