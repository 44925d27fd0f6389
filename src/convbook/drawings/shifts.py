"""Drawings of downsampling, and of what becomes of pictures that move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter

from convbook.drawings.dots import dots, dots_and_mean
from convbook.plotting import (
    Drawing,
    draw_image,
    draw_matrix,
    is_narrow,
    label_line,
    panels,
    role,
)

if TYPE_CHECKING:
    from jaxtyping import Float
    from matplotlib.figure import Figure


def savings(
    multiply_adds: Mapping[str, Float[np.ndarray, " n"]],
    activations: Mapping[str, Float[np.ndarray, " n"]],
    poolings: Sequence[float],
) -> Drawing:
    """Cost per convolution in steps, on scales of powers of two, with lines where one pools."""
    # Colour, width, and the label's place above the last or below the first convolution.
    looks = {
        "no pooling": ("input", 5.0, (0.5, 1.2), (8.5, 1.2)),
        "channels doubled": ("kernel", 1.8, (8.5, 0.3), (8.5, 2.4)),
        "channels kept": ("output", 1.8, (6.3, 0.041), (6.3, 0.041)),
    }

    def draw(figure: Figure) -> None:
        both = panels(figure, 2, 2, 1)
        titles = ("multiply-adds (millions)", "activations (thousands)")
        clear = {"facecolor": role("paper"), "edgecolor": "none", "pad": 1.0}  # of the lines behind
        for n, (axes, title, costs) in enumerate(
            zip(both, titles, (multiply_adds, activations), strict=True)
        ):
            for place in poolings:
                axes.axvline(place, color=role("line"), linewidth=1, zorder=0)
            for name, (colour, width, *places) in looks.items():
                values = costs[name]
                edges = np.arange(len(values) + 1) + 0.5
                axes.stairs(values, edges, baseline=None, color=role(colour), linewidth=width,
                            alpha=0.45 if width > 2 else 1)  # fmt: skip
                x, share = places[n]
                level = costs["no pooling"][0] if n == 0 or share < 1 else values[-1]
                axes.text(x, share * level, name, color=role(colour), bbox=clear,
                          ha="left" if x < 1 else "right",
                          va="bottom" if share > 1 else "center")  # fmt: skip
            axes.set_yscale("log", base=2)
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axes.set_title(title)
            axes.set_xticks(range(1, len(edges)))
            axes.margins(y=0.14)
        both[1].set_xlabel("convolution")
        if not is_narrow(figure):
            both[0].set_xlabel("convolution")

    return draw


def every_second(rows: Mapping[str, Float[np.ndarray, " n"]]) -> Drawing:
    """Rows of pixels with a mark under every second one, and beside them what these hold."""
    gap, pitch = 1.5, 2.7  # between the two columns and from row to row, in pixels

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for n, (name, row) in enumerate(rows.items()):
            top, start = n * pitch, len(row) + gap
            for left, values in ((0.0, row), (start, row[::2])):
                # An image, as its grey levels must not turn with the theme.
                axes.imshow(values[None], cmap="gray", vmin=0, vmax=1, interpolation="none",
                            extent=(left, left + len(values), top + 1, top))  # fmt: skip
                for j in range(len(values)):
                    edge = Rectangle((left + j, top), 1, 1, fill=False, ec=role("muted"), lw=0.8)
                    axes.add_patch(edge)
            marks = np.arange(0, len(row), 2) + 0.5
            axes.plot(marks, np.full(len(marks), top + 1.35), "^", ms=4, color=role("kernel"))
            axes.text(0, top - 0.15, name, va="bottom")
            if n == 0:
                label_line(axes, start, top - 0.15, "the marked ones", "kernel", va="bottom")
        width = max(len(row) * 1.5 for row in rows.values()) + gap
        axes.set(xlim=(-0.1, width + 0.1), ylim=(len(rows) * pitch - 1, -1.2), aspect="equal")
        axes.axis("off")

    return draw


def against_shift(
    shifts: Sequence[int],
    pooled: Mapping[str, Float[np.ndarray, "seeds n"]],
    last: Mapping[str, Float[np.ndarray, "seeds n"]],
) -> Drawing:
    """Change of the pooled features and of the last map against the shift; bands hold all seeds.

    Each maps a kind of network to its changes, the one that changes most first.
    """
    colours = ("gradient", "input", "output")

    def draw(figure: Figure) -> None:
        both = panels(figure, 2, 2, 1)
        titles = ("change of the pooled features", "change of the last map")
        for axes, title, curves in zip(both, titles, (pooled, last), strict=True):
            top = max(values.max() for values in curves.values())
            for (name, values), colour in zip(curves.items(), colours, strict=True):
                axes.fill_between(shifts, values.min(0), values.max(0), color=role(colour),
                                  alpha=0.22, linewidth=0)  # fmt: skip
                axes.plot(shifts, values.mean(0), "o-", color=role(colour), ms=3.5, linewidth=1.5,
                          clip_on=False, zorder=3)  # fmt: skip
                crest = values[:, : len(shifts) // 2].max()
                height = crest if crest > 0.01 * top else 0
                label_line(axes, len(shifts) // 4, height + 0.02 * top, name, colour,
                           ha="center", va="bottom")  # fmt: skip
            axes.set_title(title)
            axes.set(xticks=range(0, max(shifts) + 1, 4), xlim=(0, max(shifts)))
            axes.set_ylim(0, 1.12 * top)
        both[-1].set_xlabel("shift (pixels)")
        if not is_narrow(figure):
            both[0].set_xlabel("shift (pixels)")

    return draw


def blurs(
    frequencies: Float[np.ndarray, " n"],
    gains: Mapping[int, Float[np.ndarray, " n"]],
    strided: Float[np.ndarray, "seeds taps"],
    max_pooled: Float[np.ndarray, "seeds taps"],
) -> Drawing:
    """Gains of blurs of so many taps, and the change that networks with them have left."""
    looks = {
        "strided convolution": (strided, "gradient", 0.08),
        "max pooling": (max_pooled, "input", 0.3),
    }

    def draw(figure: Figure) -> None:
        left, right = panels(figure, 2, 2, 1)
        left.axvspan(0.25, 0.5, color=role("line"), alpha=0.45, linewidth=0, zorder=0)
        left.text(0.375, 0.9, "folds", color=role("ink"), ha="center", va="center")
        at = len(frequencies) // 2
        for n, (taps, gain) in enumerate(gains.items()):
            left.plot(frequencies, gain, color=role("kernel"), linewidth=0.9 + 0.5 * n)
            left.text(frequencies[at] + 0.008, gain[at] + 0.01, f"{taps}", color=role("kernel"))
        left.set(xlim=(0, 0.5), ylim=(0, 1.12), xlabel="frequency (periods a pixel)")
        left.set_title("gain, by the number of taps")
        for n, (name, (values, colour, place)) in enumerate(looks.items()):
            for tap, column in enumerate(values.T):
                dots_and_mean(right, tap + 0.24 * (n - 0.5), column, colour)
            label_line(right, place, values[:, 0].mean(), name, colour)
        right.set_yscale("log")
        right.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        right.set_xticks(range(len(gains)), [f"{taps}" for taps in gains])
        right.set_xlabel("taps of the blur")
        right.set_title("change of the pooled features")
        right.set_xlim(-0.5, len(gains) - 0.5)

    return draw


def seam(
    rows: Sequence[Sequence[str]],
    counts: Float[np.ndarray, "h w"],
    marked_rows: Mapping[int, str],
    marked_columns: Mapping[int, str],
) -> Drawing:
    """How rows pair up through padded layers, and how often each pixel counts in the end.

    ``rows`` holds the labels of the rows of each layer; one that repeats is filled.
    """

    def draw(figure: Figure) -> None:
        shape = {"height_ratios": [1, 1]} if is_narrow(figure) else {"width_ratios": [1, 1.15]}
        columns = 1 if is_narrow(figure) else 2
        left, right = figure.subplots(2 // columns, columns, **shape).flat
        most = max(len(labels) for labels in rows)
        for x, labels in enumerate(rows):
            top = (most - len(labels)) / 2
            for y, label in enumerate(labels):
                repeated = labels.count(label) > 1
                fill = role("output") if repeated else "none"
                corner = (2.2 * x, top + y + 0.06)
                left.add_patch(Rectangle(corner, 1.5, 0.88, lw=1, ec=role("output"), fc=fill))
                left.text(2.2 * x + 0.75, top + y + 0.53, label, ha="center", va="center",
                          color=role("paper") if repeated else role("ink"))  # fmt: skip
            name = "picture" if x == 0 else f"layer {x}"
            left.text(2.2 * x + 0.75, -0.25, name, ha="center", va="bottom")
        left.set(xlim=(-0.1, 2.2 * len(rows) - 0.6), ylim=(most + 0.1, -1.1))
        left.axis("off")

        height, width = counts.shape
        twice = [(int(i), int(j)) for i, j in np.argwhere(counts > counts.min())]
        draw_matrix(right, counts, colour="output", number="{:g}×".format, highlight=twice)
        right.set(xlim=(-0.05, width + 1.1), ylim=(height + 0.05, -1.1))
        for row, name in marked_rows.items():
            label_line(right, width + 0.2, row + 0.53, name, "input")
        for column, name in marked_columns.items():
            label_line(right, column + 0.5, -0.25, name, "input", ha="center", va="bottom")

    return draw


def line_errors(errors: Mapping[str, Float[np.ndarray, "seeds n"]]) -> Drawing:
    """Change of the features against the place of a line; a dot for each draw of the weights."""

    def draw(figure: Figure) -> None:
        both = panels(figure, len(errors), len(errors), 1, sharey=True)
        for axes, (name, values) in zip(both, errors.items(), strict=True):
            axes.axhline(0, color=role("line"), linewidth=1)
            for place, column in enumerate(values.T):
                exact = column.max() < 1e-9
                if exact:  # all dots would lie on this line
                    axes.plot([place - 0.3, place + 0.3], [0, 0], color=role("output"), lw=3)
                else:
                    around = place + 0.3 * np.linspace(-1, 1, len(column))
                    dots(axes, around, column, "gradient", size=2.5)
                    axes.plot([place - 0.38, place + 0.38], [np.median(column)] * 2,
                              color=role("ink"), linewidth=1.5)  # fmt: skip
            axes.set_xticks(range(values.shape[1]))
            axes.set_xlabel(name)
            middle = (values.shape[1] - 1) / 2
            label_line(axes, middle, 0.1, "exact: 0", "output", ha="center")
        both[0].set_ylabel("relative change\nof the features")

    return draw


def moved_maps(
    columns: Mapping[str, tuple[Float[np.ndarray, "h w"], Float[np.ndarray, "h w"], str]],
) -> Drawing:
    """A picture and maps of it, above; the same after the picture has moved, below.

    Each column comes with a line of text for below; all but the first hold signed responses.
    """

    def draw(figure: Figure) -> None:
        grid = figure.subplots(2, len(columns))
        for n, (name, (before, after, result)) in enumerate(columns.items()):
            for axes, image in zip(grid[:, n], (before, after), strict=True):
                if n == 0:
                    draw_image(axes, image, low=float(image.min()), high=float(image.max()))
                else:
                    draw_image(axes, image, limit=float(np.abs(before).max()))
            grid[0, n].set_title(name)
            grid[1, n].set_xlabel(result)
        grid[0, 0].set_ylabel("as it was")
        grid[1, 0].set_ylabel("moved")

    return draw


def lost(
    variants: Sequence[str],
    maps: Float[np.ndarray, "variants seeds"],
    outputs: Float[np.ndarray, "variants seeds"],
) -> Drawing:
    """What each change to a network does, in rows; a dot for each seed, a bar at their mean."""
    results = {
        "last map": (maps, "relative change"),
        "outputs": (outputs, "in distances between\ntwo photographs"),
    }

    def draw(figure: Figure) -> None:
        both = panels(figure, len(results), len(results), len(results), sharey=True)
        for axes, (title, (values, unit)) in zip(both, results.items(), strict=True):
            axes.set_xlabel(unit)
            axes.axvline(0, color=role("line"), linewidth=1)
            for y, row in enumerate(values):
                colour = "output" if row.max() < 1e-9 else "gradient"
                around = y + 0.14 * np.linspace(-1, 1, len(row))
                dots(axes, row, around, colour, size=4)
                axes.plot([row.mean()] * 2, [y - 0.28, y + 0.28], color=role(colour), linewidth=2)
            axes.set_title(title)
            axes.set_yticks(range(len(variants)), variants)
            axes.set_xlim(-0.06, max(1.05, 1.08 * float(values.max())))
        both[0].set_ylim(len(variants) - 0.5, -0.5)

    return draw
