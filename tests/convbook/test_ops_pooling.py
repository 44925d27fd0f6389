"""Pooling and its gradients: torch, difference quotients, adjoints, ties, cases by hand."""

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


X = np.array(
    [
        [1, 5, 2, 0],
        [3, 4, 8, 7],
        [6, 0, 1, 1],
        [2, 9, 1, 1],
    ]
)
DY = np.array([[1, 10], [100, 1000]])


def test_touching_windows_done_by_hand():
    np.testing.assert_array_equal(max_pool2d(X, 2), [[5, 8], [9, 1]])
    np.testing.assert_array_equal(avg_pool2d(X, 2), [[13 / 4, 17 / 4], [17 / 4, 1]])
    np.testing.assert_array_equal(
        max_pool2d_backward(DY, X, 2),
        # at last a tie: the first in reading order
        [[0, 1, 0, 0], [0, 0, 10, 0], [0, 0, 1000, 0], [0, 100, 0, 0]],
    )
    np.testing.assert_array_equal(avg_pool2d_backward(DY, X, 2), np.kron(DY / 4, np.ones((2, 2))))


def test_overlapping_windows_add_up():
    dx = max_pool2d_backward([[1, 10]], [[0, 1, 0]], (1, 2), stride=1)
    np.testing.assert_array_equal(dx, [[0, 11, 0]])
    dx = avg_pool2d_backward([[2, 20]], [[0, 1, 0]], (1, 2), stride=1)
    np.testing.assert_array_equal(dx, [[1, 11, 10]])


@pytest.mark.parametrize(
    "window, first",
    [
        ([[7, 7], [7, 7]], (0, 0)),
        ([[0, 7], [7, 7]], (0, 1)),
        ([[0, 0], [7, 7]], (1, 0)),
        ([[0, 7], [7, 0]], (0, 1)),
        ([[-np.inf, -np.inf], [-np.inf, -np.inf]], (0, 0)),
        ([[np.inf, np.inf], [0, np.inf]], (0, 0)),
        # zero and minus zero are equal
        ([[-0.0, 0.0], [0.0, -0.0]], (0, 0)),
        # of numbers that are none, the last
        ([[0, np.nan], [7, np.nan]], (1, 1)),
        ([[np.nan, np.inf], [np.nan, 7]], (1, 0)),
    ],
)
def test_of_equal_maxima_the_first_in_reading_order_has_the_gradient(window, first):
    expected = np.zeros((2, 2))
    expected[first] = 3
    np.testing.assert_array_equal(max_pool2d_backward([[3]], window, 2), expected)
    leaf = tensor(np.array([window], dtype=float))
    torch.nn.functional.max_pool2d(leaf, 2).backward(torch.full((1, 1, 1), 3.0).double())
    np.testing.assert_array_equal(leaf.grad[0].numpy(), expected)


def test_the_padding_never_wins():
    x = np.full((2, 2), -np.inf)
    np.testing.assert_array_equal(max_pool2d(x, 2, padding=1), x)
    dy = np.array([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(max_pool2d_backward(dy, x, 2, padding=1), dy)
    np.testing.assert_array_equal(max_pool2d([[-3, -2]], (1, 2), padding=(0, 1)), [[-3, -2]])


def test_a_window_that_shows_padding_alone_has_no_gradient_to_hand_on():
    x = np.array([[5.0]])
    y = max_pool2d(x, 2, padding=1, dilation=2)  # one entry before the pixel, one behind it
    np.testing.assert_array_equal(y, [[-np.inf]])
    np.testing.assert_array_equal(max_pool2d_backward([[3]], x, 2, padding=1, dilation=2), [[0]])


def test_a_window_may_hang_over_the_end():
    x = [[1, 2, 3, 4, 5]]
    np.testing.assert_array_equal(max_pool2d(x, (1, 2)), [[2, 4]])
    np.testing.assert_array_equal(max_pool2d(x, (1, 2), ceil_mode=True), [[2, 4, 5]])
    np.testing.assert_array_equal(avg_pool2d(x, (1, 2), ceil_mode=True), [[1.5, 3.5, 5]])
    # … but not start in the padding behind: that window is left out
    shown = {"kernel_size": (1, 3), "stride": (1, 3), "padding": (0, 1), "ceil_mode": True}
    np.testing.assert_array_equal(max_pool2d([[1, 2]], **shown), [[2]])


def test_what_is_counted_when_a_window_hangs_over_padding_and_more():
    x = np.full((1, 4), 12.0)
    shown = {"kernel_size": (1, 4), "stride": (1, 3), "padding": (0, 1), "ceil_mode": True}
    # windows start at −1 and 2: a zero and three 12s; two 12s, a zero, and one place beyond it
    np.testing.assert_array_equal(avg_pool2d(x, **shown), [[36 / 4, 24 / 3]])
    np.testing.assert_array_equal(avg_pool2d(x, **shown, count_include_pad=False), [[12, 12]])
    np.testing.assert_array_equal(avg_pool2d(x, **shown, divisor_override=2), [[18, 12]])


@pytest.mark.parametrize("far", [100, 2**62, 2**63, 10**20])
@pytest.mark.parametrize("ceil_mode", [False, True])
def test_a_stride_may_lead_out_of_the_image_at_once(far, ceil_mode):
    for pool in (max_pool2d, avg_pool2d):
        y = pool([[1, 1, 7], [1, 1, 7]], 2, stride=far, ceil_mode=ceil_mode)
        np.testing.assert_array_equal(y, [[1]])


def test_an_infinite_gradient_stays_with_the_maximum():
    np.testing.assert_array_equal(max_pool2d_backward([[np.inf]], [[1, 2]], (1, 2)), [[0, np.inf]])


def test_the_gradient_of_an_average_needs_the_shape_of_x_alone():
    dy = np.ones((2, 2))
    unknown = np.full((4, 4), np.nan)
    np.testing.assert_array_equal(avg_pool2d_backward(dy, unknown, 2), np.full((4, 4), 0.25))


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
