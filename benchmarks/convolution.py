"""Convolutions of the book against torch's and SciPy's, on what a first layer might see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.signal
import torch

from benchmarks.turns import Comparison, take_turns
from convbook.ops import (
    conv2d,
    conv2d_backward,
    conv_transpose2d,
    conv_transpose2d_backward,
)

if TYPE_CHECKING:
    from jaxtyping import Float

CHANNELS, FILTERS, KERNEL = 3, 16, 5


def compare(rounds: int, side: int = 128) -> list[Comparison]:
    """Convolve an image of ``side`` × ``side`` pixels, in double precision and one thread.

    Then back from what came out: by the gradients, and by the transposed convolution with the
    same kernels; and its gradients.
    """
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, CHANNELS, side, side))
    w = rng.normal(size=(FILTERS, CHANNELS, KERNEL, KERNEL))
    y = rng.normal(size=(1, FILTERS, side - KERNEL + 1, side - KERNEL + 1))
    x_torch, w_torch, y_torch = (torch.from_numpy(array) for array in (x, w, y))
    operations = {
        f"conv2d, {CHANNELS}→{FILTERS}": {
            "convbook": lambda: conv2d(x, w),
            "torch": lambda: torch.nn.functional.conv2d(x_torch, w_torch),
            "scipy.signal": lambda: _with_scipy(x, w),
        },
        f"conv2d_backward, {CHANNELS}→{FILTERS}": {
            "convbook": lambda: conv2d_backward(y, x, w),
            "torch": lambda: _backward(y_torch, x_torch, w_torch, FILTERS, transposed=False),
        },
        f"conv_transpose2d, {FILTERS}→{CHANNELS}": {
            "convbook": lambda: conv_transpose2d(y, w),
            "torch": lambda: torch.nn.functional.conv_transpose2d(y_torch, w_torch),
            "scipy.signal": lambda: _transposed_with_scipy(y, w),
        },
        f"conv_transpose2d_backward, {FILTERS}→{CHANNELS}": {
            "convbook": lambda: conv_transpose2d_backward(x, y, w),
            "torch": lambda: _backward(x_torch, y_torch, w_torch, CHANNELS, transposed=True),
        },
    }
    case = f"channels, {KERNEL}×{KERNEL} kernel, {side}×{side} image, float64, one thread"
    return [
        take_turns(f"{name} {case}", candidates, "convbook", rounds)
        for name, candidates in operations.items()
    ]


def _with_scipy(
    x: Float[np.ndarray, "1 c h w"], w: Float[np.ndarray, "f c k k"]
) -> Float[np.ndarray, "1 f h_out w_out"]:
    # In three dimensions: a kernel as deep as the image leaves one plane, the channels' sum.
    planes = [scipy.signal.correlate(x[0], kernel, mode="valid") for kernel in w]
    return np.concatenate(planes)[None]


def _transposed_with_scipy(
    y: Float[np.ndarray, "1 f h w"], w: Float[np.ndarray, "f c k k"]
) -> Float[np.ndarray, "1 c h_out w_out"]:
    # A convolution of the image in a margin of zeros, with the kernels turned around.
    margin = w.shape[-1] - 1
    padded = np.pad(y, [(0, 0), (0, 0), (margin, margin), (margin, margin)])
    return _with_scipy(padded, w[:, :, ::-1, ::-1].swapaxes(0, 1))


def _backward(
    dy: torch.Tensor, x: torch.Tensor, w: torch.Tensor, outputs: int, transposed: bool
) -> tuple[torch.Tensor, ...]:
    """What torch's autograd calls for the gradients of both convolutions, without its records."""
    ones, zeros = [1, 1], [0, 0]
    return torch.ops.aten.convolution_backward(
        dy, x, w, [outputs], ones, zeros, ones, transposed, zeros, 1, [True, True, True]
    )
