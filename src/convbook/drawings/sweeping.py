"""Drawings of accuracy against the number of images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from convbook.intervals import mean_interval
from convbook.plotting import Drawing, label_line, name_below, panels, role, ticks

if TYPE_CHECKING:
    from jaxtyping import Float
    from matplotlib.figure import Figure

Lines = Mapping[str, "Float[np.ndarray, 'sizes seeds']"]
Style = tuple[str, str]  # colour by role, and the line's dashes
Place = tuple[float, float]  # where a line's name stands


def against_images(
    sizes: Sequence[int],
    shown: Mapping[str, Lines],
    styles: Mapping[str, Style],
    places: Mapping[str, Mapping[str, Place]],
    *,
    chance: float,
) -> Drawing:
    """A panel of lines: means over seeds with the 95 % interval of the mean at each size."""

    def draw(figure: Figure) -> None:
        each = panels(figure, len(shown), len(shown), 1)
        for axes, (title, lines) in zip(each, shown.items(), strict=True):
            axes.axhline(chance, color=role("muted"), linewidth=1, linestyle=":", zorder=0)
            count = len(lines)
            for n, (name, runs) in enumerate(lines.items()):
                colour, dashes = styles[name]
                x = np.asarray(sizes[: len(runs)]) * 1.02 ** (n - (count - 1) / 2)
                low, high = mean_interval(runs.T)
                axes.vlines(x, low, high, color=role(colour), linewidth=1.3)
                axes.plot(x, runs.mean(axis=1), dashes, marker="o", ms=3.5, linewidth=1.5,
                          color=role(colour))  # fmt: skip
                label_line(axes, *places[title][name], name, colour)
            axes.set_xscale("log")
            ticks(axes, sizes)
            axes.set(ylim=(0.25, 1.03), title=title)
        each[0].set_ylabel("validation accuracy")
        name_below(figure, each, "images of each class")

    return draw
