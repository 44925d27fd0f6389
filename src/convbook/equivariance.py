"""What becomes of a network's output when its picture moves.

Pictures are tensors (N, C, H, W), and they move on a torus: what leaves on one side enters on the
other. So nothing but the network can make a difference.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

from convbook._arguments import as_integer

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


def shifted(
    x: Float[Tensor, "*n h w"], down: float = 0, right: float = 0
) -> Float[Tensor, "*n h w"]:
    """Move a picture, or each of many, on a torus; up and left are negative.

    A part of a pixel moves each of the picture's waves by that part: the discrete Fourier transform
    of the output is the input's times exp(−2πi (f↓ down + f→ right)). A picture without the finest
    waves (half a period a pixel) moves without any loss; of those, the real part is kept.

    Raises
    ------
    ValueError
        If the picture has no rows and columns; or a part of a pixel is asked of whole numbers.
    """
    if x.ndim < 2:
        raise ValueError(f"x has shape {tuple(x.shape)}; it must end in rows and columns")
    if float(down).is_integer() and float(right).is_integer():
        return torch.roll(x, (int(down), int(right)), (-2, -1))
    if not x.is_floating_point():
        raise ValueError(f"x has dtype {x.dtype}; to move by a part of a pixel it must be floating")
    f_down = torch.fft.fftfreq(x.shape[-2], dtype=x.dtype, device=x.device)[:, None]
    f_right = torch.fft.fftfreq(x.shape[-1], dtype=x.dtype, device=x.device)
    turns = torch.exp(-2j * math.pi * (f_down * down + f_right * right))
    moved: Tensor = torch.fft.ifft2(torch.fft.fft2(x) * turns).real
    return moved


def change(
    after: Float[Tensor, "*n_shape"], before: Float[Tensor, "*n_shape"]
) -> Float[Tensor, " n"]:
    """How much each example has changed: ‖after − before‖ over the larger of the two norms.

    0 where nothing changed (also from zeros to zeros), 2 at most; about √2 for two that have
    nothing to do with each other.

    Raises
    ------
    ValueError
        If the shapes differ, or there is no axis of examples.
    """
    if after.shape != before.shape or after.ndim < 2:
        raise ValueError(
            f"after has shape {tuple(after.shape)} and before has {tuple(before.shape)}; "
            "they must be equal, with an axis of examples and more"
        )
    after, before = after.flatten(1), before.flatten(1)
    size = torch.maximum(after.norm(dim=1), before.norm(dim=1))
    relative: Tensor = (after - before).norm(dim=1) / torch.where(size > 0, size, 1)
    return relative


def randomised(network: nn.Module, generator: torch.Generator, bias: float = 0.1) -> nn.Module:
    """Give a network random weights in float64, in place, as before a training; return it.

    Weights are normal with the variance 2 / inputs of a unit (He et al. 2015, section 2.2), biases
    normal with the standard deviation ``bias``. No gradients are recorded.
    """
    network.double().requires_grad_(False)
    for parameter in network.parameters():
        inputs = parameter[0].numel()
        scale = math.sqrt(2 / inputs) if parameter.ndim > 1 else bias
        parameter.normal_(0, scale, generator=generator)
    return network


class BlurPool(nn.Module):
    """Blur each channel, then keep every ``stride``-th row and column.

    As in Zhang (2019, section 3.2). The blur is binomial along each axis: 1
    tap (none: bare subsampling), 2 taps (1, 1) / 2 (for stride 2, average
    pooling), 3 taps (1, 2, 1) / 4, and so on. The border is circular; of an
    even number of taps, the odd one lies to the right and below.
    """

    kernel: Tensor

    def __init__(self, taps: int = 3, stride: int = 2) -> None:
        super().__init__()
        as_integer("taps", taps, least=1)
        self.stride = as_integer("stride", stride, least=1)
        row = torch.tensor([math.comb(taps - 1, k) for k in range(taps)])
        kernel = torch.outer(row, row) / row.sum() ** 2
        self.register_buffer("kernel", kernel, persistent=False)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c p q"]:
        """Blur and subsample; H and W are divided by the stride, rounded up."""
        taps, channels = len(self.kernel), x.shape[1]
        before, after = (taps - 1) // 2, taps // 2
        x = F.pad(x, (before, after, before, after), mode="circular")
        kernels = self.kernel.expand(channels, 1, taps, taps)
        return F.conv2d(x, kernels, stride=self.stride, groups=channels)


class LargestOf(nn.Module):
    """The largest number in each ``size`` × ``size`` window, a window for each pixel, on a torus.

    Max pooling is this, and then every ``stride``-th row and column of it.
    """

    def __init__(self, size: int = 2) -> None:
        super().__init__()
        self.size = as_integer("size", size, least=1)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """The maxima, as many as there are pixels; each window begins at its pixel."""
        more = self.size - 1
        return F.max_pool2d(F.pad(x, (0, more, 0, more), mode="circular"), self.size, stride=1)


def stages(
    count: int = 3,
    *,
    channels: int = 16,
    stride: int = 2,
    window: int = 1,
    taps: int = 1,
) -> nn.Sequential:
    """Equal stages: 3×3 convolution, ReLU, maximum, blur, each stride-th pixel.

    All on a torus, from one channel. With the defaults a stage is a strided
    convolution (its ReLU may as well come before the subsampling). With
    ``window=2`` it is a convolution and max pooling, with ``taps=2`` a
    convolution and average pooling. More taps make any of them blur-pooled, as
    in Zhang (2019, section 3.2).

    Raises
    ------
    ValueError
        If a number is below 1.
    """
    as_integer("channels", channels, least=1)
    as_integer("window", window, least=1)
    layers: list[nn.Module] = []
    for stage in range(as_integer("count", count, least=1)):
        seen = channels if stage else 1
        layers += [
            nn.Conv2d(seen, channels, 3, padding=1, padding_mode="circular"),
            nn.ReLU(),
        ]
        if window > 1:
            layers.append(LargestOf(window))
        layers.append(BlurPool(taps, stride))
    return nn.Sequential(*layers)
