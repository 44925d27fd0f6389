"""Margins and windows against NumPy and torch; and the one formula behind all convolutions."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from layers import assert_adjoint, assert_names, generators, pairs, sides

from convbook.ops import PADDING_MODES, pad, windows
from convbook.ops.padding import pad_backward
from convbook.ops.sums import collect, correlate, spread

modes = st.sampled_from(list(PADDING_MODES))
margins = st.tuples(*[st.tuples(st.integers(0, 4), st.integers(0, 4))] * 2)


def assume_room(mode, shape, around):
    for side, margin in zip(shape[-2:], around, strict=True):
        assume(mode != "reflect" or max(margin) < side)
        assume(mode != "circular" or max(margin) <= side)


@given(generators, sides, margins, modes)
def test_pads_as_torch_does(rng, shape, around, mode):
    assume_room(mode, shape, around)
    x = rng.normal(size=(1, 2, *shape))
    (top, bottom), (left, right) = around
    expected = torch.nn.functional.pad(
        torch.from_numpy(x),
        (left, right, top, bottom),
        mode="constant" if mode == "zeros" else mode,
    )
    np.testing.assert_array_equal(pad(x, around, mode), expected.numpy())


@given(generators, sides, margins, modes)
def test_the_way_back_is_the_adjoint(rng, shape, around, mode):
    assume_room(mode, shape, around)
    x = rng.normal(size=(2, *shape))
    padded = pad(x, around, mode)
    dy = rng.normal(size=padded.shape)
    dx = pad_backward(dy, around, mode)
    assert dx.shape == x.shape
    assert_adjoint(lambda v: pad(v, around, mode), x, dy, dx)


def test_each_copy_gives_its_gradient_back_to_its_original():
    dy = np.arange(1.0, 8.0)[None]  # two pixels before, three in the image, two after
    for mode, expected in {
        "zeros": [3, 4, 5],
        "replicate": [1 + 2 + 3, 4, 5 + 6 + 7],
        "reflect": [3 + 7, 2 + 4 + 6, 1 + 5],
        "circular": [3 + 6, 1 + 4 + 7, 2 + 5],
    }.items():
        dx = pad_backward(dy, ((0, 0), (2, 2)), mode)
        np.testing.assert_array_equal(dx, [expected])


@pytest.mark.parametrize("mode", [None, "constant", "wrap", ["zeros"], 0])
def test_an_unknown_mode_is_named(mode):
    arguments = {"x": np.ones((2, 2)), "margins": ((1, 1), (1, 1)), "mode": mode}
    assert_names("padding_mode", pad, arguments)


@given(generators, sides, pairs, pairs, pairs)
def test_windows_show_what_unfold_shows(rng, shape, size, stride, dilation):
    assume(all(d * (k - 1) < n for n, k, d in zip(shape, size, dilation, strict=True)))
    x = rng.normal(size=(1, 2, *shape))
    shown = windows(x, size, stride, dilation)  # N C H_out W_out kh kw
    columns = np.moveaxis(shown, (4, 5), (2, 3)).reshape(1, 2 * size[0] * size[1], -1)
    unfold = torch.nn.Unfold(size, dilation, padding=0, stride=stride)
    np.testing.assert_array_equal(columns, unfold(torch.from_numpy(x)).numpy())


def test_windows_are_a_view_that_cannot_be_written_to():
    x = np.zeros((4, 4))
    shown = windows(x, (2, 2))
    assert np.shares_memory(shown, x)
    with pytest.raises(ValueError, match="read-only"):
        shown[0, 0, 0, 0] = 1


@given(generators, pairs, pairs, pairs, st.integers(1, 3), st.integers(0, 2), st.integers(0, 2))
def test_three_sums_are_the_derivatives_of_one_number(
    rng, size, stride, dilation, groups, extra_rows, extra_columns
):
    n, c, f, height, width = 2, 2 * groups, 3 * groups, 2, 3
    sides = (
        (height - 1) * stride[0] + dilation[0] * (size[0] - 1) + 1 + extra_rows % stride[0],
        (width - 1) * stride[1] + dilation[1] * (size[1] - 1) + 1 + extra_columns % stride[1],
    )
    x = rng.normal(size=(n, c, *sides))
    w = rng.normal(size=(f, c // groups, *size))
    y = rng.normal(size=(n, f, height, width))
    total = 0.0
    for i, j, a, b, q, r in np.ndindex(height, width, *size, f, c // groups):
        channel = q // 3 * (c // groups) + r  # a group has three filters
        shown = x[:, channel, i * stride[0] + a * dilation[0], j * stride[1] + b * dilation[1]]
        total += np.sum(shown * w[q, r, a, b] * y[:, q, i, j])
    steps = (stride, dilation, groups)
    for part, whole in (
        (collect(x, w, *steps), y),
        (spread(y, w, sides, *steps), x),
        (correlate(x, y, size, *steps), w),
    ):
        assert part.shape == whole.shape
        np.testing.assert_allclose(np.sum(part * whole), total, rtol=1e-9, atol=1e-10)
