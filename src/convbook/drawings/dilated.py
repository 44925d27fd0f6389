"""The drawings about dilation: gaps, reach, gridding, cost, rooms, and three ways to compute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.ticker import NullLocator, StrMethodFormatter

from convbook.drawings.cells import Matrix, draw_grid, draw_matrices, fill_cells
from convbook.drawings.dots import dots
from convbook.plotting import (
    Drawing,
    draw_image,
    is_narrow,
    is_slide,
    label_line,
    log_scale,
    panels,
    role,
)

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Label = tuple[str, str, float, float]  # a line's name, colour, and where the name stands


def with_gaps(
    picture: Float[np.ndarray, "h w"],
    read: Sequence[tuple[int, int]],
    kernel: Float[np.ndarray, "kh kw"],
    output: Float[np.ndarray, "a b"],
) -> Drawing:
    """A picture, the pixels of it that are read, the kernel over it, and the result."""

    def draw(figure: Figure) -> None:
        weights = [(int(i), int(j)) for i, j in np.argwhere(kernel != 0)]
        items = [
            Matrix("M", picture, "input", read, "∗"),
            Matrix("k with its gaps", kernel, "kernel", weights, "="),
            Matrix("result", output, "output"),
        ]
        draw_matrices(figure, items, columns=3)

    return draw


def reach(
    layers: Sequence[int], sides: Mapping[str, Sequence[int]], labels: Sequence[Label]
) -> Drawing:
    """Side of the receptive field against the number of layers, on a logarithmic scale."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for (name, colour, x, y), values in zip(labels, sides.values(), strict=True):
            axes.plot(layers, values, "o-", ms=4, color=role(colour))
            label_line(axes, x, y, name, colour, ha="right" if x < layers[-1] else "left")
        log_scale(axes, [3, 10, 30, 100, 300, 1000])
        axes.set(xlabel="layers", ylabel="side of the field (pixels)")
        axes.set_xticks(layers)

    return draw


def paths(maps: Mapping[str, Float[np.ndarray, "h w"]]) -> Drawing:
    """How many paths lead from each pixel to one output: the more, the darker; none, empty."""

    def draw(figure: Figure) -> None:
        most = max(float(counts.max()) for counts in maps.values())
        for axes, (title, counts) in zip(
            panels(figure, len(maps), len(maps), 1), maps.items(), strict=True
        ):
            height, width = counts.shape
            for count in np.unique(counts[counts > 0]):  # by the logarithm: few are still some
                shade = 0.2 + 0.8 * float(np.log(count) / np.log(most))
                fill_cells(axes, counts == count, "input", alpha=shade)
            draw_grid(axes, height, width)
            middle = (height // 2, width // 2)
            axes.add_patch(
                Rectangle(middle[::-1], 1, 1, fill=False, ec=role("ink"), lw=1.8, zorder=3)
            )
            axes.set(xlim=(-0.1, width + 0.1), ylim=(height + 0.1, -0.1), aspect="equal")
            axes.axis("off")
            axes.set_title(title)

    return draw


def costs(table: Mapping[str, Mapping[str, float]]) -> Drawing:
    """Costs of several networks, on logarithmic scales: a panel for each, its least marked."""

    def draw(figure: Figure) -> None:
        each = panels(figure, len(table), len(table), 1, sharey=not is_narrow(figure))
        for axes, (title, values) in zip(each, table.items(), strict=True):
            least = min(values.values())
            for y, value in enumerate(values.values()):
                colour = role("kernel" if value == least else "muted")
                axes.plot([least / 3, value], [y, y], color=role("line"), linewidth=2, zorder=1)
                axes.plot(value, y, "o", ms=7, color=colour)
                axes.text(value, y - 0.2, _short(value), ha="center", va="bottom", color=colour)
            axes.set_xscale("log")
            axes.set_xlim(least / 3, 4 * max(values.values()))
            axes.set_yticks(range(len(values)), list(values))
            axes.set_ylim(len(values) - 0.5, -0.8)
            axes.xaxis.set_minor_locator(NullLocator())
            axes.set_title(title)
            axes.tick_params(axis="x", labelbottom=False, length=0)
            axes.spines["bottom"].set_visible(False)

    return draw


def _short(value: float) -> str:
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:g}"


def rooms(
    image: Float[np.ndarray, "h w"],
    inside: Bool[np.ndarray, "h w"],
    found: Mapping[str, Bool[np.ndarray, "h w"]],
    overlaps: Mapping[str, float],
) -> Drawing:
    """A drawing, its labels, and what networks found: right pixels green, mistakes purple.

    The overlap of each network's labels with the room stands below them.
    """

    def draw(figure: Figure) -> None:
        if is_slide(figure):  # two small ones above each other, then what was found, large
            grid = figure.add_gridspec(2, 1 + len(found), width_ratios=[0.62] + [1] * len(found))
            each = [figure.add_subplot(grid[row, 0]) for row in range(2)]
            each += [figure.add_subplot(grid[:, 1 + n]) for n in range(len(found))]
        else:
            each = panels(figure, 2 + len(found), 2 + len(found), 2)
        draw_image(each[0], 1 - image, "drawing", low=-0.3, high=1.3)
        _cells(each[1], {"output": inside}, "inside")
        for axes, (name, pixels) in zip(each[2:], found.items(), strict=True):
            marks = {"output": pixels & inside, "gradient": pixels != inside}
            _cells(axes, marks, name)
            axes.set_xlabel(f"overlap {overlaps[name]:.2f}")
        if is_slide(figure):
            for y, text, colour in (
                (-0.23, "rightly called inside", "output"),
                (-0.35, "wrong: missed, or called inside in vain", "gradient"),
            ):
                each[2].text(0, y, text, color=role(colour), transform=each[2].transAxes,
                             in_layout=False)  # fmt: skip

    return draw


def _cells(axes: Axes, marks: Mapping[str, Bool[np.ndarray, "h w"]], title: str) -> None:
    """Sets of pixels in the colours of roles."""
    for colour, pixels in marks.items():
        height, width = pixels.shape
        fill_cells(axes, pixels, colour)
    axes.set(xlim=(0, width), ylim=(height, 0), aspect="equal", xticks=[], yticks=[], title=title)
    for spine in axes.spines.values():
        spine.set(visible=True, color=role("line"), linewidth=0.8)


def room_results(
    scores: Mapping[str, Float[np.ndarray, " seeds"]],
    at_depth: Mapping[str, Float[np.ndarray, "seeds depths"]],
    colours: Mapping[str, str],
    places: Mapping[str, tuple[float, float]],
) -> Drawing:
    """Scores of networks, a dot for each seed; and the share found against the depth.

    Bands hold the middle half of the seeds. ``places`` says where the name of each stands.
    """

    def draw(figure: Figure) -> None:
        left, right = panels(figure, 2, 2, 1)
        for y, (name, values) in enumerate(scores.items()):
            around = y + 0.12 * np.linspace(-1, 1, len(values))
            dots(left, values, around, colours[name], size=4)
            left.plot([np.median(values)] * 2, [y - 0.28, y + 0.28], color=role(colours[name]))
        left.set_yticks(range(len(scores)), list(scores))
        left.set(xlim=(-0.02, 1), ylim=(len(scores) - 0.5, -0.5))
        left.set_title("overlap with the room")
        left.grid(axis="x", linewidth=0.8)
        for name, values in at_depth.items():
            depths = np.arange(1, values.shape[1] + 1)
            low, middle, high = np.quantile(values, [0.25, 0.5, 0.75], axis=0)
            right.fill_between(depths, low, high, color=role(colours[name]), alpha=0.22, lw=0)
            right.plot(depths, middle, "o-", ms=3.5, color=role(colours[name]), clip_on=False)
            label_line(right, *places[name], name, colours[name], ha="center")
        right.set(xlabel="distance from the nearest wall (pixels)", ylim=(0, 1.05))
        right.set_xticks(depths)
        right.set_title("share of the pixels found")

    return draw


def operations(
    kernels: Int[np.ndarray, " n"],
    direct: Mapping[int, Float[np.ndarray, " n"]],
    transforms: Mapping[int, float],
    crossings: Mapping[int, int],
) -> Drawing:
    """Operations against the kernel's side, for each number of channels: a panel."""

    def draw(figure: Figure) -> None:
        each = panels(figure, len(direct), len(direct), 1)
        for axes, (channels, counts) in zip(each, direct.items(), strict=True):
            axes.plot(kernels, counts / 1e6, color=role("kernel"))
            axes.axhline(transforms[channels] / 1e6, color=role("output"), linewidth=2)
            crossing = crossings[channels]
            axes.axvline(crossing, color=role("line"), linewidth=1, zorder=0)
            axes.text(crossing + 0.5, counts[0] / 1e6, f"from {crossing}×{crossing} on")
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
            axes.yaxis.set_minor_locator(NullLocator())
            label_line(axes, kernels[-1], counts[-1] / 1e6 * 0.45, "loops, matrix", "kernel",
                       ha="right", va="top")  # fmt: skip
            label_line(axes, kernels[-1], transforms[channels] / 1e6 * 0.8, "FFT", "output",
                       ha="right", va="top")  # fmt: skip
            ending = "" if channels == 1 else "s"
            axes.set_title(f"{channels} channel{ending}, {channels} filter{ending}")
            axes.set_xlabel("side of the kernel")
        each[0].set_ylabel("million operations")

    return draw
