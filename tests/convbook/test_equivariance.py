"""Shifts and random networks, against SciPy's shift, torch's own layers and cases by hand."""

import math

import numpy as np
import pytest
import scipy.ndimage
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from convbook.equivariance import BlurPool, LargestOf, change, randomised, shifted, stages


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def pictures(*shape, seed=0):
    return torch.rand(*shape, generator=generator(seed), dtype=torch.float64)


def wave(size, down, right):
    """A cosine with whole numbers of periods down and across, as a function of where it starts."""
    rows, columns = torch.meshgrid(*[torch.arange(size, dtype=torch.float64)] * 2, indexing="ij")

    def starting_at(row, column):
        phase = down * (rows - row) + right * (columns - column)
        return torch.cos(2 * math.pi * phase / size)

    return starting_at


@given(st.integers(-9, 9), st.integers(-9, 9))
def test_whole_shifts_are_numpys_roll(down, right):
    x = pictures(2, 3, 5, 7)
    assert np.array_equal(shifted(x, down, right), np.roll(x.numpy(), (down, right), (2, 3)))


@given(st.floats(-6, 6), st.floats(-6, 6))
def test_parts_of_a_pixel_move_waves_by_that_part(down, right):
    moving = wave(11, 2, -3)
    assert torch.allclose(shifted(moving(0, 0), down, right), moving(down, right), atol=1e-10)


@pytest.mark.parametrize("shape", [(7, 9), (8, 12)])
def test_parts_of_a_pixel_are_scipys_shift_in_frequency(shape):
    x = pictures(*shape)
    spectrum = scipy.ndimage.fourier_shift(np.fft.fft2(x.numpy()), (0.3, -1.6))
    assert np.allclose(shifted(x, 0.3, -1.6), np.fft.ifft2(spectrum).real)


def test_shifting_forth_and_back_changes_nothing_and_axes_are_down_and_right():
    x = pictures(1, 7, 9)
    assert torch.allclose(shifted(shifted(x, 0.4, 1.3), -0.4, -1.3), x)
    dot = torch.zeros(4, 5)
    dot[1, 1] = 1
    assert shifted(dot, 2, 1)[3, 2] == 1


def test_change_by_hand():
    before = torch.tensor([[3.0, 4.0], [3.0, 4.0], [0.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
    after = torch.tensor([[3.0, 4.0], [6.0, 8.0], [0.0, 0.0], [0.0, 2.0], [-1.0, 0.0]])
    expected = torch.tensor([0, 0.5, 0, 1, 2])
    assert torch.allclose(change(after, before), expected)
    assert torch.allclose(change(before, after), expected)
    assert torch.allclose(change(after.reshape(5, 1, 2), before.reshape(5, 1, 2)), expected)


def test_unrelated_examples_differ_by_the_root_of_two():
    x, y = torch.randn(2, 20, 4000, generator=generator())
    assert change(x, y).mean() == pytest.approx(math.sqrt(2), rel=0.02)


@pytest.mark.parametrize("after, before", [((2, 3), (3, 2)), ((4,), (4,)), ((2, 3), (2, 3, 1))])
def test_change_names_shapes_that_do_not_fit(after, before):
    with pytest.raises(ValueError, match="after"):
        change(torch.zeros(after), torch.zeros(before))


def test_random_weights_have_the_spread_that_keeps_a_signal():
    network = randomised(nn.Sequential(nn.Conv2d(8, 64, 5), nn.Linear(300, 200)), generator())
    conv, linear = network
    assert conv.weight.std().item() == pytest.approx(math.sqrt(2 / 200), rel=0.05)
    assert linear.weight.std().item() == pytest.approx(math.sqrt(2 / 300), rel=0.05)
    assert linear.bias.std().item() == pytest.approx(0.1, rel=0.2)
    assert abs(linear.weight.mean().item()) < 0.002
    assert all(p.dtype == torch.float64 and not p.requires_grad for p in network.parameters())


def test_random_weights_come_from_the_generator_alone():
    layer = nn.Conv2d(1, 4, 3)
    state = torch.random.get_rng_state()
    first, again, other = (randomised(layer, generator(s)).weight.clone() for s in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("taps", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_blur_pooling_is_scipys_binomial_and_then_every_other_pixel(taps, stride):
    x = pictures(2, 3, 9, 12)
    row = np.ones(1)
    for _ in range(taps - 1):
        row = np.convolve(row, [0.5, 0.5])
    # SciPy's middle of an even kernel is the right one of the two; ours is the left one.
    origin = -1 if taps % 2 == 0 else 0
    blurred = x.numpy()
    for axis in (2, 3):
        blurred = scipy.ndimage.correlate1d(blurred, row, axis, mode="wrap", origin=origin)
    pooled = BlurPool(taps, stride).double()(x)
    assert np.allclose(pooled, blurred[..., ::stride, ::stride])


def test_two_taps_are_average_pooling():
    x = pictures(2, 3, 8, 10)
    assert torch.allclose(BlurPool(2, 2).double()(x), F.avg_pool2d(x, 2))


@pytest.mark.parametrize("size, stride", [(2, 2), (3, 1), (3, 3)])
def test_max_pooling_is_the_largest_of_each_window_at_some_of_the_pixels(size, stride):
    x = pictures(2, 3, 9, 12)
    pooled = F.max_pool2d(x, size, stride)
    ours = LargestOf(size)(x)
    assert ours.shape == x.shape
    ours = ours[..., ::stride, ::stride]
    assert torch.equal(ours[..., : pooled.shape[2], : pooled.shape[3]], pooled)


@pytest.mark.parametrize("window", [1, 2])
def test_stages_are_torchs_strided_convolution_and_max_pooling(window):
    ours = randomised(stages(2, channels=4, window=window), generator())
    convolutions = [layer for layer in ours if isinstance(layer, nn.Conv2d)]
    x = pictures(2, 1, 16, 12)
    theirs = x
    for layer in convolutions:
        padded = F.pad(theirs, (1, 1, 1, 1), mode="circular")
        stride = 2 if window == 1 else 1
        theirs = F.relu(F.conv2d(padded, layer.weight, layer.bias, stride=stride))
        theirs = F.max_pool2d(theirs, window) if window > 1 else theirs
    assert torch.allclose(ours(x), theirs)


@given(st.integers(0, 9), st.sampled_from([1, 2]), st.sampled_from([1, 2, 3]))
def test_a_shift_by_the_total_stride_moves_the_last_map_by_one(seed, window, taps):
    network = randomised(stages(2, channels=3, window=window, taps=taps), generator(seed))
    x = pictures(1, 1, 16, 16, seed=seed)
    moved = change(network(shifted(x, 4, -8)), shifted(network(x), 1, -2))
    assert moved.item() < 1e-12
    if window == taps == 1:
        assert change(network(shifted(x, 1)), network(x)).item() > 1e-3


@pytest.mark.parametrize(
    "x, named", [(torch.zeros(5), r"\(5,\)"), (torch.zeros(4, 4, dtype=torch.int64), "int64")]
)
def test_what_cannot_move_is_named(x, named):
    with pytest.raises(ValueError, match=named):
        shifted(x, 0.5)


@pytest.mark.parametrize(
    "make, named",
    [
        (lambda: BlurPool(0), "taps"),
        (lambda: BlurPool(3, 0), "stride"),
        (lambda: LargestOf(0), "size"),
        (lambda: stages(0), "count"),
        (lambda: stages(channels=0), "channels"),
        (lambda: stages(window=0), "window"),
    ],
)
def test_sizes_below_one_are_named(make, named):
    with pytest.raises(ValueError, match=named):
        make()
