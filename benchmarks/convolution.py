"""conv2d of the book against torch's and SciPy's, on what a first layer might see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.signal
import torch

from benchmarks.turns import Comparison, take_turns
from convbook.ops import conv2d

if TYPE_CHECKING:
    from jaxtyping import Float

CHANNELS, FILTERS, KERNEL = 3, 16, 5


def compare(rounds: int, side: int = 128) -> Comparison:
    """Convolve an image of ``side`` × ``side`` pixels, in double precision and one thread."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, CHANNELS, side, side))
    w = rng.normal(size=(FILTERS, CHANNELS, KERNEL, KERNEL))
    x_torch, w_torch = torch.from_numpy(x), torch.from_numpy(w)

    def with_scipy() -> Float[np.ndarray, "1 f h w"]:
        # In three dimensions: a kernel as deep as the image leaves one plane, the channels' sum.
        planes = [scipy.signal.correlate(x[0], kernel, mode="valid") for kernel in w]
        return np.concatenate(planes)[None]

    candidates = {
        "convbook": lambda: conv2d(x, w),
        "torch": lambda: torch.nn.functional.conv2d(x_torch, w_torch),
        "scipy.signal": with_scipy,
    }
    first, *others = (np.asarray(run()) for run in candidates.values())
    for other in others:
        np.testing.assert_allclose(other, first, rtol=0, atol=1e-10)
    case = f"conv2d, {CHANNELS}→{FILTERS} channels, {KERNEL}×{KERNEL} kernel, {side}×{side} input"
    return take_turns(f"{case}, float64, one thread", candidates, "convbook", rounds)
