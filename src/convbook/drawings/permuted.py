"""Drawings of accuracy against the size of a kernel, or against steps of training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from convbook.intervals import mean_interval
from convbook.plotting import Drawing, is_narrow, label_line, role

if TYPE_CHECKING:
    from jaxtyping import Float
    from matplotlib.figure import Figure

Style = tuple[str, str]  # colour by role, and the line's dashes
Place = tuple[float, float]  # where a line's name stands


def against_sides(
    sides: Sequence[int],
    lines: Mapping[str, Float[np.ndarray, "sides seeds"]],
    styles: Mapping[str, Style],
    places: Mapping[str, Place],
    *,
    name: str,
    chance: float,
    spread: float = 0.12,
) -> Drawing:
    """A line of means over seeds for each name, with the 95 % interval of the mean at each side.

    Neighbouring lines are drawn ``spread`` apart, so that their bars do not cover one another.
    """

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.axhline(chance, color=role("muted"), linewidth=1, linestyle=":", zorder=0)
        for n, (line, runs) in enumerate(lines.items()):
            colour, dashes = styles[line]
            x = np.asarray(sides) + spread * (n - (len(lines) - 1) / 2)
            low, high = mean_interval(runs.T)
            axes.vlines(x, low, high, color=role(colour), linewidth=1.3)
            axes.plot(x, runs.mean(axis=1), dashes, marker="o", ms=4, linewidth=1.6,
                      color=role(colour))  # fmt: skip
            label_line(axes, *places[line], line, colour)
        axes.text(sides[-1], chance - 0.015, "chance", color=role("muted"), ha="right", va="top")
        axes.set_xticks(sides)
        if is_narrow(figure):  # where ticks stand close, every other one gets its number
            axes.tick_params(axis="x", labelsize=8)
        axes.set(ylim=(0.25, 1.03), xlabel=name, ylabel="validation accuracy")

    return draw
