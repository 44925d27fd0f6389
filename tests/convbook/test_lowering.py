"""Convolutions as large matrix products, against torch's own, forwards and backwards."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st

from convbook import lowering
from convbook.lowering.axes import CACHED, in_turn, sources
from convbook.models.small import pad

PADDINGS = ("reflect", "circular", "zeros", "replicate", "valid")
CASES = {
    "networks": st.integers(1, 3),
    "images": st.integers(1, 4),
    "channels": st.integers(1, 3),
    "filters": st.integers(1, 3),
    "kernel": st.integers(1, 7),
    "height": st.integers(4, 14),
    "width": st.integers(4, 14),
    "padding": st.sampled_from(PADDINGS),
    "seed": st.integers(0, 2**32 - 1),
}


def drawn(seed, *shapes):
    source = torch.Generator().manual_seed(seed)
    return [
        torch.randn(shape, generator=source, dtype=torch.float64, requires_grad=True)
        for shape in shapes
    ]


def torchs(x, weight, bias, padding):
    """(S, N, C, H, W) → (S, N, F, h, w), one network after the other."""
    kernel = weight.shape[-1]
    return torch.stack(
        [F.conv2d(pad(x[s], kernel, padding), weight[s], bias[s]) for s in range(len(x))]
    )


def assert_equal_with_gradients(ours, theirs, inputs, seed):
    assert torch.allclose(ours, theirs, rtol=0, atol=1e-11)
    (upstream,) = drawn(seed, ours.shape)
    here = torch.autograd.grad(ours, inputs, upstream, allow_unused=True)
    there = torch.autograd.grad(theirs, inputs, upstream, allow_unused=True)
    for one, other in zip(here, there, strict=True):
        assert torch.allclose(one, other, rtol=0, atol=1e-10)


@given(**CASES)
def test_a_row_of_outputs_at_once_is_torchs_convolution(
    networks, images, channels, filters, kernel, height, width, padding, seed
):
    assume(padding == "zeros" or kernel <= min(height, width))
    x, weight, bias = drawn(
        seed,
        (networks, images, channels, height, width),
        (networks, filters, channels, kernel, kernel),
        (networks, filters),
    )
    ours = lowering.row_conv2d(x.transpose(2, 3).contiguous(), weight, bias, padding)
    theirs = torchs(x, weight, bias, padding)
    assert_equal_with_gradients(ours.transpose(2, 3), theirs, (x, weight, bias), seed)


@given(**CASES, pairs=st.booleans())
def test_a_tile_of_outputs_at_once_is_torchs_convolution(
    networks, images, channels, filters, kernel, height, width, padding, pairs, seed
):
    assume(padding == "zeros" or kernel <= min(height, width))
    x, weight = drawn(
        seed,
        (networks, images, channels, height, width),
        (networks, filters, channels, kernel, kernel),
    )
    theirs = torchs(x, weight, torch.zeros(networks, filters, dtype=torch.float64), padding)
    assume(not pairs or min(theirs.shape[-2:]) >= 2)
    how = lowering.tiling(channels, height, width, kernel, padding, pairs, x.device)
    flat = x.detach().flatten(2).mT.contiguous()
    made = lowering.tiled_conv2d(flat, weight, how, pairs)
    if pairs:  # 2×2 pooling of what pairs there are
        best = lowering.max_pool(made.view(networks, 2, 2, -1)).view(networks, -1, images)
        theirs = F.max_pool2d(theirs.flatten(0, 1), 2).unflatten(0, (networks, images))
        made = best
    ours = lowering.in_rows(made, filters, how, 2 if pairs else 1).transpose(2, 3)
    assert_equal_with_gradients(ours, theirs, (weight,), seed)


@given(seed=st.integers(0, 2**32 - 1))
def test_of_equals_the_first_in_reading_order_gets_the_gradient(seed):
    source = torch.Generator().manual_seed(seed)
    x = torch.randint(0, 3, (2, 6, 8), generator=source).double().requires_grad_()
    upstream = torch.randn(2, 3, 4, generator=source, dtype=torch.float64)
    four = x.unflatten(1, (3, 2)).unflatten(3, (4, 2)).permute(0, 2, 4, 1, 3).flatten(3)
    ours = lowering.max_pool(four).view(2, 3, 4)
    theirs = F.max_pool2d(x[:, None], 2)[:, 0]
    assert_equal_with_gradients(ours, theirs, (x,), seed)
    (here,) = torch.autograd.grad(lowering.max_pool(four).view(2, 3, 4), x, upstream)
    (there,) = torch.autograd.grad(F.max_pool2d(x[:, None], 2)[:, 0], x, upstream)
    assert torch.equal(here, there)


@given(size=st.integers(1, 12), kernel=st.integers(1, 12), padding=st.sampled_from(PADDINGS))
def test_an_output_looks_where_torchs_padding_puts_the_pixels(size, kernel, padding):
    assume(kernel <= size)
    line = torch.arange(1.0, size + 1).expand(1, 1, size, size)  # 0 is for the padding of zeros
    padded = pad(line, kernel, padding)[0, 0, kernel // 2]
    windows = np.lib.stride_tricks.sliding_window_view(padded.numpy(), kernel)
    assert np.array_equal(sources(size, kernel, padding) + 1, windows)


@pytest.mark.parametrize("numbers", [1, CACHED // 2, CACHED, 10 * CACHED])
def test_networks_take_turns_and_none_is_left_out(numbers):
    turns = in_turn(7, numbers, torch.device("cpu"))
    assert [n for some in turns for n in range(7)[some]] == list(range(7))
    assert all(len(range(7)[some]) * numbers <= max(CACHED, numbers) for some in turns)
    assert in_turn(7, numbers, torch.device("cuda")) == [slice(0, 7)]


@pytest.mark.parametrize("padding, room", [("reflect", 7), ("circular", 9), ("replicate", 50)])
def test_padding_has_as_much_room_as_torchs(padding, room):
    size, line = 4, torch.zeros(1, 1, 4, 4)
    assert sources(size, room, padding).shape == (size, room)
    pad(line, room, padding)
    if padding != "replicate":
        with pytest.raises(ValueError, match="kernel_size"):
            sources(size, room + 1, padding)
        with pytest.raises(RuntimeError):
            pad(line, room + 1, padding)
