"""Drawings of accuracy against the number of images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from convbook.intervals import mean_interval
from convbook.plotting import Drawing, label_line, name_below, panels, role, ticks

if TYPE_CHECKING:
    from jaxtyping import Float
    from matplotlib.figure import Figure

Lines = Mapping[str, Sequence["Float[np.ndarray, ' seeds']"]]  # for each size
Style = tuple[str, str]  # colour by role, and the line's dashes
Place = tuple[float, float]  # where a line's name stands


def against_images(
    sizes: Sequence[int],
    shown: Mapping[str, Lines],
    styles: Mapping[str, Style],
    places: Mapping[str, Mapping[str, Place]],
    *,
    chance: float,
    limits: Mapping[str, tuple[float, float]] | None = None,
) -> Drawing:
    """A panel of lines: means over seeds with the 95 % interval of the mean at each size.

    ``limits`` has the range of the accuracies that a panel shows, where it is not the usual one.
    """

    def draw(figure: Figure) -> None:
        each = panels(figure, len(shown), len(shown), 1)
        for axes, (title, lines) in zip(each, shown.items(), strict=True):
            axes.axhline(chance, color=role("muted"), linewidth=1, linestyle=":", zorder=0)
            count = len(lines)
            for n, (name, runs) in enumerate(lines.items()):
                colour, dashes = styles[name]
                x = np.asarray(sizes[: len(runs)]) * 1.02 ** (n - (count - 1) / 2)
                low, high = np.transpose([mean_interval(values) for values in runs])
                axes.vlines(x, low, high, color=role(colour), linewidth=1.3)
                means = [values.mean() for values in runs]
                axes.plot(x, means, dashes, marker="o", ms=3.5, linewidth=1.5,
                          color=role(colour))  # fmt: skip
                label_line(axes, *places[title][name], name, colour)
            axes.set_xscale("log")
            ticks(axes, sizes)
            axes.set(xlim=(sizes[0] / 1.15, sizes[-1] * 1.15), title=title)
            axes.set_ylim((limits or {}).get(title, (0.25, 1.03)))
        each[0].text(sizes[-1] * 1.1, chance - 0.015, "chance", color=role("muted"), ha="right",
                     va="top")  # fmt: skip
        each[0].set_ylabel("validation accuracy")
        name_below(figure, each, "images of each class")

    return draw


def columns(sizes: Sequence[int], lines: Lines) -> dict[str, list[Any]]:
    """The numbers behind such lines, as columns: one row for each line, size and seed."""
    rows = [
        (name, size, seed, float(value))
        for name, runs in lines.items()
        for size, values in zip(sizes, runs, strict=False)
        for seed, value in enumerate(values)
    ]
    names = ("line", "images of each class", "seed", "accuracy")
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
