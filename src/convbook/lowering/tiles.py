"""Convolutions of images, a tile of outputs at once, and the pooling behind them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from convbook.lowering.axes import in_turn, sources

if TYPE_CHECKING:
    from jaxtyping import Float, Int

TILES = (4, 5, 6, 3, 7, 2, 8)  # sides of a tile in outputs, the best first


@dataclass(frozen=True)
class Tiling:
    """How outputs form tiles, and which inputs each tile sees.

    Attributes
    ----------
    height, width
        Of a tile, in outputs.
    down, across
        How many tiles there are.
    window
        Where a tile's window lies: for each of its places (channels · rows · columns), for each
        tile, the index of an input. One behind the last input is zero.
    zeros
        Whether any place is outside of the image.
    """

    height: int
    width: int
    down: int
    across: int
    window: Int[Tensor, " places*tiles"]
    zeros: bool


@cache
def tiling(
    channels: int,
    height: int,
    width: int,
    kernel: int,
    padding: str,
    pairs: bool,
    device: torch.device,
) -> Tiling:
    """The tiles of a convolution; with ``pairs`` of an even height and width, for 2×2 pooling."""
    spans = []
    for size in (height, width):
        places = sources(size, kernel, padding)
        outputs = len(places) // 2 * 2 if pairs else len(places)
        tile = next(t for t in (*TILES, 1) if outputs % t == 0 and not (pairs and t % 2))
        starts = np.arange(0, outputs, tile)
        line = np.append(places[:, 0], places[-1, 1:])  # the padded axis
        spans.append((tile, len(starts), line[np.arange(tile + kernel - 1)[:, None] + starts]))
    (tall, down, rows), (wide, across, columns) = spans
    rows = rows[:, None, :, None]  # place row, place column, tile row, tile column
    columns = columns[None, :, None, :]
    outside = (rows < 0) | (columns < 0)
    first = np.arange(channels)[:, None, None, None, None] * height * width
    window = np.where(outside, channels * height * width, first + rows * width + columns)
    index = torch.as_tensor(window.ravel(), device=device)
    return Tiling(tall, wide, down, across, index, bool(outside.any()))


def tiled_conv2d(
    x: Float[Tensor, "S C*H*W N"],
    weight: Float[Tensor, "S F C k k"],
    how: Tiling,
    pairs: bool,
) -> Float[Tensor, "S outputs N"]:
    """Convolve images, to which no gradient flows, with each network's kernels.

    Outputs are ordered as (F, height, width, down, across): filter, row and column within a tile,
    tile. With ``pairs`` as (2, 2, F, height/2, width/2, down, across): first the row and the column
    in a pair.
    """
    matrix = banded(weight, how.height, how.width, 2 if pairs else 1)
    padded = F.pad(x, (0, 0, 0, 1)) if how.zeros else x
    return through_tiles(padded, matrix, how)


class Tiles(torch.autograd.Function):
    """Gather the windows of all tiles, and multiply by the matrix that makes tiles of them."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, matrix: Tensor, how: Tiling) -> Tensor:
        """(S, inputs, N) and (S, outputs, places) → (S, outputs · tiles, N)."""
        networks, outputs, places = matrix.shape
        ctx.save_for_backward(x)
        ctx.how, ctx.places = how, places
        made = x.new_empty(networks, outputs, how.down * how.across * x.shape[-1])
        for some in in_turn(networks, places * made[0, 0].numel(), x.device):
            windows = x[some].index_select(1, how.window)
            torch.bmm(matrix[some], windows.view(-1, places, made.shape[-1]), out=made[some])
        return made.view(networks, -1, x.shape[-1])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor, None]:
        """The matrix's own; windows are gathered anew, which is faster than to keep them."""
        (x,) = ctx.saved_tensors
        tiles = ctx.how.down * ctx.how.across
        gradient = gradients[0].reshape(len(x), -1, tiles * x.shape[-1])
        made = x.new_empty(*gradient.shape[:2], ctx.places)
        for some in in_turn(len(x), ctx.places * gradient.shape[-1], x.device):
            windows = x[some].index_select(1, ctx.how.window)
            windows = windows.view(-1, ctx.places, gradient.shape[-1])
            torch.bmm(gradient[some], windows.mT, out=made[some])
        return None, made, None


through_tiles: Callable[..., Tensor] = Tiles.apply


class Banded(torch.autograd.Function):
    """From kernels to the matrix that makes a tile of outputs of a window of inputs.

    Row (f, a, b) holds kernel f, a rows and b columns into the window: along diagonals of the
    matrix, that is one weight again and again. Rows are ordered as `tiled_conv2d`'s outputs.
    """

    @staticmethod
    def forward(ctx: Any, weight: Tensor, height: int, width: int, step: int) -> Tensor:
        """(S, F, C, k, k) → (S, F·height·width, C·i·j)."""
        networks, filters, channels, kernel, _ = weight.shape
        tall, wide = height + kernel - 1, width + kernel - 1
        shape = (step, step, filters, height // step, width // step, channels, tall, wide)
        matrix = weight.new_zeros(networks, *shape)
        strides = matrix.stride()
        own, row_in, column_in, each, row, column, channel, down, across = strides
        ctx.view = (
            (*weight.shape, step, step, height // step, width // step),
            # One output further down is a row further into the window too.
            (
                *(own, each, channel, down, across),
                *(row_in + down, column_in + across, row + step * down, column + step * across),
            ),
        )
        ctx.shape = matrix.shape
        matrix.as_strided(*ctx.view).copy_(weight[..., None, None, None, None])
        return matrix.view(networks, filters * height * width, -1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        """A weight gets the sum along its diagonal."""
        diagonals = gradients[0].reshape(ctx.shape).as_strided(*ctx.view)
        return diagonals.flatten(-4).sum(-1), None, None, None


banded: Callable[..., Tensor] = Banded.apply


def in_rows(x: Float[Tensor, "S outputs N"], filters: int, how: Tiling, step: int) -> Tensor:
    """From tiles, pooled ``step`` by ``step``, to (S, N, rows, F, columns)."""
    parts = (filters, how.height // step, how.width // step, how.down, how.across)
    x = x.unflatten(1, parts).permute(0, 6, 4, 2, 1, 5, 3)  # S N down height F across width
    return x.reshape(*x.shape[:2], parts[3] * parts[1], filters, parts[4] * parts[2])


class MaxPool(torch.autograd.Function):
    """The largest of a pair of rows and columns; of equals, the first in reading order."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """(S, 2 rows, 2 columns, M) → (S, M)."""
        across = torch.maximum(x[:, :, 0], x[:, :, 1])
        ctx.save_for_backward(x, across)
        return torch.maximum(across[:, 0], across[:, 1])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        """All of a gradient goes to the place that won."""
        x, across = ctx.saved_tensors
        rows = _to_winner(across, gradients[0], 1)
        return _to_winner(x, rows, 2)


max_pool: Callable[..., Tensor] = MaxPool.apply


def _to_winner(x: Tensor, gradient: Tensor, axis: int) -> Tensor:
    """Of each pair along an axis the larger, or the first, gets the gradient; the other, zero."""
    made = torch.empty_like(x)
    first, second = made.unbind(axis)
    # A comparison that writes numbers is several times faster than one that writes truth values.
    torch.ge(*x.unbind(axis), out=first)
    first *= gradient
    torch.sub(gradient, first, out=second)
    return made
