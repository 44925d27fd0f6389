"""The drawing of how many weights a layer has, against the side of the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from convbook.plotting import Drawing, label_line, role

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def growth(
    sides: Sequence[int],
    lines: Mapping[str, Sequence[int]],
    counted: Mapping[str, Mapping[int, int]],
) -> Drawing:
    """Numbers of weights on logarithmic scales: a line for each layer, its name above its end.

    ``counted`` has the dots of each line: the sides at which they were counted, and the numbers.
    """

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for name, numbers in lines.items():
            axes.plot(sides, numbers, color=role("kernel"), lw=1.2)
            axes.plot(*zip(*counted[name].items(), strict=True), "o", ms=5, color=role("kernel"))
            label_line(axes, sides[-1], numbers[-1] * 1.3, name, "kernel", ha="right", va="bottom")
        axes.set(xscale="log", yscale="log", xlabel="side of the picture", ylabel="weights")
        axes.set_xticks(sides, [str(side) for side in sides])
        axes.set_yticks([1, 1e3, 1e6, 1e9])
        axes.minorticks_off()

    return draw
