"""Small networks, many at once, as a few large matrix products.

A convolution along one row of an image is a banded matrix (see the chapter on transposed
convolutions): k rows of the input, side by side, times a matrix of k · C · W rows and F · W'
columns make one row of the output, all its columns and channels at once. Its padding is a part of
the matrix. That takes W / k times the multiplications of a sum over windows, but as one product of
sizable matrices, which runs near the peak of the processor; products with 3 columns, one for each
channel, reach a tenth of it.

Maps lie in memory as (networks, images, rows, channels, columns), so that k rows of all channels
are neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Float, Int

MODES = {"reflect": "reflect", "circular": "wrap", "replicate": "edge"}


def sources(size: int, kernel: int, padding: str) -> Int[np.ndarray, "outputs kernel"]:
    """Which input each output of a convolution along an axis meets with each weight; -1 is zero."""
    places = np.arange(size)
    before, after = ((kernel - 1) // 2, kernel // 2) if padding != "valid" else (0, 0)
    if padding in MODES:
        places = np.pad(places, (before, after), mode=MODES[padding])  # type: ignore[call-overload]
    else:
        places = np.pad(places, (before, after), constant_values=-1)
    return np.lib.stride_tricks.sliding_window_view(places, kernel)


@dataclass(frozen=True)
class Plan:
    """How rows and columns of a convolution meet.

    Attributes
    ----------
    rows
        For each output row and weight, the input row; the row behind the last is zero.
    spread
        0 or 1: which of those are which input row. Its product takes gradients back.
    columns
        0 or 1: whether weight j takes an input column to an output column.
    """

    rows: Int[Tensor, " outputs*kernel"]
    spread: Float[Tensor, "height outputs*kernel"]
    columns: Float[Tensor, "kernel width*outputs"]
    height: int
    width: int
    zeros: bool


@cache
def plan(
    height: int, width: int, kernel: int, padding: str, halves: bool, device: torch.device
) -> Plan:
    """The plan of a convolution; with ``halves``, even columns come first, then the odd ones."""
    rows, columns = sources(height, kernel, padding), sources(width, kernel, padding)
    if halves:
        columns = np.concatenate([columns[0 : len(columns) // 2 * 2 : 2], columns[1::2]])
    spread = np.arange(height)[:, None] == rows.ravel()
    meets = np.arange(width)[:, None] == columns.T[:, None, :]  # kernel width outputs
    return Plan(
        torch.as_tensor(np.where(rows < 0, height, rows).ravel(), device=device),
        torch.as_tensor(spread, dtype=torch.float32, device=device),
        torch.as_tensor(meets.reshape(kernel, -1), dtype=torch.float32, device=device),
        len(rows),
        len(columns),
        bool((rows < 0).any()),
    )


class Rows(torch.autograd.Function):
    """Lay out, for each output row, the k input rows that it sees."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, how: Plan) -> Tensor:
        """(S, N, H, C·W) → (S, N, h·k, C·W)."""
        ctx.spread = how.spread
        return (F.pad(x, (0, 0, 0, 1)) if how.zeros else x).index_select(2, how.rows)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        """Each input row gets the sum over all places that it was copied to."""
        return torch.matmul(ctx.spread.to(gradients[0].dtype), gradients[0]), None


def conv2d(
    x: Float[Tensor, "S N H C W"],
    weight: Float[Tensor, "S F C k k"],
    bias: Float[Tensor, "S F"],
    padding: str,
    halves: bool = False,
) -> Float[Tensor, "S N h F w"]:
    """Convolve each network's images with its own kernels.

    With ``halves`` the result is (S, N, h, 2, F, w/2): the even columns, then the odd ones, so that
    pooling reads what lies side by side. A last odd column is left out.
    """
    networks, images, height, channels, width = x.shape
    filters, kernel = weight.shape[1], weight.shape[-1]
    how = plan(height, width, kernel, padding, halves, x.device)
    seen = Rows.apply(x.flatten(3), how)  # S N h·k C·W
    matrix = weight.flatten(1, 3) @ how.columns.to(weight.dtype)  # S F·C·k W·w
    matrix = matrix.view(networks, filters, channels, kernel, width, how.width)
    parts = (2, how.width // 2) if halves else (1, how.width)
    matrix = matrix.unflatten(-1, parts).permute(0, 3, 2, 4, 5, 1, 6)  # S k C W 2 F w/2
    shift = bias[:, None, :, None].expand(networks, parts[0], filters, parts[1])
    made = torch.baddbmm(
        shift.reshape(networks, 1, -1),
        seen.reshape(networks, images * how.height, -1),
        matrix.reshape(networks, kernel * channels * width, -1),
    )
    shape = (*parts[:1], filters, parts[1]) if halves else (filters, how.width)
    return made.view(networks, images, how.height, *shape)


class MaxPool(torch.autograd.Function):
    """The largest of a row's pair and a column's pair; of equals, the first in reading order."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """(…, 2 rows, 2 columns, F, w) → (…, F, w)."""
        across = torch.maximum(x[..., 0, :, :], x[..., 1, :, :])
        made = torch.maximum(across[..., 0, :, :], across[..., 1, :, :])
        ctx.save_for_backward(x, across)
        return made

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        """All of a gradient goes to the place that won."""
        x, across = ctx.saved_tensors
        upper = gradients[0] * (across[..., 0, :, :] >= across[..., 1, :, :])
        rows = torch.stack([upper, gradients[0] - upper], -3)
        left = rows * (x[..., 0, :, :] >= x[..., 1, :, :])
        return torch.stack([left, rows - left], -3)
