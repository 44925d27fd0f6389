"""Networks that enlarge, and the measures of what they leave behind."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from convbook import upsampling
from convbook.upsampling import (
    UPSAMPLINGS,
    enlarged,
    enlarger,
    icnr_,
    phase_share,
    ripple,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kind", UPSAMPLINGS)
@pytest.mark.parametrize(("height", "width"), [(8, 8), (5, 12)])
def test_every_enlarger_doubles_the_picture(kind, height, width):
    output = enlarger(kind, seeded())(torch.rand(2, 1, height, width, generator=seeded()))
    assert output.shape == (2, 1, 2 * height, 2 * width)


@pytest.mark.parametrize("kind", UPSAMPLINGS)
def test_untrained_outputs_are_neither_tiny_nor_huge(kind):
    x = torch.randn(4, 1, 24, 24, generator=seeded())
    sizes = [float(enlarger(kind, seeded(n))(x).square().mean().detach()) for n in range(30)]
    # Noise has the energy 1; interpolation and averages take some of it away.
    assert 0.1 < np.median(sizes) < 2


def test_the_generator_decides_the_weights():
    one, same, other = (enlarger("shuffle", seeded(n)) for n in (1, 1, 2))
    assert torch.equal(one[0].weight, same[0].weight)
    assert not torch.equal(one[0].weight, other[0].weight)


def test_an_unknown_upsampling_is_refused():
    with pytest.raises(ValueError, match="bicubic"):
        enlarger("bicubic", seeded())


def test_equal_filters_make_a_shuffle_a_nearest_neighbour_interpolation():
    convolution = nn.Conv2d(3, 8, 3, padding=1, bias=False)
    icnr_(convolution.weight)
    x = torch.randn(2, 3, 6, 6, generator=seeded())
    with torch.no_grad():
        maps = torch.conv2d(x, convolution.weight[::4], padding=1)
        wanted = nn.functional.interpolate(maps, scale_factor=2, mode="nearest")
        assert torch.allclose(nn.functional.pixel_shuffle(convolution(x), 2), wanted, atol=1e-6)


@given(st.integers(2, 4), st.integers(0, 1000))
def test_phase_explains_all_of_a_pure_pattern(stride, seed):
    tile = np.random.default_rng(seed).normal(size=(stride, stride))
    pattern = np.tile(tile, (12 * 2 // stride, 12 * 2 // stride))
    assert phase_share(pattern, stride, block=12) == pytest.approx(1)


def test_phase_explains_nothing_where_its_means_are_equal():
    rng = np.random.default_rng(0)
    blocks = np.kron(rng.normal(size=(16, 16)), np.ones((2, 2)))  # each phase holds each value
    assert phase_share(blocks) == pytest.approx(0, abs=1e-12)


def test_phase_explains_of_noise_what_chance_gives_it():
    noise = np.random.default_rng(0).normal(size=(640, 640))
    assert phase_share(noise) == pytest.approx(3 / 255, rel=0.1)


def test_the_share_of_a_sum_follows_from_the_energies():
    rng = np.random.default_rng(1)
    even = np.kron(rng.normal(size=(32, 32)), np.ones((2, 2)))
    signs = np.kron(np.ones((32, 32)), [[1, -1], [-1, 1]])
    local = even.reshape(4, 16, 4, 16).swapaxes(1, 2).reshape(16, 16, 16)
    energy = np.mean((local - local.mean((1, 2), keepdims=True)) ** 2)
    assert phase_share(even + 3 * signs) == pytest.approx(9 / (9 + energy))


@pytest.mark.parametrize(
    ("image", "stride", "block"),
    [(np.eye(32), 3, 16), (np.eye(8), 2, 16), (np.ones((32, 32)), 2, 16), (np.eye(32), 0, 16)],
)
def test_a_share_that_means_nothing_is_refused(image, stride, block):
    with pytest.raises(ValueError, match=r"block|stride"):
        phase_share(image, stride, block)


def test_ripple_is_the_deviation_from_flat_in_grey_levels():
    class Checkerboard(nn.Module):
        def forward(self, x):
            board = torch.kron(torch.ones(x.shape[2:]), torch.tensor([[1.0, -1], [-1, 1]]))
            return nn.functional.interpolate(x, scale_factor=2) + board / 255

    assert ripple(Checkerboard()) == pytest.approx(1, rel=1e-4)
    assert ripple(nn.Upsample(scale_factor=2)) == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("kind", ["3×3, then blur", "nearest, conv", "bilinear, conv"])
def test_resize_and_blur_keep_flat_grey_flat_whatever_the_weights(kind):
    for seed in range(5):
        assert ripple(enlarger(kind, seeded(seed))) < 1e-3


def test_the_error_is_what_the_network_gives_minus_the_picture():
    image = np.random.default_rng(0).random((40, 48))
    output, error = enlarged(nn.Upsample(scale_factor=2), image)
    halves = image.reshape(20, 2, 24, 2).mean((1, 3))
    wanted = np.kron(halves, np.ones((2, 2)))[8:-8, 8:-8]
    assert np.allclose(output, wanted, atol=1e-6)
    assert np.allclose(error, wanted - image[8:-8, 8:-8], atol=1e-6)


@pytest.mark.parametrize("count", [0, 2])
def test_training_needs_a_generator_for_each_network(count):
    rngs = [np.random.default_rng(0)] * count
    with pytest.raises(ValueError, match="rngs"):
        upsampling.teach([enlarger("shuffle", seeded())], rngs, [np.ones((20, 20))], steps=2)


def test_training_lowers_the_loss_of_every_seed():
    rng = np.random.default_rng(0)
    smooth = np.add.outer(np.sin(np.arange(60) / 4), np.cos(np.arange(60) / 5)) / 4 + 0.5
    group = [enlarger("transposed 4×4", seeded(n)) for n in range(2)]
    losses = upsampling.teach(group, [rng, rng], [smooth], steps=40, batch=4)
    assert losses.shape == (40, 2)
    assert (losses[-5:].mean(0) < 0.3 * losses[:5].mean(0)).all()
