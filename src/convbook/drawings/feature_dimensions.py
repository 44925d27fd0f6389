"""Drawings of the sizes of layers and of what these cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.patches import Polygon, Rectangle

from convbook.drawings.cells import draw_grid, fill_cells
from convbook.plotting import Drawing, is_narrow, is_slide, panels, role

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FADED = 0.22  # opacity of an area that lines and text lie on


class Activation(NamedTuple):
    """One layer's output: its name, (height, width, channels) or (n,), and what to write of it."""

    name: str
    shape: tuple[int, ...]
    label: str


def boxes(layers: Sequence[Activation], column: int = 28) -> Drawing:
    """Activations as boxes, one unit an entry; flat ones in columns of the given height.

    Between boxes stands how many times as many numbers the second one has.
    """
    depth = 0.5  # of a channel, to the right and upwards
    half = column / 2

    def box(axes: Axes, x: float, shape: tuple[int, ...]) -> float:
        """Draw one and return its width."""
        if len(shape) == 1:
            whole, rest = divmod(shape[0], column)
            lengths = [column] * whole + [rest] * (rest > 0)
            for n, length in enumerate(lengths):
                bottom = (half if whole else length / 2) - length
                axes.add_patch(
                    Rectangle((x + 1.6 * n, bottom), 1, length, color=role("input"), lw=0)
                )
            return 1.6 * len(lengths) - 0.6
        height, width, channels = shape
        d, y = depth * channels, -height / 2
        front = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
        top = [(x, -y), (x + d, -y + d), (x + width + d, -y + d), (x + width, -y)]
        side = [(x + width, y), (x + width + d, y + d), (x + width + d, -y + d), (x + width, -y)]
        for face, opacity in ((front, FADED), (top, 2 * FADED), (side, 3 * FADED)):
            axes.add_patch(Polygon(face, fc=role("input"), alpha=opacity, lw=0))
            axes.add_patch(Polygon(face, fill=False, ec=role("input"), lw=0.8))
        return width + d

    def draw(figure: Figure) -> None:
        in_two_rows = is_narrow(figure) or is_slide(figure)
        cuts = [0, 3, len(layers)] if in_two_rows else [0, len(layers)]
        gap = 26.0 if is_slide(figure) else 13.0
        rows = figure.subplots(len(cuts) - 1, 1, squeeze=False)[:, 0]
        ends = []
        for axes, start, end in zip(rows, cuts[:-1], cuts[1:], strict=True):
            x = 0.0
            for n, layer in enumerate(layers[start:end], start):
                width = box(axes, x, layer.shape)
                middle = x + max(width, 8) / 2
                change = _times(layers[n - 1].shape, layer.shape) if n > start else ""
                axes.text(x - gap / 2, 0, change, ha="center", va="center")
                axes.text(middle, -half - 3, f"{layer.name}\n{layer.label}", ha="center", va="top")
                x += max(width, 8) + gap
            ends.append(x - gap + 4)
        for axes in rows:
            axes.set(xlim=(-5, max(ends)), ylim=(-half - 15, half + 6), aspect="equal")
            axes.axis("off")

    return draw


def _times(before: tuple[int, ...], after: tuple[int, ...]) -> str:
    """By what a layer multiplies or divides the numbers of a map, where it changes them."""
    if len(after) == 1:
        return ""
    ratio = np.prod(after) / np.prod(before)
    return f"×{ratio:g}" if ratio > 1 else f"÷{1 / ratio:g}" if ratio < 1 else ""


def positions(
    length: int, padding: int, taps: Sequence[Sequence[int]], beyond: Sequence[int]
) -> Drawing:
    """A padded row, and below it the places of a kernel; ``beyond`` is one that does not fit."""
    padded = length + 2 * padding
    last = max(*beyond, padded - 1)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for cell in range(padded):
            inside = padding <= cell < padding + length
            axes.add_patch(
                Rectangle(
                    (cell, 0), 1, 1, ec=role("input"), lw=1,
                    fc=role("input") if inside else "none", alpha=None if inside else 0.9,
                    ls="-" if inside else (0, (2, 2)),
                )
            )  # fmt: skip
            if inside:
                axes.text(cell + 0.5, 0.53, f"{cell - padding}", ha="center", va="center",
                          color=role("paper"))  # fmt: skip
        for n, places in enumerate([*taps, beyond], start=1):
            y, fits = 1.5 * n, places is not beyond
            colour = role("kernel") if fits else role("muted")
            axes.plot([places[0] + 0.5, places[-1] + 0.5], [y + 0.5] * 2, color=colour, lw=1)
            for cell in places:
                axes.add_patch(
                    Rectangle((cell, y), 1, 1, fc=colour if fits else role("paper"), ec=colour,
                              lw=1, zorder=3)
                )  # fmt: skip
            text = f"output {n - 1}" if fits else "no output"
            axes.text(-0.4, y + 0.53, text, ha="right", va="center", color=colour)
        bottom = 1.5 * (len(taps) + 1) + 1
        axes.plot([padded] * 2, [-0.2, bottom + 0.2], color=role("ink"), lw=1.5)
        axes.set(xlim=(-3.1, last + 1.1), ylim=(bottom + 0.3, -0.3), aspect="equal")
        axes.axis("off")

    return draw


def unread(layers: Mapping[str, Bool[np.ndarray, "h w"]]) -> Drawing:
    """For each layer, the pixels of its input that no window reads, filled."""

    def draw(figure: Figure) -> None:
        for axes, (name, read) in zip(
            panels(figure, len(layers), 4, 2), layers.items(), strict=True
        ):
            height, width = read.shape
            fill_cells(axes, np.ones_like(read), "input", FADED)
            fill_cells(axes, ~read, "muted")
            draw_grid(axes, height, width, "paper")
            share = f"{1 - read.mean():.0%} unread".replace("%", " %")
            axes.text(width / 2, height + 0.6, share, ha="center", va="top")
            axes.set(xlim=(-0.3, width + 0.3), ylim=(height + 0.3, -0.3), aspect="equal")
            axes.axis("off")
            axes.set_title(name)

    return draw


def groups(channels: int, filters: int, cases: Mapping[int, str]) -> Drawing:
    """Which input channels each filter sees, for several numbers of groups."""

    def draw(figure: Figure) -> None:
        for axes, (count, name) in zip(
            panels(figure, len(cases), 3, 3), cases.items(), strict=True
        ):
            for i in range(channels):
                for j in range(filters):
                    if i * count // channels == j * count // filters:
                        axes.plot([0, 1], [i, j], color=role("kernel"), lw=1)
            axes.plot([0] * channels, range(channels), "o", ms=6, color=role("input"))
            axes.plot([1] * filters, range(filters), "o", ms=6, color=role("output"))
            axes.set(xlim=(-0.15, 1.15), ylim=(max(channels, filters) - 0.5, -0.5))
            axes.axis("off")
            axes.set_title(name)

    return draw


def costs(
    names: Sequence[str], shares: Mapping[str, Float[np.ndarray, " n"]], least: float
) -> Drawing:
    """Bars of each layer's share of several costs; shares of at least ``least`` are written."""
    colours = dict(zip(shares, ("kernel", "output", "input"), strict=True))

    def draw(figure: Figure) -> None:
        grid = figure.subplots(1, len(shares), sharey=True)
        for axes, (name, share) in zip(grid, shares.items(), strict=True):
            axes.barh(range(len(names)), share, color=role(colours[name]), height=0.7)
            for n, value in enumerate(share):
                if value >= least:
                    axes.text(value + 0.02 * share.max(), n, f"{value:.0%}".replace("%", " %"),
                              va="center", color=role(colours[name]))  # fmt: skip
            axes.set_title(name, color=role(colours[name]))
            axes.set(xlim=(0, 1.45 * share.max()), xticks=[])
            axes.spines["bottom"].set_visible(False)
            axes.tick_params(axis="y", length=0)
        grid[0].set_yticks(range(len(names)), names)
        grid[0].set_ylim(len(names) - 0.4, -0.6)

    return draw
