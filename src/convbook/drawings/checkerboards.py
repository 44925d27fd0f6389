"""The drawings about checkerboards: where stamps overlap, and what upsamplings leave behind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import MaxNLocator

from convbook.drawings.dots import dots
from convbook.plotting import (
    Drawing,
    draw_image,
    draw_matrix,
    is_narrow,
    is_slide,
    panels,
    role,
)

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from matplotlib.figure import Figure


def overlaps(
    rows: Mapping[str, Int[np.ndarray, " n"]], name: str, plane: Int[np.ndarray, "h w"]
) -> Drawing:
    """How often stamps reach each place of some rows, as bars; and of a plane, as numbers."""

    def draw(figure: Figure) -> None:
        count = len(rows) + 1
        if is_narrow(figure):
            axes = figure.subplots(count, 1, height_ratios=[1.0] * len(rows) + [1.7])
        else:
            axes = figure.subplots(1, count)
        top = max(int(counts.max()) for counts in rows.values())
        for one, (title, counts) in zip(axes, rows.items(), strict=False):
            uneven = len(set(counts[2:-2].tolist())) > 1
            places = np.arange(len(counts))
            one.bar(places, counts, width=0.8, color=role("gradient" if uneven else "output"))
            one.set_title(title)
            one.set(ylim=(0, top + 0.15), yticks=range(top + 1), xlabel="place in the output")
            one.set_xticks(places[::2])
        axes[0].set_ylabel("stamps")
        most = [(int(i), int(j)) for i, j in np.argwhere(plane == plane.max())]
        draw_matrix(axes[-1], plane, name, colour="gradient", highlight=most)

    return draw


def pictures(shown: Mapping[str, tuple[Float[np.ndarray, "h w"], str]]) -> Drawing:
    """Pictures, each on its own scale of greys, with a line of text below."""

    def draw(figure: Figure) -> None:
        for axes, (title, (image, below)) in zip(
            panels(figure, len(shown), 3, 2), shown.items(), strict=True
        ):
            low, high = np.quantile(image, [0.01, 0.99])
            draw_image(axes, image, title, low=float(low), high=float(high))
            if is_slide(figure):  # low: all of it in one line
                axes.set_title(f"{title}, {below}")
            else:
                axes.set_xlabel(below)

    return draw


def upsamplings(results: Mapping[str, Mapping[str, Float[np.ndarray, " seeds"]]]) -> Drawing:
    """A panel for each measure: a row an upsampling, a dot a seed, a bar at the median."""

    def draw(figure: Figure) -> None:
        narrow = is_narrow(figure)
        each = panels(figure, len(results), len(results), 1, sharey=not narrow)
        for axes, (title, rows) in zip(each, results.items(), strict=True):
            for y, values in enumerate(rows.values()):
                colour = "output" if np.median(values) < 0.05 * _largest(rows) else "gradient"
                around = y + 0.16 * np.linspace(-1, 1, len(values))
                dots(axes, values, around, colour)
                axes.plot([np.median(values)] * 2, [y - 0.32, y + 0.32], color=role(colour))
            axes.set_title(title)
            axes.set_yticks(range(len(rows)), list(rows))
            axes.set_ylim(len(rows) - 0.4, -0.6)
            most = max(float(values.max()) for values in rows.values())
            axes.set_xlim(-0.03 * most, 1.1 * most)  # the dots at either end are whole
            axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
            axes.grid(axis="x", linewidth=0.8)
            axes.set_axisbelow(True)

    return draw


def _largest(rows: Mapping[str, Float[np.ndarray, " seeds"]]) -> float:
    return max(float(np.median(values)) for values in rows.values())
