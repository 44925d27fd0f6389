"""Convolutions of maps, a row of outputs at once."""

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
def plan(height: int, width: int, kernel: int, padding: str, device: torch.device) -> Plan:
    """The plan of a convolution; made once."""
    rows, columns = sources(height, kernel, padding), sources(width, kernel, padding)
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


def row_conv2d(
    x: Float[Tensor, "S N H C W"],
    weight: Float[Tensor, "S F C k k"],
    bias: Float[Tensor, "S F"],
    padding: str,
) -> Float[Tensor, "S N h F w"]:
    """Convolve each network's maps with its own kernels: k rows of them make a row of outputs."""
    networks, images, height, channels, width = x.shape
    filters, kernel = weight.shape[1], weight.shape[-1]
    how = plan(height, width, kernel, padding, x.device)
    matrix = weight.flatten(1, 3) @ how.columns.to(weight.dtype)  # S F·C·k W·w
    matrix = matrix.view(networks, filters, channels, kernel, width, how.width)
    matrix = matrix.permute(0, 3, 2, 4, 1, 5).reshape(networks, kernel * channels * width, -1)
    made = through_rows(x.flatten(3), matrix, how)
    return (
        made.view(networks, images, how.height, filters, how.width) + bias[:, None, None, :, None]
    )


class Rows(torch.autograd.Function):
    """Put the k input rows side by side that each output row sees, and multiply by a matrix."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, matrix: Tensor, how: Plan) -> Tensor:
        """(S, N, H, C·W) and (S, k·C·W, F·w) → (S, N·h, F·w)."""
        networks, images = x.shape[:2]
        x = F.pad(x, (0, 0, 0, 1)) if how.zeros else x
        ctx.save_for_backward(x, matrix)
        ctx.how = how
        made = x.new_empty(networks, images * how.height, matrix.shape[-1])
        for some in in_turn(networks, made.shape[1] * matrix.shape[1], x.device):
            seen = x[some].index_select(2, how.rows).view(-1, made.shape[1], matrix.shape[1])
            torch.bmm(seen, matrix[some], out=made[some])
        return made

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        """Each input row gets the sum over all places that it was copied to."""
        x, matrix = ctx.saved_tensors
        gradient = gradients[0].contiguous()
        spread = ctx.how.spread.to(x.dtype)
        of_matrix = torch.empty_like(matrix)
        of_x = x.new_empty(*x.shape[:2], len(spread), x.shape[-1])
        for some in in_turn(len(x), gradient.shape[1] * matrix.shape[1], x.device):
            seen = x[some].index_select(2, ctx.how.rows)
            flat = seen.view(-1, gradient.shape[1], matrix.shape[1])
            torch.bmm(flat.mT, gradient[some], out=of_matrix[some])
            torch.bmm(gradient[some], matrix[some].mT, out=flat)  # their place is free now
            of_x[some] = torch.matmul(spread, seen)
        return of_x, of_matrix, None


through_rows: Callable[..., Tensor] = Rows.apply
