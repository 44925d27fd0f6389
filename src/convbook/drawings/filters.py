"""The drawings of the chapter Filters. Each function returns a drawing for `publish.figure`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.patches import Rectangle

from convbook.plotting import (
    Drawing,
    draw_image,
    draw_matrix,
    is_narrow,
    is_slide,
    label_line,
    panels,
    role,
)

if TYPE_CHECKING:
    from jaxtyping import Float
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Picture(NamedTuple):
    """An image with the name to write above it; with a limit, it is a signed response."""

    name: str
    image: Float[np.ndarray, "h w"]
    limit: float | None = None
    high: float = 1.0
    result: str = ""  # to write below it


def pictures(
    items: Sequence[Picture],
    wide: int,
    narrow: int = 2,
    slide: str = "",
    window: tuple[slice, slice] | None = None,
) -> Drawing:
    """Images side by side.

    ``slide`` arranges them on a slide: rows of letters, a for the first image, as
    `Figure.subplot_mosaic` takes them. A slide shows the ``window`` of each image alone.
    """

    def draw(figure: Figure) -> None:
        arranged = bool(slide) and is_slide(figure)
        each = _mosaic(figure, slide) if arranged else panels(figure, len(items), wide, narrow)
        for axes, item in zip(each, items, strict=True):
            cut = item.image[window] if window and is_slide(figure) else item.image
            draw_image(axes, cut, item.name, limit=item.limit, high=item.high)
            if arranged:
                axes.set_title(item.result, loc="right")
            else:
                axes.set_xlabel(item.result)

    return draw


def _mosaic(figure: Figure, rows: str) -> list[Axes]:
    """Axes in the order of their letters; what is lower than its place stands at its top."""
    each = [axes for _, axes in sorted(figure.subplot_mosaic(rows).items())]
    for axes in each:
        axes.set_anchor("N")
    return each


def kernels_and_pictures(
    photograph: Float[np.ndarray, "h w"],
    kernels: Mapping[str, Float[np.ndarray, "k k"]],
    outputs: Mapping[str, Float[np.ndarray, "h w"]],
) -> Drawing:
    """A photograph and its filtered copies, each over its kernel; a sum of 0 makes a signed one."""

    def draw(figure: Figure) -> None:
        columns = 2 if is_narrow(figure) else 1 + len(kernels)
        blocks = -(-(1 + len(kernels)) // columns)
        grid = figure.subplots(2 * blocks, columns, height_ratios=[5, 3] * blocks, squeeze=False)
        for axes in grid[1::2].flat:
            axes.axis("off")
        draw_image(grid[0, 0], photograph, "photograph")
        for n, (name, kernel) in enumerate(kernels.items(), start=1):
            upper, lower = grid[2 * (n // columns) :, n % columns][:2]
            limit = 1.0 if abs(kernel.sum()) < 1e-9 else None
            draw_image(upper, outputs[name], name, limit=limit)
            draw_matrix(lower, kernel, f"sum {fraction(kernel.sum())}", number=fraction)

    return draw


def fraction(value: float) -> str:
    """A weight as one would write it by hand: 1/9, −1, ½ as 1/2."""
    for bottom in range(1, 10):
        top = round(value * bottom)
        if abs(value * bottom - top) < 1e-9:
            return f"{top}" if bottom == 1 else f"{top}/{bottom}"
    return f"{value:.2f}"


def one_pixel(
    window: Float[np.ndarray, "k k"], kernel: Float[np.ndarray, "k k"], total: float
) -> Drawing:
    """A window times a kernel, entry by entry, and the sum."""

    def draw(figure: Figure) -> None:
        narrow = is_narrow(figure)
        shares = None if narrow else [3.1, 3.1, 3.1, 1.1]  # of cells, with their lines
        first, second, third, last = panels(figure, 4, 4, 2, width_ratios=shares)
        draw_matrix(first, window, "window", colour="input", number="{:.2f}".format)
        draw_matrix(second, kernel, "× kernel", colour="kernel")
        draw_matrix(third, window * kernel, "= products", colour="output", number="{:.2f}".format)
        draw_matrix(last, np.array([[total]]), "their sum", colour="output", number="{:.2f}".format)
        last.set_ylim(2.05, -1.05)  # level with the middle row
        if narrow:
            last.set_xlim(first.get_xlim())

    return draw


def moved(sizes: Sequence[int], measured: Sequence[float], computed: Sequence[float]) -> Drawing:
    """Displacement against kernel size: measured on a photograph, computed from the kernel."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.axhline(0, color=role("line"), linewidth=1)
        axes.plot(sizes, computed, "o", mfc="none", mew=1.5, ms=11, color=role("kernel"))
        axes.plot(sizes, measured, "o", ms=5, color=role("input"))
        label_line(axes, sizes[1] + 0.35, 0.1, "● measured on the photograph", "input")
        label_line(axes, sizes[1] + 0.35, 0.22, "○ from the kernel’s centroid", "kernel")
        axes.set(xlabel="side of the averaging kernel (pixels)", ylim=(-0.68, 0.3), xticks=sizes)
        axes.set(ylabel="moved to the right\n(pixels)", yticks=[-0.5, -0.25, 0, 0.25])

    return draw


def slopes(
    columns: Float[np.ndarray, " n"],
    brightness: Float[np.ndarray, " n"],
    first: Float[np.ndarray, " n"],
    second: Float[np.ndarray, " n"],
    edge: float,
) -> Drawing:
    """Brightness along a row and its two derivatives, with the edge marked."""
    curves = {
        "brightness": (brightness, "input"),
        "first derivative": (first, "kernel"),
        "second derivative": (second, "gradient"),
    }

    def draw(figure: Figure) -> None:
        grid = figure.subplots(len(curves), 1, sharex=True)
        for axes, (name, (values, colour)) in zip(grid, curves.items(), strict=True):
            axes.axhline(0, color=role("line"), linewidth=1)
            axes.axvline(edge, color=role("muted"), linewidth=1, linestyle=(0, (3, 3)))
            axes.plot(columns, values, color=role(colour))
            axes.set_title(name, color=role(colour))
            axes.margins(x=0, y=0.12)
            axes.locator_params(axis="y", nbins=3)
        grid[-1].set_xlabel("column (pixels)")

    return draw


def arrows(
    image: Float[np.ndarray, "h w"],
    strength: Float[np.ndarray, "h w"],
    places: Float[np.ndarray, "n 2"],
    steps: Float[np.ndarray, "n 2"],
) -> Drawing:
    """A photograph with its gradient as arrows (down, right), beside the gradient's strength."""

    def draw(figure: Figure) -> None:
        left, right = panels(figure, 2, 2, 2)
        draw_image(left, image, "gradient")
        left.quiver(places[:, 1], places[:, 0], steps[:, 1], steps[:, 0], color=role("kernel"),
                    angles="xy", scale_units="xy", scale=1, width=0.01)  # fmt: skip
        draw_image(right, strength, "its length", high=float(strength.max()))

    return draw


def corners(
    padded: Mapping[str, Float[np.ndarray, "h w"]],
    averaged: Mapping[str, Float[np.ndarray, "h w"]],
    margin: int,
    shown: int,
) -> Drawing:
    """A picture's corner, framed, and what each padding adds, over what an average makes of it."""

    results = {name: image[: shown - margin, : shown - margin] for name, image in averaged.items()}
    low, high = (float(end(list(results.values()))) for end in (np.min, np.max))

    def draw(figure: Figure) -> None:
        columns = 2 if is_narrow(figure) else len(padded)
        blocks = -(-len(padded) // columns)
        grid = figure.subplots(2 * blocks, columns, squeeze=False)
        for n, name in enumerate(padded):
            upper, lower = grid[2 * (n // columns) :, n % columns][:2]
            draw_image(upper, padded[name][:shown, :shown], name)
            start, end = margin - 0.5, shown - 0.5
            upper.plot([start, start, end], [end, start, start], color=role("kernel"), lw=1.5)
            draw_image(lower, results[name], low=low, high=high)
            if n % columns == 0:
                upper.set_ylabel("padded")
                lower.set_ylabel("averaged")

    return draw


def template(
    image: Float[np.ndarray, "h w"],
    size: tuple[int, int],
    finds: Mapping[str, tuple[int, int]],
    maps: Mapping[str, tuple[Float[np.ndarray, "a b"], tuple[int, int]]],
) -> Drawing:
    """A picture with frames where a template was found, and maps with rings at their peaks.

    A map of coefficients, from −1 to 1, is shown as a signed one.
    """
    height, width = size
    outlines = (("paper", 3.0), ("kernel", 1.5))

    def draw(figure: Figure) -> None:
        count = 1 + len(maps)
        if is_slide(figure):  # the picture large, the maps one below the other beside it
            beside = "bcdefg"[: len(maps)]
            first, *rest = _mosaic(figure, ";".join(f"aa{letter}" for letter in beside))
        else:
            first, *rest = panels(figure, count, count)
        draw_image(first, image, "searched picture")
        for name, (row, column) in finds.items():
            for colour, line in outlines:
                frame = Rectangle(
                    (column, row), width, height, fill=False, lw=line, ec=role(colour)
                )
                first.add_patch(frame)
            label = {"facecolor": role("paper"), "edgecolor": "none", "pad": 1.5}
            first.text(column, row - 6, name, color=role("ink"), bbox=label)
        for axes, (name, (scores, (row, column))) in zip(rest, maps.items(), strict=True):
            signed = scores.min() < 0
            draw_image(axes, scores, name, limit=1.0 if signed else None,
                       low=float(scores.min()), high=float(scores.max()))  # fmt: skip
            for colour, line in outlines:
                axes.plot(column, row, "o", mfc="none", ms=10, mew=line, mec=role(colour))
            # Each value in the middle of its window, so that a map lines up with the picture.
            axes.set_xlim(-width / 2, image.shape[1] - width / 2)
            axes.set_ylim(image.shape[0] - height / 2, -height / 2)

    return draw
