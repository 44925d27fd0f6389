"""conv2d against torch, SciPy and a case done by hand; and every way to call it wrongly."""

import subprocess
import sys

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from convbook.ops import PADDING_MODES, conv2d

SCIPY_MODES = {"zeros": "constant", "circular": "wrap", "reflect": "mirror", "replicate": "nearest"}

pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
either = st.integers(1, 3) | pairs  # a pair, or one number for both
seeds = st.integers(0, 2**32 - 1)


def both(value):
    return value if isinstance(value, tuple) else (value, value)


def torch_conv2d(x, w, bias, stride, padding, dilation, groups, padding_mode):
    """The same through torch.nn.Conv2d, which alone knows the padding modes."""
    filters, channels = w.shape[0], w.shape[1] * groups
    layer = torch.nn.Conv2d(
        channels,
        filters,
        w.shape[2:],
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        bias=bias is not None,
        padding_mode=padding_mode,
        dtype=torch.float64,
    )
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(w))
        if bias is not None:
            layer.bias.copy_(torch.from_numpy(bias))
        return layer(torch.from_numpy(x)).numpy()


@st.composite
def configurations(draw):
    """Arguments of conv2d that fit each other, for all three ranks."""
    rank = draw(st.sampled_from([2, 3, 4]))
    groups = draw(st.integers(1, 3)) if rank > 2 else 1
    channels_seen, filters = (1, 1) if rank == 2 else draw(pairs)
    kernel = draw(pairs)
    dilation = draw(either)
    same = draw(st.booleans())
    stride = 1 if same else draw(either)
    words = st.just("same") if same else st.just("valid") | st.integers(0, 3)
    padding = draw(words if same else words | st.tuples(st.integers(0, 3), st.integers(0, 3)))
    mode = draw(st.sampled_from(list(PADDING_MODES)))
    height, width = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))

    extent = [d * (k - 1) + 1 for d, k in zip(both(dilation), kernel, strict=True)]
    if same:
        margins = [e - 1 - (e - 1) // 2 for e in extent]
    else:
        margins = [0, 0] if padding == "valid" else both(padding)
        for side, margin, needed in zip((height, width), margins, extent, strict=True):
            assume(side + 2 * margin >= needed)
    for side, margin in zip((height, width), margins, strict=True):
        assume(mode != "reflect" or margin < side)
        assume(mode != "circular" or margin <= side)

    rng = np.random.default_rng(draw(seeds))
    lead = {
        2: (),
        3: (channels_seen * groups,),
        4: (draw(st.integers(1, 3)), channels_seen * groups),
    }
    x = rng.normal(size=(*lead[rank], height, width))
    w = rng.normal(size=kernel if rank == 2 else (filters * groups, channels_seen, *kernel))
    bias = rng.normal(size=1 if rank == 2 else filters * groups) if draw(st.booleans()) else None
    return x, w, bias, stride, padding, dilation, groups, mode


# torch remarks that it copies the image where the margins differ
@pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")
@settings(max_examples=400, deadline=None)
@given(configurations())
def test_agrees_with_torch(configuration):
    x, w, *rest = configuration
    plane = x.ndim == 2
    expected = torch_conv2d(x[None] if plane else x, w[None, None] if plane else w, *rest)
    expected = expected[0] if plane else expected
    actual = conv2d(x, w, *rest)
    assert actual.dtype == np.float64
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-10)


@settings(deadline=None)
@given(seeds, pairs, st.sampled_from(list(PADDING_MODES)))
def test_agrees_with_ndimage_correlate(seed, half, mode):
    rng = np.random.default_rng(seed)
    x, w = rng.normal(size=(8, 7)), rng.normal(size=(2 * half[0] + 1, 2 * half[1] + 1))
    expected = scipy.ndimage.correlate(x, w, mode=SCIPY_MODES[mode])
    actual = conv2d(x, w, padding=half, padding_mode=mode)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-10)


@settings(deadline=None)
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


def test_a_case_done_by_hand():
    x = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    w = [[1, 10], [100, 1000]]
    # top left: 1·1 + 2·10 + 4·100 + 5·1000; had the kernel been flipped, 1245
    np.testing.assert_array_equal(conv2d(x, w), [[5421, 6532], [8754, 9865]])


def test_the_padding_same_of_an_even_kernel_is_uneven():
    # one pixel more on the right than on the left, which leaves the picture where it was
    np.testing.assert_array_equal(conv2d([[1, 2, 3]], [[1, 0]], padding="same"), [[1, 2, 3]])
    np.testing.assert_array_equal(conv2d([[1, 2, 3]], [[0, 1]], padding="same"), [[2, 3, 0]])


@settings(deadline=None)
@given(seeds, st.floats(-10, 10), st.sampled_from(list(PADDING_MODES)))
def test_is_linear_in_image_and_kernel(seed, a, mode):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, 2, 6, 6))
    v, w = rng.normal(size=(2, 3, 2, 3, 3))

    def conv(image, kernel):
        return conv2d(image, kernel, padding=1, padding_mode=mode)

    np.testing.assert_allclose(conv(x + a * y, w), conv(x, w) + a * conv(y, w), atol=1e-10)
    np.testing.assert_allclose(conv(x, v + a * w), conv(x, v) + a * conv(x, w), atol=1e-10)


@settings(deadline=None)
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


def test_leaves_its_arguments_alone():
    x, w, bias = np.ones((1, 4, 4)), np.ones((2, 1, 1, 1)), np.ones(2)
    y = conv2d(x, w, bias)
    y[:] = 7
    for array in (x, w, bias):
        np.testing.assert_array_equal(array, np.ones_like(array))


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float32"])
def test_small_integers_do_not_overflow(dtype):
    x = np.full((3, 3), 255).astype(dtype)
    total = conv2d(x, np.ones((3, 3)))
    assert total.dtype == np.float64
    assert total.item() == np.sum(x, dtype=float)


def test_a_tensor_of_torch_is_an_array_too():
    np.testing.assert_array_equal(conv2d(torch.eye(3), torch.ones(2, 2)), [[2, 1], [1, 2]])


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
        *(
            (name, {name: value})
            for name in ("stride", "dilation")
            for value in (0, -1, (1, 0), (0, 1), 1.0, 1.5, True, (1, True), "1", None, (1,))
        ),
        *(("stride", {"stride": value}) for value in ((1, 1, 1), [], np.ones(2), np.True_)),
        *(
            ("padding", {"padding": value})
            for value in (-1, (0, -1), 0.5, True, None, "full", "", (1, 1, 1), np.zeros(2))
        ),
        *(("groups", {"groups": value}) for value in (0, -1, 1.0, True, (1, 1), "1", None)),
        ("stride", {"padding": "same", "stride": 2}),
        # a kernel that does not fit
        ("kernel", {"w": np.ones((6, 4, 6, 3))}),
        ("kernel", {"w": np.ones((6, 4, 3, 6))}),
        ("kernel", {"dilation": (1, 3)}),
        ("kernel", {"w": np.ones((6, 4, 8, 8)), "padding": 1}),
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
def test_a_mistake_is_named(name, arguments):
    with pytest.raises(ValueError, match=rf"\b{name}\b"):
        conv2d(**{"x": X, "w": W} | arguments)


def test_the_extent_of_a_dilated_kernel_is_named():
    with pytest.raises(ValueError, match=r"\b7\b"):  # 3 · (3 − 1) + 1
        conv2d(X, W, dilation=3)


@pytest.mark.parametrize(
    "mode, most", [("reflect", 4), ("circular", 5), ("replicate", 20), ("zeros", 20)]
)
def test_padding_goes_as_far_as_in_torch(mode, most):
    rng = np.random.default_rng(1)
    x, w = rng.normal(size=(1, 1, 5, 5)), rng.normal(size=(1, 1, 3, 3))
    expected = torch_conv2d(x, w, None, 1, most, 1, 1, mode)
    np.testing.assert_allclose(conv2d(x, w, padding=most, padding_mode=mode), expected, atol=1e-10)


def test_needs_neither_torch_nor_matplotlib():
    code = (
        "import sys, convbook.ops; "
        "print(sorted({'torch', 'matplotlib', 'scipy', 'IPython', 'jaxtyping'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
