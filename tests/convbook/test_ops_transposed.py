"""conv_transpose2d and its gradients: torch, difference quotients, adjoints, cases by hand."""

import numpy as np
import pytest
import scipy.signal
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from layers import (
    NO_COUNTS,
    NO_STEPS,
    assert_adjoint,
    assert_names,
    assert_same,
    assert_slopes,
    both,
    counts,
    either,
    generators,
    leading,
    pairs,
    sides,
    tensor,
)

from convbook.ops import conv2d, conv_transpose2d, conv_transpose2d_backward


@st.composite
def configurations(draw):
    """Arguments of conv_transpose2d that fit each other, for all three ranks, in their order."""
    rank = draw(st.sampled_from([2, 3, 4]))
    groups = draw(st.integers(1, 3)) if rank > 2 else 1
    channels, made = (1, 1) if rank == 2 else draw(pairs)
    kernel, stride, dilation = draw(pairs), draw(either), draw(either)
    padding, output_padding = draw(counts), draw(counts)
    shape = draw(sides)
    for n, k, s, d, p, more in zip(
        shape, kernel, *map(both, (stride, dilation, padding, output_padding)), strict=True
    ):
        assume(more < max(s, d))
        assume((n - 1) * s + d * (k - 1) + 1 - 2 * p + more >= 1)

    rng = draw(generators)
    x = rng.normal(size=(*leading(draw, rank, channels * groups), *shape))
    w = rng.normal(size=kernel if rank == 2 else (channels * groups, made, *kernel))
    bias = rng.normal(size=1 if rank == 2 else made * groups) if draw(st.booleans()) else None
    return x, w, bias, stride, padding, output_padding, groups, dilation


def with_torch(x, w, bias, *rest):
    """torch's output for tensors; a plane as an image of one channel."""
    bare = x.ndim == 2
    images, kernels = (x[None], w[None, None]) if bare else (x, w)
    y = torch.nn.functional.conv_transpose2d(images, kernels, bias, *rest)
    return y[0] if bare else y


def bias_like(layer):
    """Zeros where the layer has no bias, so that there is a gradient by it."""
    x, w, bias, *rest = layer
    filters = 1 if x.ndim == 2 else w.shape[1] * rest[3]
    return np.zeros(filters) if bias is None else bias


@settings(max_examples=300)
@given(configurations(), generators)
def test_agrees_with_torch_forward_and_backward(layer, rng):
    x, w, bias, *rest = layer
    leaves = tensor(x), tensor(w), tensor(bias_like(layer))
    expected = with_torch(*leaves, *rest)
    y = conv_transpose2d(x, w, bias, *rest)
    assert_same(y, expected)

    dy = rng.normal(size=y.shape)
    expected.backward(torch.from_numpy(dy))
    gradients = conv_transpose2d_backward(dy, x, w, *rest)
    for actual, leaf in zip(gradients, leaves, strict=True):
        assert_same(actual, leaf.grad)


@settings(max_examples=20)
@given(configurations(), generators)
def test_agrees_with_difference_quotients(layer, rng):
    x, w, _, *rest = layer
    bias = bias_like(layer)
    dy = rng.normal(size=conv_transpose2d(x, w, bias, *rest).shape)

    def loss(x, w, bias):
        return np.sum(dy * conv_transpose2d(x, w, bias, *rest))

    assert_slopes(loss, (x, w, bias), conv_transpose2d_backward(dy, x, w, *rest))


@given(configurations(), generators)
def test_the_gradient_is_the_adjoint_in_image_and_kernel(layer, rng):
    x, w, _, *rest = layer
    dy = rng.normal(size=conv_transpose2d(x, w, None, *rest).shape)
    dx, dw, _ = conv_transpose2d_backward(dy, x, w, *rest)
    assert_adjoint(lambda v: conv_transpose2d(v, w, None, *rest), x, dy, dx)
    assert_adjoint(lambda v: conv_transpose2d(x, v, None, *rest), w, dy, dw)


@given(configurations(), generators)
def test_is_itself_the_adjoint_of_the_convolution_with_the_same_kernels(layer, rng):
    x, w, _, stride, padding, output_padding, groups, dilation = layer
    strides, dilations, added = both(stride), both(dilation), both(output_padding)
    assume(all(more < s for more, s in zip(added, strides, strict=True)))
    y = conv_transpose2d(x, w, None, stride, padding, output_padding, groups, dilation)
    z = rng.normal(size=y.shape)
    back = conv2d(z, w, None, stride, padding, dilations, groups)
    assert back.shape == x.shape  # the sizes lead back
    np.testing.assert_allclose(np.sum(z * y), np.sum(back * x), rtol=1e-9, atol=1e-10)


@given(generators, pairs, sides)
def test_agrees_with_the_full_convolution_of_scipy(rng, kernel, shape):
    # which flips the kernel: each stamp is the kernel itself
    x, w = rng.normal(size=shape), rng.normal(size=kernel)
    assert_same(conv_transpose2d(x, w), scipy.signal.convolve2d(x, w, mode="full"))


def test_a_signal_of_three_stamps_done_by_hand():
    # [a, b, c] with [x, y, z] and stride 2: [ax, ay, az + bx, by, bz + cx, cy, cz]
    (a, b, c), (x, y, z) = (2, 3, 5), (7, 11, 13)
    expected = [a * x, a * y, a * z + b * x, b * y, b * z + c * x, c * y, c * z]
    for row, kernel, stride in (([a, b, c], [x, y, z], (1, 2)), ([a, b, c], [x, y, z], 2)):
        np.testing.assert_array_equal(conv_transpose2d([row], [kernel], stride=stride), [expected])
    column = conv_transpose2d([[a], [b], [c]], [[x], [y], [z]], stride=2)
    np.testing.assert_array_equal(column[:, 0], expected)


def test_an_image_of_four_stamps_done_by_hand():
    y = conv_transpose2d([[-1, 2], [3, 1]], [[1, -1], [0, 1]])
    #  −1  1     2 −2
    #   0 −1     0  2     3 −3     1 −1
    #                     0  3     0  1
    np.testing.assert_array_equal(y, [[-1, 3, -2], [3, -3, 1], [0, 3, 1]])


def test_gradients_done_by_hand():
    dx, dw, db = conv_transpose2d_backward([[1, 10, 100]], [[2, 3]], [[4, 5]])
    # y = (2·4, 2·5 + 3·4, 3·5)
    np.testing.assert_array_equal(dx, [[4 + 50, 40 + 500]])
    np.testing.assert_array_equal(dw, [[2 + 30, 20 + 300]])
    np.testing.assert_array_equal(db, [111])


def test_output_padding_adds_rows_that_no_stamp_reaches_but_the_bias_does():
    x, w = np.ones((2, 2)), np.ones((2, 2))
    y = conv_transpose2d(x, w, bias=7, stride=3, output_padding=(2, 1))
    assert y.shape == (5 + 2, 5 + 1)
    np.testing.assert_array_equal(y[5:], 7)
    np.testing.assert_array_equal(y[:, 5:], 7)
    assert np.all(y[np.ix_([0, 1, 3, 4], [0, 1, 3, 4])] == 8)


def test_padding_cuts_off():
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(5, 6)), rng.normal(size=(3, 4))
    np.testing.assert_array_equal(
        conv_transpose2d(x, w, padding=(1, 2)), conv_transpose2d(x, w)[1:-1, 2:-2]
    )


def test_a_large_image_is_done_in_parts_that_fit_together():
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(300, 200)), rng.normal(size=(11, 11))
    expected = scipy.signal.convolve2d(x, w, mode="full")
    np.testing.assert_allclose(conv_transpose2d(x, w), expected, rtol=0, atol=1e-10)


def test_a_plane_takes_one_number_as_bias():
    np.testing.assert_array_equal(conv_transpose2d([[1.0]], [[2.0]], bias=3), [[5.0]])
    np.testing.assert_array_equal(conv_transpose2d([[1.0]], [[2.0]], bias=[3]), [[5.0]])


X, W = np.ones((2, 6, 5, 5)), np.ones((6, 4, 3, 3))
MISTAKES = [
    # shapes
    ("x", {"x": np.ones(5)}),
    ("x", {"x": np.ones((5, 5))}),
    ("w", {"w": np.ones((3, 3))}),
    ("w", {"w": np.ones((6, 3, 3))}),
    ("x", {"x": np.ones((2, 4, 5, 5))}),
    ("groups", {"groups": 4}),
    # sizes
    *((name, {name: bad}) for name in ("stride", "dilation") for bad in (*NO_STEPS, None)),
    *((name, {name: bad}) for name in ("padding", "output_padding") for bad in NO_COUNTS),
    *(("padding", {"padding": word}) for word in ("same", "valid")),
    *(("groups", {"groups": bad}) for bad in (0, -1, 1.0, True, (1, 1), "1", None)),
    # which no convolution with this stride would lead back from
    ("output_padding", {"output_padding": 1}),
    ("output_padding", {"output_padding": (0, 2), "stride": 2}),
    ("output_padding", {"output_padding": 3, "stride": 2, "dilation": 3}),
    # more than any memory holds
    *(("stride", {"stride": far}) for far in (10**5, 2**40, 2**63)),
    ("dilation", {"dilation": 10**20}),
    # nothing left
    ("padding", {"padding": 4}),
    ("padding", {"padding": (0, 4)}),
]


@pytest.mark.parametrize("name, arguments", MISTAKES)
def test_a_mistake_is_named(name, arguments):
    assert_names(name, conv_transpose2d, {"x": X, "w": W} | arguments)
    dy = np.ones((2, 4, 7, 7))
    assert_names(name, conv_transpose2d_backward, {"dy": dy, "x": X, "w": W} | arguments)


@pytest.mark.parametrize("bias", [np.ones(6), np.ones((4, 1)), 1.0, [], ["a"] * 4])
def test_a_bias_for_another_number_of_channels_is_named(bias):
    assert_names("bias", conv_transpose2d, {"x": X, "w": W, "bias": bias})


@pytest.mark.parametrize(
    "sizes",
    [{"stride": 2}, {"padding": 1}, {"dilation": 2}, {"groups": 2}],
)
def test_a_gradient_for_other_sizes_is_named(sizes):
    dy = np.ones((2, 4, 7, 7))
    assert_names("dy", conv_transpose2d_backward, {"dy": dy, "x": X, "w": W} | sizes)
