"""What the tests of the operations share: sizes to draw, torch's answers, differences."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import strategies as st

pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
either = st.integers(1, 3) | pairs  # a pair, or one number for both
counts = st.integers(0, 3) | st.tuples(st.integers(0, 3), st.integers(0, 3))
sides = st.tuples(st.integers(1, 9), st.integers(1, 9))
seeds = st.integers(0, 2**32 - 1)
generators = seeds.map(np.random.default_rng)

# What no stride, dilation or size of a kernel is.
NO_STEPS = (0, -1, (1, 0), (0, 1), 1.0, 1.5, True, (1, True), "1", (1,), (1, 1, 1), [], np.ones(2))
# What no padding is, if the word is no word.
NO_COUNTS = (-1, (0, -1), 0.5, True, None, "full", "", (1, 1, 1), np.zeros(2))


def both(value):
    return value if isinstance(value, tuple) else (value, value)


def leading(draw, rank, channels):
    """The axes before height and width: none, of channels, or of images and channels."""
    return {2: (), 3: (channels,), 4: (draw(st.integers(1, 3)), channels)}[rank]


def tensor(array):
    return torch.tensor(array, requires_grad=True)


def assert_same(actual, expected):
    """The same shape and, to 1e-10, the same numbers; and float64."""
    expected = expected.detach().numpy() if isinstance(expected, torch.Tensor) else expected
    assert actual.dtype == np.float64
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-10)


def assert_adjoint(forward, x, dy, dx):
    """⟨dy, forward(x)⟩ = ⟨dx, x⟩, for a linear operation and what leads its gradient back."""
    np.testing.assert_allclose(np.sum(dy * forward(x)), np.sum(dx * x), rtol=1e-9, atol=1e-10)


def difference_quotients(loss, array, step=1e-6):
    """The gradient of a loss, one number at a time: (loss(… + step) − loss(… − step)) / 2 step."""
    quotients = np.empty_like(array)
    for index in np.ndindex(array.shape):
        nudge = np.zeros_like(array)
        nudge[index] = step
        quotients[index] = (loss(array + nudge) - loss(array - nudge)) / (2 * step)
    return quotients


def assert_slopes(loss, arrays, gradients):
    """The gradients of a loss by each of its arrays are its difference quotients."""
    for n, (array, gradient) in enumerate(zip(arrays, gradients, strict=True)):
        expected = difference_quotients(partial(_at, loss, arrays, n), array)
        np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-6)


def _at(loss, arrays, n, array):
    return loss(*arrays[:n], array, *arrays[n + 1 :])


def assert_names(name, function, arguments):
    """The mistake in the arguments is a ValueError that names the argument."""
    with pytest.raises(ValueError, match=rf"\b{name}\b"):
        function(**arguments)
