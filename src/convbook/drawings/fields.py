"""Drawings of receptive fields: what one output sees, and what of that counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import Rectangle

from convbook.drawings.cells import draw_grid, fill_cells
from convbook.plotting import Drawing, draw_image, is_narrow, label_line, panels, role

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
    from matplotlib.figure import Figure


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
            axes.text(width + 8, y, f"{name}: {side} pixels", va="center", color=role("kernel"))
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
            height, width = seen.shape
            fill_cells(axes, seen, "input")
            draw_grid(axes, height, width)
            text = f"{seen.sum()} of {seen.size}"
            axes.text(width / 2, height + 0.5, text, ha="center", va="top")
            half = largest / 2 + 0.2
            axes.set(xlim=(width / 2 - half, width / 2 + half), aspect="equal")
            axes.set(ylim=(height / 2 + half, height / 2 - half))
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
