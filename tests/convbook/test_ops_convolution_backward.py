"""The gradients of conv1d and conv2d: torch's, difference quotients, adjoints, and by hand."""

import numpy as np
import pytest
from convolving import UNEVEN, configurations, signal_configurations, torch_gradients
from hypothesis import given, settings
from hypothesis import strategies as st
from layers import (
    NO_COUNTS,
    NO_STEPS,
    assert_adjoint,
    assert_names,
    assert_same,
    assert_slopes,
    generators,
)

from convbook.ops import (
    PADDING_MODES,
    conv1d,
    conv1d_backward,
    conv2d,
    conv2d_backward,
    conv_transpose2d,
)

BOTH = [
    pytest.param(conv1d, conv1d_backward, signal_configurations(), id="conv1d"),
    pytest.param(conv2d, conv2d_backward, configurations(), id="conv2d"),
]


@pytest.mark.filterwarnings(UNEVEN)
@pytest.mark.parametrize("forward, backward, layers", BOTH)
@settings(max_examples=300)
@given(st.data(), generators)
def test_agrees_with_torch(forward, backward, layers, data, rng):
    layer = data.draw(layers)
    x, w, _, *rest = layer
    dy = rng.normal(size=forward(*layer).shape)
    gradients = backward(dy, x, w, *rest)
    for actual, expected in zip(gradients, torch_gradients(dy, *layer), strict=True):
        assert_same(actual, expected)


@pytest.mark.parametrize("forward, backward, layers", BOTH)
@settings(max_examples=20)
@given(st.data(), generators)
def test_agrees_with_difference_quotients(forward, backward, layers, data, rng):
    x, w, _, *rest = data.draw(layers)
    bias = rng.normal(size=1 if w.ndim == x.ndim < 3 else len(w))
    dy = rng.normal(size=forward(x, w, bias, *rest).shape)

    def loss(x, w, bias):
        return np.sum(dy * forward(x, w, bias, *rest))

    assert_slopes(loss, (x, w, bias), backward(dy, x, w, *rest))


@pytest.mark.parametrize("forward, backward, layers", BOTH)
@given(st.data(), generators)
def test_is_the_adjoint_in_image_and_kernel(forward, backward, layers, data, rng):
    x, w, _, *rest = data.draw(layers)
    dy = rng.normal(size=forward(x, w, None, *rest).shape)
    dx, dw, _ = backward(dy, x, w, *rest)
    assert_adjoint(lambda v: forward(v, w, None, *rest), x, dy, dx)
    assert_adjoint(lambda v: forward(x, v, None, *rest), w, dy, dw)


@given(generators, st.integers(1, 3), st.integers(1, 3), st.integers(1, 2))
def test_the_gradient_by_the_kernel_is_a_convolution_of_x_with_dy(rng, stride, dilation, more):
    # images and channels change places, and so do stride and dilation
    x, w = rng.normal(size=(4, 2, 11, 12)), rng.normal(size=(3, 2, 2, more))
    dy = rng.normal(size=conv2d(x, w, stride=stride, dilation=dilation).shape)
    _, dw, _ = conv2d_backward(dy, x, w, stride=stride, dilation=dilation)
    swapped = conv2d(
        x.swapaxes(0, 1), dy.swapaxes(0, 1), stride=dilation, dilation=stride
    ).swapaxes(0, 1)
    assert_same(dw, swapped[:, :, :2, :more])  # beyond: what no entry of the kernel saw


@given(generators, st.integers(1, 3), st.integers(1, 3), st.integers(0, 2), st.integers(9, 14))
def test_the_gradient_by_the_image_is_a_transposed_convolution_of_dy(
    rng, stride, dilation, padding, side
):
    x, w = rng.normal(size=(2, 4, side, side)), rng.normal(size=(6, 2, 3, 3))
    sizes = {"stride": stride, "padding": padding, "dilation": dilation, "groups": 2}
    dy = rng.normal(size=conv2d(x, w, **sizes).shape)
    dx, _, _ = conv2d_backward(dy, x, w, **sizes)
    missing = (side + 2 * padding - 2 * dilation - 1) % stride  # where no window reached
    assert_same(dx, conv_transpose2d(dy, w, output_padding=missing, **sizes))


def test_gradients_done_by_hand():
    x, w, dy = [[1, 2, 3], [4, 5, 6]], [[1, 10]], [[1, -1], [0, 2]]
    dx, dw, db = conv2d_backward(dy, x, w)
    # y[0,0] = x[0,0] + 10 x[0,1];  y[0,1] = x[0,1] + 10 x[0,2];  the same below
    np.testing.assert_array_equal(dx, [[1, 10 - 1, -10], [0, 2, 20]])
    np.testing.assert_array_equal(dw, [[1 - 2 + 2 * 5, 2 - 3 + 2 * 6]])
    np.testing.assert_array_equal(db, [2])


def test_pixels_that_no_window_reached_have_no_gradient():
    x, w = np.ones((8, 8)), np.ones((3, 3))
    dx, _, _ = conv2d_backward(np.ones((2, 2)), x, w, stride=4)
    reached = np.zeros((8, 8))
    reached[np.ix_([0, 1, 2, 4, 5, 6], [0, 1, 2, 4, 5, 6])] = 1
    np.testing.assert_array_equal(dx, reached)


def test_a_pixel_that_was_copied_into_the_margin_hears_from_there_too():
    x, w, dy = np.ones((1, 3)), [[1]], np.ones((1, 5))
    given_back = {"zeros": [1, 1, 1], "replicate": [2, 1, 2], "reflect": [1, 3, 1]}
    for mode, expected in (given_back | {"circular": [2, 1, 2]}).items():
        dx, _, _ = conv2d_backward(dy, x, w, padding=(0, 1), padding_mode=mode)
        np.testing.assert_array_equal(dx, [expected])


def test_the_uneven_margins_of_same_go_where_they_came_from():
    dx, dw, _ = conv2d_backward([[1, 10, 100]], [[1, 2, 3]], [[4, 5]], padding="same")
    # y = (4·1 + 5·2, 4·2 + 5·3, 4·3 + 5·0)
    np.testing.assert_array_equal(dx, [[4, 5 + 40, 50 + 400]])
    np.testing.assert_array_equal(dw, [[1 + 20 + 300, 2 + 30]])


def test_a_large_image_is_done_in_parts_that_fit_together():
    rng = np.random.default_rng(0)
    x, w, dy = rng.normal(size=(300, 200)), rng.normal(size=(21, 21)), rng.normal(size=(280, 180))
    expected = torch_gradients(dy, x, w, None, 1, 0, 1, 1, "zeros")
    for actual, other in zip(conv2d_backward(dy, x, w), expected, strict=True):
        np.testing.assert_allclose(actual, other, rtol=0, atol=1e-9)


def test_the_gradients_have_names():
    gradients = conv2d_backward(np.ones((1, 1)), np.ones((2, 2)), np.ones((2, 2)))
    assert gradients._fields == ("dx", "dw", "db")
    assert gradients.db.shape == (1,)


X, W, DY = np.ones((2, 4, 5, 5)), np.ones((6, 4, 3, 3)), np.ones((2, 6, 3, 3))


@pytest.mark.parametrize(
    "name, arguments",
    [
        ("x", {"x": np.ones(5)}),
        ("x", {"x": np.ones((2, 3, 5, 5))}),
        ("w", {"w": np.ones((3, 3))}),
        ("groups", {"w": np.ones((3, 2, 3, 3)), "groups": 2}),
        *((name, {name: bad}) for name in ("stride", "dilation") for bad in (*NO_STEPS, None)),
        *(("padding", {"padding": bad}) for bad in NO_COUNTS),
        *(("groups", {"groups": bad}) for bad in (0, 1.0, True, None)),
        ("stride", {"padding": "same", "stride": 2}),
        ("kernel", {"w": np.ones((6, 4, 6, 3))}),
        ("padding_mode", {"padding_mode": "wrap"}),
        ("padding", {"padding": 5, "padding_mode": "reflect"}),
        ("dy", {"stride": 2}),
        ("dy", {"padding": 1}),
        ("dy", {"dilation": 2}),
        ("dy", {"x": X[0]}),
    ],
)
def test_a_mistake_is_named(name, arguments):
    assert_names(name, conv2d_backward, {"dy": DY, "x": X, "w": W} | arguments)


@pytest.mark.parametrize("mode", PADDING_MODES)
def test_one_pixel_more_of_dy_is_named(mode):
    with pytest.raises(ValueError, match=r"\bdy\b.*\(2, 6, 5, 5\)"):
        conv2d_backward(np.ones((2, 6, 6, 5)), X, W, padding=1, padding_mode=mode)
