"""Many results as dots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from convbook.plotting import role

if TYPE_CHECKING:
    from jaxtyping import Float
    from matplotlib.axes import Axes


def dots(
    axes: Axes, x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"], colour: str, size: float = 3
) -> None:
    """Dots as one path: round ends of lines without length, a fifth of the bytes of markers."""
    ends = np.repeat(np.column_stack([x, y]), 2, axis=0)
    ends[1::2, 0] += 1e-4  # some programs draw nothing where a line has no length at all
    path = Path(ends, [Path.MOVETO, Path.LINETO] * len(x))
    axes.add_patch(
        PathPatch(path, color=role(colour), lw=size, alpha=0.55, capstyle="round", snap=False)
    )


def dots_and_mean(axes: Axes, x: float, values: Float[np.ndarray, " n"], colour: str) -> None:
    """All values of an experiment as dots at one place, a little apart; a bar at their mean."""
    around = x + 0.05 * np.linspace(-1, 1, len(values))
    dots(axes, around, values, colour)
    axes.plot([x - 0.1, x + 0.1], [values.mean()] * 2, color=role(colour), linewidth=2)
