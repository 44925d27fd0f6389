"""Ways to double the size of a picture in a network, and the checkerboards that they leave.

Small networks that enlarge photographs twofold: two convolutions, then one of several upsamplings.
They are drawn from a passed generator, trained on pieces of photographs, and measured by what
depends on the parity of a pixel's row and column alone, its *phase*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from convbook._arguments import as_integer
from convbook.photographs import crops
from convbook.training import train

if TYPE_CHECKING:
    from jaxtyping import Float

CHANNELS = 8  # of the two convolutions before the upsampling
STRIDE = 2  # by which every network here enlarges
BORDER = 8  # pixels of the output within reach of the zeros around the input, and a few more


def transposed(kernel: int) -> list[nn.Module]:
    """A transposed convolution of stride 2, padded so that the size doubles."""
    padding = (kernel - 1) // 2
    spare = STRIDE - kernel + 2 * padding  # output_padding: the rows that are missing
    return [nn.ConvTranspose2d(CHANNELS, 1, kernel, STRIDE, padding, spare)]


def blurred() -> list[nn.Module]:
    """A transposed convolution with a 3×3 kernel, then the mean of each 2×2 window."""
    return [*transposed(3), nn.ZeroPad2d((1, 0, 1, 0)), nn.AvgPool2d(STRIDE, stride=1)]


def resized(mode: str) -> list[nn.Module]:
    """Interpolation, then a convolution (Odena, Dumoulin, Olah 2016)."""
    return [nn.Upsample(scale_factor=STRIDE, mode=mode), nn.Conv2d(CHANNELS, 1, 3, padding=1)]


def shuffled() -> list[nn.Module]:
    """A convolution to four channels, woven into one map of twice the size (Shi et al. 2016)."""
    return [nn.Conv2d(CHANNELS, STRIDE**2, 3, padding=1), nn.PixelShuffle(STRIDE)]


UPSAMPLINGS: dict[str, Callable[[], list[nn.Module]]] = {
    "transposed 2×2": lambda: transposed(2),
    "transposed 3×3": lambda: transposed(3),
    "transposed 4×4": lambda: transposed(4),
    "3×3, then blur": blurred,
    "shuffle": shuffled,
    "shuffle, ICNR": shuffled,
    "nearest, conv": lambda: resized("nearest"),
    "bilinear, conv": lambda: resized("bilinear"),
}


def enlarger(upsampling: str, generator: torch.Generator) -> nn.Sequential:
    """An untrained network that doubles a picture, (N, 1, H, W) to (N, 1, 2H, 2W).

    Two 3×3 convolutions with a ReLU behind each, then one of `UPSAMPLINGS`. The biases are 0. The
    weights are normal, with a variance that keeps the size of the numbers (He et al. 2015; a
    transposed convolution sends only a quarter of its weights to a pixel).

    Raises
    ------
    ValueError
        If there is no such upsampling.
    """
    if upsampling not in UPSAMPLINGS:
        known = ", ".join(map(repr, UPSAMPLINGS))
        raise ValueError(f"upsampling is {upsampling!r}; it can be {known}")
    body = [nn.Conv2d(1, CHANNELS, 3, padding=1), nn.ReLU(),
            nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1), nn.ReLU()]  # fmt: skip
    network = nn.Sequential(*body, *UPSAMPLINGS[upsampling]())
    for n, layer in enumerate(network):
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            terms: float = layer.in_channels * layer.kernel_size[0] * layer.kernel_size[1]
            if isinstance(layer, nn.ConvTranspose2d):
                terms /= STRIDE**2
            gain = 2 if n < len(body) else 1  # a ReLU keeps half of the energy
            nn.init.normal_(layer.weight, std=(gain / terms) ** 0.5, generator=generator)
            assert layer.bias is not None  # for mypy
            nn.init.zeros_(layer.bias)
    if upsampling.endswith("ICNR"):
        icnr_(network.get_parameter(f"{len(body)}.weight"))
    return network


@torch.no_grad()
def icnr_(weight: Float[Tensor, "f c kh kw"]) -> None:
    """Give the filters of a pixel shuffle that land on one block of pixels the same weights.

    The network then starts as nearest-neighbour interpolation of a convolution's output (Aitken
    et al. 2017, "initialisation to convolution, nearest-neighbour resize").
    """
    first = weight[:: STRIDE**2]  # the filters of one output channel follow each other
    weight.copy_(first.repeat_interleave(STRIDE**2, dim=0))


def phase_share(image: Float[np.ndarray, "h w"], stride: int = STRIDE, block: int = 16) -> float:
    """How much of an image's local variance is explained by a pixel's phase alone.

    The image is cut into blocks, and each block's mean is taken off. A pixel's phase is its row
    and its column modulo the stride. The share is the variance of the phases' means, over the
    variance of all: 1 for a pure checkerboard, 0 where the phases of each block have equal means.
    White noise has about (stride² − 1) / (block² − 1), by chance.

    Raises
    ------
    ValueError
        If the stride does not divide the block, if no block fits, or if every block is flat.
    """
    rest, means = phase_means(image, stride, block)
    variance = float(np.mean(rest**2))
    if variance < 1e-24:
        raise ValueError("image is flat in every block; there is no variance to explain")
    return float(np.mean(means**2)) / variance


def phase_means(
    image: Float[np.ndarray, "h w"], stride: int, block: int
) -> tuple[Float[np.ndarray, "n b b"], Float[np.ndarray, "n s s"]]:
    """Blocks of an image, their means taken off, and the mean of each phase."""
    stride = as_integer("stride", stride, least=1)
    block = as_integer("block", block, least=1)
    if block % stride:
        raise ValueError(f"block is {block}; stride, {stride}, must divide it")
    rows, columns = (length // block for length in image.shape)
    if not rows or not columns:
        raise ValueError(f"block is {block}; the image is {image.shape} pixels")
    cut = image[: rows * block, : columns * block]
    grid = cut.reshape(rows, block, columns, block).swapaxes(1, 2)
    blocks = grid.reshape(-1, block, block)
    blocks = blocks - blocks.mean((1, 2), keepdims=True)
    steps = block // stride
    phases = blocks.reshape(-1, steps, stride, steps, stride)
    return blocks, phases.mean((1, 3))


@torch.no_grad()
def ripple(network: nn.Module, levels: Sequence[float] = (0, 0.25, 0.5, 0.75, 1)) -> float:
    """How far from flat a network leaves flat grey pictures, in grey levels of 255.

    The standard deviation of the output away from the border, as a mean over pictures of the given
    levels, from 0 (black) to 1 (white).
    """
    flat = torch.tensor(levels, dtype=torch.float32)[:, None, None, None].expand(-1, 1, 16, 16)
    inside = network(flat)[..., BORDER:-BORDER, BORDER:-BORDER]
    return 255 * float(inside.std(dim=(-2, -1), unbiased=False).mean())


def halved(image: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n 1 h/2 w/2"]:
    """The picture at half the size: the mean of each 2×2 window."""
    return F.avg_pool2d(image, STRIDE)


def teach(
    networks: Sequence[nn.Module],
    rngs: Sequence[np.random.Generator],
    photographs: Sequence[Float[np.ndarray, "h w"]],
    *,
    steps: int,
    batch: int = 16,
) -> Float[Tensor, "steps seeds"]:
    """Train networks to undo `halved`, each on pieces from its own generator; the losses.

    The loss is the mean squared error. The training is `convbook.training.train`'s, so the rate of
    learning rises first and then falls.

    Raises
    ------
    ValueError
        If there is not one generator for each network.
    """
    if not len(networks) == len(rngs) > 0:
        raise ValueError(f"there are {len(networks)} networks and {len(rngs)} rngs: one each")
    drawn = [crops(photographs, rng, side=16, count=steps * batch)[0] for rng in rngs]
    sharp = torch.tensor(np.stack(drawn), dtype=torch.float32)
    sharp = sharp.reshape(len(networks), steps, batch, 1, 16, 16)

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        for wanted in sharp.unbind(1):  # seeds N 1 H W
            yield torch.vmap(halved)(wanted), wanted

    return train(networks, batches(), F.mse_loss, learning_rate=0.01, steps=steps)


@torch.no_grad()
def enlarged(
    network: nn.Module, image: Float[np.ndarray, "h w"]
) -> tuple[Float[np.ndarray, "a b"], Float[np.ndarray, "a b"]]:
    """What a network makes of a picture at half its size, and the error; both without a border."""
    x = torch.tensor(image, dtype=torch.float32)[None, None]  # N C H W
    y = network(halved(x))
    inside = (..., slice(BORDER, -BORDER), slice(BORDER, -BORDER))
    return y[inside][0, 0].numpy(), (y - x)[inside][0, 0].numpy()
