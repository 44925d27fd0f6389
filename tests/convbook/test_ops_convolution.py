"""conv1d and conv2d against torch, SciPy and cases done by hand; and wrong ways to call them."""

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
import torch
from convolving import UNEVEN, configurations, signal_configurations, torch_layer
from hypothesis import given, settings
from hypothesis import strategies as st
from layers import NO_COUNTS, NO_STEPS, assert_names, assert_same, pairs, seeds

from convbook.ops import PADDING_MODES, conv1d, conv2d

SCIPY_MODES = {"zeros": "constant", "circular": "wrap", "reflect": "mirror", "replicate": "nearest"}


@pytest.mark.filterwarnings(UNEVEN)
@settings(max_examples=400)
@given(configurations())
def test_conv2d_agrees_with_torch(layer):
    assert_same(conv2d(*layer), torch_layer(*layer)[0])


@pytest.mark.filterwarnings(UNEVEN)
@settings(max_examples=200)
@given(signal_configurations())
def test_conv1d_agrees_with_torch(layer):
    assert_same(conv1d(*layer), torch_layer(*layer)[0])


@given(seeds, pairs, st.sampled_from(list(PADDING_MODES)))
def test_agrees_with_ndimage_correlate(seed, half, mode):
    rng = np.random.default_rng(seed)
    x, w = rng.normal(size=(8, 7)), rng.normal(size=(2 * half[0] + 1, 2 * half[1] + 1))
    expected = scipy.ndimage.correlate(x, w, mode=SCIPY_MODES[mode])
    actual = conv2d(x, w, padding=half, padding_mode=mode)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-10)


@given(seeds, pairs)
def test_agrees_with_signal_and_differs_by_a_flip_from_its_convolution(seed, kernel):
    rng = np.random.default_rng(seed)
    x, w = rng.normal(size=(6, 5)), rng.normal(size=kernel)
    np.testing.assert_allclose(
        conv2d(x, w), scipy.signal.correlate(x, w, mode="valid"), rtol=0, atol=1e-10
    )
    np.testing.assert_allclose(
        conv2d(x, w[::-1, ::-1]), scipy.signal.convolve2d(x, w, mode="valid"), rtol=0, atol=1e-10
    )


def test_a_convolution_done_by_hand():
    x = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    w = [[1, 10], [100, 1000]]
    # top left: 1·1 + 2·10 + 4·100 + 5·1000; had the kernel been flipped, 1245
    np.testing.assert_array_equal(conv2d(x, w), [[5421, 6532], [8754, 9865]])


def test_the_padding_same_of_an_even_kernel_is_uneven():
    # one pixel more on the right than on the left, which leaves the picture where it was
    np.testing.assert_array_equal(conv2d([[1, 2, 3]], [[1, 0]], padding="same"), [[1, 2, 3]])
    np.testing.assert_array_equal(conv2d([[1, 2, 3]], [[0, 1]], padding="same"), [[2, 3, 0]])


@given(seeds, st.floats(-10, 10), st.sampled_from(list(PADDING_MODES)))
def test_is_linear_in_image_and_kernel(seed, a, mode):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, 2, 6, 6))
    v, w = rng.normal(size=(2, 3, 2, 3, 3))

    def conv(image, kernel):
        return conv2d(image, kernel, padding=1, padding_mode=mode)

    np.testing.assert_allclose(conv(x + a * y, w), conv(x, w) + a * conv(y, w), atol=1e-10)
    np.testing.assert_allclose(conv(x, v + a * w), conv(x, v) + a * conv(x, w), atol=1e-10)


@given(seeds, st.integers(-9, 9), st.integers(-9, 9), pairs)
def test_a_circular_shift_goes_through(seed, down, across, dilation):
    rng = np.random.default_rng(seed)
    x, w = rng.normal(size=(7, 8)), rng.normal(size=(3, 3))

    def conv(image):
        return conv2d(image, w, padding=dilation, dilation=dilation, padding_mode="circular")

    shifted = np.roll(x, (down, across), axis=(0, 1))
    np.testing.assert_allclose(
        conv(shifted), np.roll(conv(x), (down, across), axis=(0, 1)), atol=1e-10
    )


def test_a_large_image_is_done_in_parts_that_fit_together():
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(300, 200)), rng.normal(size=(21, 21))
    expected = scipy.signal.correlate(x, w, mode="valid")
    np.testing.assert_allclose(conv2d(x, w), expected, rtol=0, atol=1e-10)


def test_integers_of_numpy_are_integers():
    one = np.int64(1)
    y = conv2d(np.eye(3), np.eye(3), stride=one, padding=(one, one), dilation=[one, one])
    assert y.shape == (3, 3)


def test_a_plane_takes_one_number_as_bias():
    np.testing.assert_array_equal(conv2d([[1.0]], [[2.0]], bias=3), [[5.0]])
    np.testing.assert_array_equal(conv2d([[1.0]], [[2.0]], bias=[3]), [[5.0]])


X, W = np.ones((2, 4, 5, 5)), np.ones((6, 4, 3, 3))


@pytest.mark.parametrize(
    "name, arguments",
    [
        # shapes
        ("x", {"x": np.ones(5)}),
        ("x", {"x": np.ones((1, 1, 1, 5, 5))}),
        ("x", {"x": 3.0}),
        ("w", {"w": np.ones((3, 3))}),
        ("w", {"w": np.ones((4, 3, 3))}),
        ("w", {"x": np.ones((5, 5))}),
        ("x", {"x": np.ones((2, 3, 5, 5))}),
        ("x", {"groups": 2}),
        ("groups", {"w": np.ones((3, 2, 3, 3)), "groups": 2}),
        ("bias", {"bias": np.ones(5)}),
        ("bias", {"bias": np.ones((6, 1))}),
        ("bias", {"bias": 1.0}),
        ("bias", {"x": np.ones((5, 5)), "w": np.ones((3, 3)), "bias": [1.0, 2.0]}),
        # empty
        ("x", {"x": np.ones((0, 4, 5, 5))}),
        ("x", {"x": []}),
        ("w", {"w": np.ones((6, 4, 0, 3))}),
        ("bias", {"bias": []}),
        # no numbers
        ("x", {"x": X + 1j}),
        ("w", {"w": W.astype(str)}),
        ("w", {"w": W.astype(object)}),
        ("x", {"x": None}),
        ("x", {"x": [[1, 2], [3]]}),
        ("x", {"x": {"a": 1}}),
        ("x", {"x": torch.ones(2, 4, 5, 5, requires_grad=True)}),
        ("bias", {"bias": ["a"] * 6}),
        # sizes
        *((name, {name: bad}) for name in ("stride", "dilation") for bad in (*NO_STEPS, None)),
        *(("padding", {"padding": bad}) for bad in NO_COUNTS),
        *(("groups", {"groups": value}) for value in (0, -1, 1.0, True, (1, 1), "1", None)),
        ("stride", {"padding": "same", "stride": 2}),
        # a kernel that does not fit
        ("kernel", {"w": np.ones((6, 4, 6, 3))}),
        ("kernel", {"w": np.ones((6, 4, 3, 6))}),
        ("kernel", {"dilation": (1, 3)}),
        ("kernel", {"w": np.ones((6, 4, 8, 8)), "padding": 1}),
        # more than any memory holds
        *(("padding", {"padding": far}) for far in (10**5, 2**40, 2**63, 10**20)),
        # modes
        *(
            ("padding_mode", {"padding_mode": value})
            for value in ("wrap", "Zeros", "", None, 0, ["zeros"])
        ),
        ("padding", {"padding": 5, "padding_mode": "reflect"}),
        ("padding", {"padding": (0, 6), "padding_mode": "circular"}),
        ("padding", {"padding": "same", "dilation": 5, "padding_mode": "reflect"}),
    ],
)
def test_a_mistake_with_conv2d_is_named(name, arguments):
    assert_names(name, conv2d, {"x": X, "w": W} | arguments)


def test_the_extent_of_a_dilated_kernel_is_named():
    with pytest.raises(ValueError, match=r"\b7\b"):  # 3 · (3 − 1) + 1
        conv2d(X, W, dilation=3)


@pytest.mark.parametrize(
    "mode, most", [("reflect", 4), ("circular", 5), ("replicate", 20), ("zeros", 20)]
)
def test_padding_goes_as_far_as_in_torch(mode, most):
    rng = np.random.default_rng(1)
    x, w = rng.normal(size=(1, 1, 5, 5)), rng.normal(size=(1, 1, 3, 3))
    expected, *_ = torch_layer(x, w, None, 1, most, 1, 1, mode)
    assert_same(conv2d(x, w, padding=most, padding_mode=mode), expected)


SIGNAL, FILTERS = np.ones((2, 4, 5)), np.ones((6, 4, 3))


@pytest.mark.parametrize(
    "name, arguments",
    [
        ("x", {"x": np.ones(5)}),
        ("x", {"x": np.ones((1, 2, 4, 5))}),
        ("x", {"x": np.ones((2, 3, 5))}),
        ("w", {"w": np.ones(3)}),
        ("w", {"w": np.ones((6, 4, 3, 3))}),
        ("bias", {"bias": np.ones(5)}),
        *(
            (name, {name: bad})
            for name in ("stride", "dilation", "groups")
            for bad in (0, -1, 1.0, True, "1", None, (1, 1), (1,))
        ),
        *(("padding", {"padding": bad}) for bad in (*NO_COUNTS, (1, 1), (0,))),
        ("groups", {"w": np.ones((3, 2, 3)), "groups": 2}),
        ("stride", {"padding": "same", "stride": 2}),
        ("kernel", {"w": np.ones((6, 4, 6))}),
        ("kernel", {"dilation": 3}),
        ("padding_mode", {"padding_mode": "wrap"}),
        ("padding", {"padding": 5, "padding_mode": "reflect"}),
    ],
)
def test_a_mistake_with_conv1d_is_named(name, arguments):
    assert_names(name, conv1d, {"x": SIGNAL, "w": FILTERS} | arguments)


def test_conv1d_done_by_hand():
    # 1·1 + 4·10, 4·1 + 0·10, …
    np.testing.assert_array_equal(conv1d([1, 4, 0, -2, 3], [1, 10]), [41, 4, -20, 28])
    np.testing.assert_array_equal(conv1d([1, 4, 0, -2, 3], [1, 10], stride=3), [41, 28])
