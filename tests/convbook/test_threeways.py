"""Loops, matrix product and Fourier transforms: one convolution."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from convbook.threeways import (
    WAYS,
    as_columns,
    direct_operations,
    fft_operations,
    seconds,
)


@st.composite
def layers(draw):
    channels, filters, rows, columns = (draw(st.integers(1, 3)) for _ in range(4))
    height, width = draw(st.integers(rows, 7)), draw(st.integers(columns, 7))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    x = rng.normal(size=(channels, height, width))
    return x, rng.normal(size=(filters, channels, rows, columns))


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@given(layer=layers())
def test_every_way_gives_what_torch_gives(way, layer):
    x, w = layer
    expected = torch.conv2d(torch.tensor(x)[None], torch.tensor(w))[0].numpy()
    y = way(x, w)
    assert y.shape == expected.shape
    assert np.allclose(y, expected, atol=1e-10)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize(
    ("x", "w"),
    [
        ((2, 5, 5), (1, 3, 2, 2)),
        ((2, 5, 5), (1, 2, 6, 2)),
        ((2, 5, 5), (1, 2, 2, 6)),
        ((5, 5), (1, 1, 2, 2)),
        ((2, 5, 5), (2, 2, 2)),
    ],
)
def test_shapes_that_do_not_fit_are_refused(way, x, w):
    with pytest.raises(ValueError, match=r"kernels|shape"):
        way(np.ones(x), np.ones(w))


@given(layer=layers())
def test_columns_are_what_torch_unfolds(layer):
    x, w = layer
    size = w.shape[2:]
    expected = torch.nn.functional.unfold(torch.tensor(x)[None], size)[0].numpy()
    assert np.array_equal(as_columns(x, *size), expected)


def test_direct_operations_are_those_that_the_loops_carry_out():
    class Counted(float):
        """A number that counts the products it enters."""

        products = 0

        def __mul__(self, other):
            Counted.products += 1
            return float(self) * other

    x = np.array([Counted(n) for n in range(2 * 36)], dtype=object).reshape(2, 6, 6)
    WAYS["loops"](x, np.ones((3, 2, 3, 3)))
    assert direct_operations(6, kernel=3, channels=2, filters=3) == 2 * Counted.products


def test_operations_of_transforms_by_hand():
    # 4×4 pixels, log₂ 16 = 4: one transform is 2.5 · 16 · 4 = 160.
    assert fft_operations(4, channels=1, filters=1) == 3 * 160 + 8 * 8
    assert fft_operations(4, channels=2, filters=3) == (2 + 6 + 3) * 160 + 6 * 8 * 8


def test_seconds_runs_as_often_as_asked_and_takes_the_shortest(monkeypatch):
    clock = iter([0.0, 5.0, 10.0, 12.0, 20.0, 29.0])
    monkeypatch.setattr("convbook.threeways.time.perf_counter", lambda: next(clock))
    runs = []
    x, w = np.ones((1, 2, 2)), np.ones((1, 1, 1, 1))
    assert seconds(lambda *given: runs.append(given), x, w, repeats=3) == 2
    assert len(runs) == 3
    with pytest.raises(ValueError, match="repeats"):
        seconds(lambda *_: x, x, w, repeats=0)
