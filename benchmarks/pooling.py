"""Pooling of the book against torch's, on what a first layer might hand on."""

from __future__ import annotations

import numpy as np
import torch

from benchmarks.turns import Comparison, take_turns
from convbook.ops import avg_pool2d, avg_pool2d_backward, max_pool2d, max_pool2d_backward

CHANNELS = 16
KERNELS = ((2, 2), (3, 2))  # kernel and stride: windows that touch, windows that overlap


def compare(rounds: int, side: int = 128) -> list[Comparison]:
    """Pool 16 channels of ``side`` × ``side`` pixels, in double precision and one thread."""
    return [c for kernel in KERNELS for c in _compare(rounds, side, *kernel)]


def _compare(rounds: int, side: int, kernel: int, stride: int) -> list[Comparison]:
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    out = (side - kernel) // stride + 1
    x = rng.normal(size=(1, CHANNELS, side, side))
    dy = rng.normal(size=(1, CHANNELS, out, out))
    x_torch, dy_torch = torch.from_numpy(x), torch.from_numpy(dy)
    both = [kernel, kernel], [stride, stride]
    aten = torch.ops.aten

    def max_backward() -> torch.Tensor:
        # torch hands on the places of the maxima; from x and dy alone, both must find them.
        _, places = aten.max_pool2d_with_indices(x_torch, *both)
        return aten.max_pool2d_with_indices_backward(
            dy_torch, x_torch, *both, [0, 0], [1, 1], False, places
        )

    operations = {
        "max_pool2d": {
            "convbook": lambda: max_pool2d(x, kernel, stride),
            "torch": lambda: torch.nn.functional.max_pool2d(x_torch, kernel, stride),
        },
        "max_pool2d_backward": {
            "convbook": lambda: max_pool2d_backward(dy, x, kernel, stride),
            "torch": max_backward,
        },
        "avg_pool2d": {
            "convbook": lambda: avg_pool2d(x, kernel, stride),
            "torch": lambda: torch.nn.functional.avg_pool2d(x_torch, kernel, stride),
        },
        "avg_pool2d_backward": {
            "convbook": lambda: avg_pool2d_backward(dy, x, kernel, stride),
            "torch": lambda: aten.avg_pool2d_backward(
                dy_torch, x_torch, *both, [0, 0], False, True, None
            ),
        },
    }
    case = f"{kernel}×{kernel} windows, stride {stride}, {CHANNELS}×{side}×{side} image"
    return [
        take_turns(f"{name}, {case}, float64, one thread", candidates, "convbook", rounds)
        for name, candidates in operations.items()
    ]
