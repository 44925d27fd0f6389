"""What the tests of convolutions and of their gradients share: layers to draw, and torch's."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import assume
from hypothesis import strategies as st
from layers import both, counts, either, generators, leading, pairs, sides, tensor

from convbook.ops import PADDING_MODES

# torch remarks that it copies the image where the margins differ
UNEVEN = "ignore:Using padding='same':UserWarning"


@st.composite
def configurations(draw):
    """Arguments of conv2d that fit each other, for all three ranks, in their order."""
    rank = draw(st.sampled_from([2, 3, 4]))
    groups = draw(st.integers(1, 3)) if rank > 2 else 1
    channels_seen, filters = (1, 1) if rank == 2 else draw(pairs)
    kernel = draw(pairs)
    dilation = draw(either)
    same = draw(st.booleans())
    stride = 1 if same else draw(either)
    padding = draw(st.just("same") if same else st.just("valid") | counts)
    mode = draw(st.sampled_from(list(PADDING_MODES)))
    shape = draw(sides)
    _assume_fit(shape, kernel, dilation, padding, mode)

    rng = draw(generators)
    x = rng.normal(size=(*leading(draw, rank, channels_seen * groups), *shape))
    w = rng.normal(size=kernel if rank == 2 else (filters * groups, channels_seen, *kernel))
    bias = rng.normal(size=1 if rank == 2 else filters * groups) if draw(st.booleans()) else None
    return x, w, bias, stride, padding, dilation, groups, mode


@st.composite
def signal_configurations(draw):
    """Arguments of conv1d that fit each other, for all three ranks, in their order."""
    rank = draw(st.sampled_from([1, 2, 3]))
    groups = draw(st.integers(1, 3)) if rank > 1 else 1
    channels_seen, filters = (1, 1) if rank == 1 else draw(pairs)
    kernel, dilation = draw(pairs)
    same = draw(st.booleans())
    stride = 1 if same else draw(st.integers(1, 3))
    padding = draw(st.just("same") if same else st.just("valid") | st.integers(0, 3))
    mode = draw(st.sampled_from(list(PADDING_MODES)))
    length = draw(st.integers(1, 12))
    _assume_fit((length,), (kernel,), dilation, padding, mode)

    rng = draw(generators)
    x = rng.normal(size=(*leading(draw, rank + 1, channels_seen * groups), length))
    w = rng.normal(size=kernel if rank == 1 else (filters * groups, channels_seen, kernel))
    bias = rng.normal(size=1 if rank == 1 else filters * groups) if draw(st.booleans()) else None
    return x, w, bias, stride, padding, dilation, groups, mode


def torch_layer(x, w, bias, stride, padding, dilation, groups, mode):
    """torch.nn.Conv2d or Conv1d, which alone know the padding modes: y, its x, and the layer."""
    bare = x.ndim == w.ndim and x.ndim < 3  # neither images nor channels
    weight = w[None, None] if bare else w
    layer = {3: torch.nn.Conv1d, 4: torch.nn.Conv2d}[weight.ndim](
        weight.shape[1] * groups,
        weight.shape[0],
        weight.shape[2:],
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        bias=bias is not None,
        padding_mode=mode,
        dtype=torch.float64,
    )
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight))
        if bias is not None:
            layer.bias.copy_(torch.from_numpy(bias))
    image = tensor(x)
    y = layer(image[None])[0] if bare else layer(image)
    return y, image, layer


def torch_gradients(dy, x, w, bias, *rest):
    """dx, dw and db by torch's autograd."""
    filters = 1 if w.ndim == x.ndim < 3 else len(w)
    y, image, layer = torch_layer(x, w, np.zeros(filters) if bias is None else bias, *rest)
    y.backward(torch.from_numpy(dy))
    return image.grad, layer.weight.grad.reshape(w.shape), layer.bias.grad


def _assume_fit(shape, kernel, dilation, padding, mode):
    """The kernel fits into the padded image, and the margins into what is mirrored or repeated."""
    dilations = both(dilation)[: len(kernel)]
    extents = [d * (k - 1) + 1 for d, k in zip(dilations, kernel, strict=True)]
    if padding == "same":
        margins = [e - 1 - (e - 1) // 2 for e in extents]
    else:
        margins = [0, 0] if padding == "valid" else both(padding)
        for side, margin, extent in zip(shape, margins[: len(shape)], extents, strict=True):
            assume(side + 2 * margin >= extent)
    for side, margin in zip(shape, margins[: len(shape)], strict=True):
        assume(mode != "reflect" or margin < side)
        assume(mode != "circular" or margin <= side)
