"""What both ways of lowering share: where an output looks along an axis, and how many at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from jaxtyping import Int

CACHED = 2**17  # numbers that stay in a core's own cache, with room for others


def sources(size: int, kernel: int, padding: str) -> Int[np.ndarray, "outputs kernel"]:
    """Which input each output of a convolution along an axis meets with each weight; -1 is zero.

    Raises
    ------
    ValueError
        If there are too few inputs to pad with, as torch refuses it.
    """
    places = np.arange(size)
    before, after = ((kernel - 1) // 2, kernel // 2) if padding != "valid" else (0, 0)
    if after > {"reflect": size - 1, "circular": size}.get(padding, after):
        raise ValueError(f"kernel_size is {kernel}; {size} pixels allow {padding} padding for less")
    if padding == "reflect":
        places = np.pad(places, (before, after), mode="reflect")
    elif padding == "circular":
        places = np.pad(places, (before, after), mode="wrap")
    elif padding == "replicate":
        places = np.pad(places, (before, after), mode="edge")
    else:
        places = np.pad(places, (before, after), constant_values=-1)
    return np.lib.stride_tricks.sliding_window_view(places, kernel)


def in_turn(networks: int, numbers: int, device: torch.device) -> list[slice]:
    """So many networks at once that their windows, of some numbers each, stay in the cache."""
    step = networks if device.type == "cuda" else max(1, CACHED // numbers)
    return [slice(first, first + step) for first in range(0, networks, step)]
