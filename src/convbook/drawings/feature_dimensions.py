"""The drawings of Feature dimensions, first half: each function makes one for `publish.figure`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.patches import Polygon, Rectangle

from convbook.plotting import Drawing, draw_image, is_narrow, label_line, panels, role

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
    """Activations as boxes, one unit an entry; flat ones in columns of the given height."""
    depth = 0.5  # of a channel, to the right and upwards
    gap, half = 13.0, column / 2

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
        cuts = [0, 4, len(layers)] if is_narrow(figure) else [0, len(layers)]
        grid = figure.subplots(len(cuts) - 1, 1, squeeze=False)
        for axes, start, end in zip(grid[:, 0], cuts[:-1], cuts[1:], strict=True):
            x = 0.0
            for layer in layers[start:end]:
                width = box(axes, x, layer.shape)
                middle = x + max(width, 8) / 2
                axes.text(middle, -half - 3, f"{layer.name}\n{layer.label}", ha="center", va="top")
                x += max(width, 8) + gap
            end_of_row = max(x - gap + 4, 118) if is_narrow(figure) else x - gap + 4
            axes.set(xlim=(-5, end_of_row), ylim=(-half - 15, half + 6), aspect="equal")
            axes.axis("off")

    return draw


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
            axes.add_patch(Rectangle((0, 0), width, height, fc=role("input"), alpha=FADED, lw=0))
            for row, column in np.argwhere(~read):
                axes.add_patch(Rectangle((column, row), 1, 1, fc=role("muted"), lw=0))
            for n in range(max(read.shape) + 1):
                axes.plot([0, width], [min(n, height)] * 2, color=role("paper"), lw=0.7)
                axes.plot([min(n, width)] * 2, [0, height], color=role("paper"), lw=0.7)
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


def nested(
    image: Float[np.ndarray, "h w"], centre: tuple[float, float], sides: Mapping[str, int]
) -> Drawing:
    """Windows around one place of a picture, each with its name and its side beside the picture."""
    height, width = image.shape

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        draw_image(axes, image)
        room = width * (0.5 if is_narrow(figure) else 0.42)
        rows = np.linspace(0.06, 0.94, len(sides)) * height
        for (name, side), y in zip(reversed(list(sides.items())), rows, strict=True):
            top, left = centre[0] - side / 2, centre[1] - side / 2
            for colour, line in (("paper", 3.2), ("kernel", 1.6)):
                axes.add_patch(
                    Rectangle((left, top), side, side, fill=False, ec=role(colour), lw=line)
                )
            at = (left + side, min(max(y, top), top + side))
            for colour, line in (("paper", 2.4), ("kernel", 1.0)):
                axes.plot([at[0], width + 4], [at[1], y], color=role(colour), lw=line,
                          zorder=2 if colour == "paper" else 3)  # fmt: skip
            axes.text(width + 8, y, f"{name}: {side}", va="center", color=role("kernel"))
        axes.set(xlim=(-2, width + room), ylim=(height + 1, -2))
        for spine in axes.spines.values():
            spine.set_visible(False)

    return draw


def growth(layers: Sequence[int], curves: Mapping[str, Sequence[int]]) -> Drawing:
    """Receptive fields against depth; each curve's name stands at its end."""
    colours = dict(zip(curves, ("input", "output", "kernel"), strict=True))

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for name, sides in curves.items():
            axes.plot(layers, sides, "o-", ms=4, color=role(colours[name]))
            label_line(axes, layers[-1] + (0.5 if is_narrow(figure) else 0.2), sides[-1], name,
                       colours[name])  # fmt: skip
        axes.set_yscale("log", base=2)
        ticks = [1, 4, 16, 64, 256]
        axes.set_yticks(ticks, [str(tick) for tick in ticks])
        axes.set_xticks(layers)
        axes.set(xlabel="convolutions", ylabel="receptive field (pixels)")
        axes.set(xlim=(-0.2, layers[-1] * (1.72 if is_narrow(figure) else 1.3)), ylim=(0.8, 900))
        axes.spines["bottom"].set_bounds(layers[0], layers[-1])

    return draw


def holes(stacks: Mapping[str, Bool[np.ndarray, "h w"]]) -> Drawing:
    """The pixels that one output sees (filled) in the window around them, on one scale."""
    largest = max(max(seen.shape) for seen in stacks.values())

    def draw(figure: Figure) -> None:
        for axes, (name, seen) in zip(
            panels(figure, len(stacks), 3, 3), stacks.items(), strict=True
        ):
            for (row, column), is_seen in np.ndenumerate(seen):
                place = column - seen.shape[1] / 2, row - seen.shape[0] / 2
                axes.add_patch(
                    Rectangle(place, 1, 1, fc=role("input") if is_seen else "none",
                              ec=role("paper") if is_seen else role("line"), lw=0.6)
                )  # fmt: skip
            half = largest / 2 + 0.2
            axes.set(xlim=(-half, half), ylim=(half, -half), aspect="equal")
            axes.axis("off")
            axes.set_title(name, loc="center")

    return draw


def effective(
    energy: Float[np.ndarray, "n n"],
    sides: Mapping[str, int],
    depths: Sequence[int],
    whole: Sequence[int],
    measured: Float[np.ndarray, "seeds depths"],
    predicted: Sequence[float],
) -> Drawing:
    """An energy map with two windows, and both windows' sides against depth, over seeds."""

    def draw(figure: Figure) -> None:
        if is_narrow(figure):
            left, right = figure.subplots(2, 1, height_ratios=[1, 1.1])
        else:
            left, right = figure.subplots(1, 2, width_ratios=[1, 1.5])
        draw_image(left, np.sqrt(energy / energy.max()))
        middle = (len(energy) - 1) / 2
        for (name, side), colour in zip(sides.items(), ("input", "kernel"), strict=True):
            corner = middle - side / 2
            left.add_patch(
                Rectangle((corner, corner), side, side, fill=False, ec=role("paper"), lw=3.2)
            )
            left.add_patch(
                Rectangle((corner, corner), side, side, fill=False, ec=role(colour), lw=1.8)
            )
            # The name of the whole window stands inside it, that of the other above it.
            y = corner + side - 1.2 if side == len(energy) else corner - 1.2
            label = {"facecolor": role("paper"), "edgecolor": "none", "pad": 1.5}
            left.text(middle, y, name, color=role(colour), ha="center", va="bottom", bbox=label)
        right.plot(depths, whole, "o-", ms=4, color=role("input"))
        right.plot(depths, predicted, color=role("muted"), lw=1, ls=(0, (4, 3)))
        mean, spread = measured.mean(0), measured.std(0, ddof=1)
        right.errorbar(depths, mean, spread, fmt="o-", ms=4, color=role("kernel"), capsize=3)
        right.set_xscale("log", base=2)
        right.set_yscale("log", base=2)
        right.set_xticks(depths, [str(depth) for depth in depths])
        ticks = [8, 16, 32, 64]
        right.set_yticks(ticks, [str(tick) for tick in ticks])
        right.minorticks_off()
        right.set(xlabel="convolutions of 3×3", ylabel="side (pixels)")
        label_line(
            right, depths[-2] * 0.9, whole[-2] * 1.2, "all that is seen", "input", ha="right"
        )
        label_line(right, depths[-2], mean[-2] * 0.68, "95 % of the influence", "kernel", va="top",
                   ha="center")  # fmt: skip

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
