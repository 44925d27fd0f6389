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
    label_line,
    panels,
    role,
)

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Picture(NamedTuple):
    """An image with the name to write above it; with a limit, it is a signed response."""

    name: str
    image: Float[np.ndarray, "h w"]
    limit: float | None = None
    high: float = 1.0


def pictures(items: Sequence[Picture], wide: int, narrow: int = 2) -> Drawing:
    """Images side by side."""

    def draw(figure: Figure) -> None:
        for axes, item in zip(panels(figure, len(items), wide, narrow), items, strict=True):
            draw_image(axes, item.image, item.name, limit=item.limit, high=item.high)

    return draw


def kernels_and_pictures(
    items: Sequence[Picture], kernels: Sequence[Float[np.ndarray, "k k"] | None]
) -> Drawing:
    """Images, each over the kernel that made it."""

    def draw(figure: Figure) -> None:
        columns = 2 if is_narrow(figure) else len(items)
        blocks = -(-len(items) // columns)
        grid = figure.subplots(2 * blocks, columns, height_ratios=[5, 3] * blocks, squeeze=False)
        for n, (item, kernel) in enumerate(zip(items, kernels, strict=True)):
            upper, lower = grid[2 * (n // columns) :, n % columns][:2]
            draw_image(upper, item.image, item.name, limit=item.limit, high=item.high)
            lower.axis("off")
            if kernel is not None:
                draw_matrix(lower, kernel, number=fraction)

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
        first, second, third, last = panels(figure, 4, 4, 2)
        draw_matrix(first, window, "window", colour="input", number="{:.2f}".format)
        draw_matrix(second, kernel, "× kernel", colour="kernel")
        draw_matrix(third, window * kernel, "= products", colour="output", number="{:.2f}".format)
        draw_matrix(last, np.array([[total]]), "their sum", colour="output", number="{:.2f}".format)
        last.set(xlim=first.get_xlim(), ylim=(2.05, -1.05))  # level with the middle row

    return draw


def moved(sizes: Sequence[int], measured: Sequence[float], computed: Sequence[float]) -> Drawing:
    """Displacement against kernel size: measured on a photograph, computed from the kernel."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.axhline(0, color=role("line"), linewidth=1)
        axes.plot(sizes, computed, "o", mfc="none", mew=1.5, ms=11, color=role("kernel"))
        axes.plot(sizes, measured, "o", ms=5, color=role("input"))
        label_line(axes, sizes[1] + 0.35, 0.1, "● measured on the photograph", "input")
        label_line(axes, sizes[1] + 0.35, 0.22, "○ from the kernel's centroid", "kernel")
        axes.set(xlabel="side of the averaging kernel (pixels)", ylim=(-0.68, 0.3), xticks=sizes)
        axes.set(ylabel="moved to the right\n(pixels)", yticks=[-0.5, -0.25, 0, 0.25])

    return draw


def stripes(
    strips: Mapping[str, Float[np.ndarray, "h w"]],
    frequencies: Float[np.ndarray, " n"],
    gains: Mapping[str, tuple[Float[np.ndarray, " n"], str, tuple[float, float]]],
    measured: tuple[Float[np.ndarray, " m"], Mapping[str, Sequence[float]]],
    mark: float,
) -> Drawing:
    """Strips of stripes that grow finer to the right, over gains on the same axis.

    ``gains`` holds for each name the curve, its colour, and the place of its name; ``mark`` is a
    frequency to draw a line at.
    """

    def draw(figure: Figure) -> None:
        heights = [1] * len(strips) + [4]
        grid = figure.subplots(len(strips) + 1, 1, height_ratios=heights, sharex=True)
        for axes, (name, strip) in zip(grid, strips.items(), strict=False):
            extent = (0, frequencies[-1], 1, 0)
            axes.imshow(
                strip,
                cmap="gray",
                vmin=0,
                vmax=1,
                extent=extent,
                aspect="auto",
                interpolation="none",
            )
            axes.axis("off")
            axes.set_title(name, pad=3)
            axes.axvline(mark, color=role("gradient"), linewidth=1.5, linestyle=(0, (3, 2)))
        axes = grid[-1]
        axes.axhline(0, color=role("line"), linewidth=1)
        axes.axvline(mark, color=role("gradient"), linewidth=1.5, linestyle=(0, (3, 2)))
        for name, (gain, colour, place) in gains.items():
            axes.plot(frequencies, gain, color=role(colour))
            axes.plot(measured[0], measured[1][name], "o", ms=5, color=role(colour))
            label_line(axes, *place, name, colour)
        axes.set(xlim=(0, frequencies[-1]), ylim=(-0.4, 1.05), ylabel="gain")
        axes.set_xlabel("frequency (stripes a pixel)")

    return draw


def slopes(
    columns: Float[np.ndarray, " n"],
    curves: Mapping[str, tuple[Float[np.ndarray, " n"], str]],
    edge: float,
) -> Drawing:
    """Brightness along a row and its derivatives, with the edge marked."""

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


def direction_errors(
    angles: Float[np.ndarray, " n"],
    errors: Mapping[str, tuple[Float[np.ndarray, " n"], str]],
    measured: tuple[Float[np.ndarray, " m"], Mapping[str, Float[np.ndarray, " m"]]],
) -> Drawing:
    """By how many degrees a pair of kernels misses the direction of a slope."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.axhline(0, color=role("line"), linewidth=1)
        for name, (error, colour) in errors.items():
            axes.plot(angles, error, color=role(colour))
            axes.plot(measured[0], measured[1][name], "o", ms=5, color=role(colour))
            lowest = int(np.argmax(np.abs(error[angles <= 45])))
            label_line(
                axes, angles[lowest], error[lowest] - 0.25, name, colour, ha="center", va="top"
            )
        axes.set(xlabel="true direction of the slope (degrees)", ylabel="error (degrees)")
        axes.set(xlim=(0, 90), xticks=range(0, 91, 15))
        axes.margins(y=0.2)

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


def marked(
    image: Float[np.ndarray, "h w"], masks: Mapping[str, Bool[np.ndarray, "h w"]]
) -> Drawing:
    """A photograph, and the pixels that each method marks, black on white."""
    items = [Picture(name, 1.0 - mask) for name, mask in masks.items()]
    return pictures([Picture("photograph", image), *items], 3, 2)


def gains(items: Mapping[str, Float[np.ndarray, "n n"]]) -> Drawing:
    """Two-dimensional gains: the frequency 0 in the middle, black for 0, white for the most."""

    def draw(figure: Figure) -> None:
        axes_list = panels(figure, len(items), 6, 3)
        for axes, (name, gain) in zip(axes_list, items.items(), strict=True):
            draw_image(axes, gain / gain.max(), name)

    return draw


def curves(
    x: Float[np.ndarray, " n"],
    lines: Mapping[str, tuple[Float[np.ndarray, " n"], str, str]],
    labels: Mapping[str, tuple[float, float]],
    **axis: str,
) -> Drawing:
    """Lines of a given colour and dash pattern, each with its name at a given place."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for name, (y, colour, dash) in lines.items():
            axes.plot(x, y, dash, color=role(colour))
            label_line(axes, *labels[name], name, colour)
        axes.set(xlim=(x[0], x[-1]), ylim=(0, 1.08), **axis)

    return draw


def corners(
    padded: Mapping[str, Float[np.ndarray, "h w"]],
    blurred: Mapping[str, Float[np.ndarray, "h w"]],
    margin: int,
) -> Drawing:
    """The corner of a picture with what each padding adds, over what a blur makes of it."""

    def draw(figure: Figure) -> None:
        columns = 2 if is_narrow(figure) else len(padded)
        blocks = -(-len(padded) // columns)
        grid = figure.subplots(2 * blocks, columns, squeeze=False)
        for n, name in enumerate(padded):
            upper, lower = grid[2 * (n // columns) :, n % columns][:2]
            draw_image(upper, padded[name], name)
            if n % columns == 0:
                upper.set_ylabel("padded")
                lower.set_ylabel("averaged")
            _frame(upper, margin - 0.5, padded[name].shape)
            draw_image(lower, blurred[name])

    return draw


def _frame(axes: Axes, start: float, shape: tuple[int, ...]) -> None:
    """The edge of the picture inside its padding, seen from its top left corner."""
    height, width = shape
    axes.plot(
        [start, start, width - 0.5], [height - 0.5, start, start], color=role("kernel"), lw=1.5
    )


def template(
    image: Float[np.ndarray, "h w"],
    size: tuple[int, int],
    finds: Mapping[str, tuple[int, int]],
    maps: Sequence[tuple[Picture, tuple[int, int]]],
) -> Drawing:
    """A picture with frames where a template was found, and maps with rings at their peaks."""

    def draw(figure: Figure) -> None:
        first, *rest = panels(figure, 1 + len(maps), 1 + len(maps))
        draw_image(first, image, "searched picture")
        height, width = size
        for name, (row, column) in finds.items():
            for colour, thickness in (("paper", 3.0), ("kernel", 1.5)):
                first.add_patch(
                    Rectangle(
                        (column, row), width, height, fill=False, lw=thickness, ec=role(colour)
                    )
                )
            label = {"facecolor": role("paper"), "edgecolor": "none", "pad": 1.5}
            first.text(column, row - 6, name, color=role("ink"), bbox=label)
        for axes, (item, (row, column)) in zip(rest, maps, strict=True):
            draw_image(axes, item.image, item.name, limit=item.limit, high=item.high)
            for colour, thickness in (("paper", 3.0), ("kernel", 1.5)):
                axes.plot(column, row, "o", mfc="none", ms=10, mew=thickness, mec=role(colour))
            # Each value in the middle of its window, so that a map lines up with the picture.
            axes.set_xlim(-width / 2, image.shape[1] - width / 2)
            axes.set_ylim(image.shape[0] - height / 2, -height / 2)

    return draw
