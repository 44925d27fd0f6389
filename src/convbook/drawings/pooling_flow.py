"""The drawings of Gradients about pooling: where gradients go, and what each kind lets through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from convbook.drawings.gradient_flow import Runs, band
from convbook.plotting import (
    Drawing,
    draw_image,
    draw_matrix,
    label_line,
    log_scale,
    name_below,
    panels,
    role,
    ticks,
)

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
    from matplotlib.figure import Figure

COLOURS = {"max": "kernel", "average": "output"}


def pool_paths(
    photograph: Float[np.ndarray, "h w"],
    by_max: Bool[np.ndarray, "h w"],
    blocks: int,
    titles: tuple[str, str],
) -> Drawing:
    """A photograph with the pixels that a gradient reaches: a few, or all alike."""

    def draw(figure: Figure) -> None:
        both = panels(figure, 2, 2, 1)
        for axes, title in zip(both, titles, strict=True):
            low, high = float(photograph.min()), float(photograph.max())
            draw_image(axes, photograph, title, low=low, high=high)
            for n in range(0, len(photograph) + 1, blocks):
                axes.plot([n - 0.5] * 2, [-0.5, len(photograph) - 0.5], color=role("line"), lw=0.6)
                axes.plot([-0.5, len(photograph) - 0.5], [n - 0.5] * 2, color=role("line"), lw=0.6)
        rows, columns = np.nonzero(by_max)
        both[0].plot(columns, rows, "s", ms=4, color=role("gradient"), mec=role("paper"), mew=0.5)
        both[1].fill_between(
            [-0.5, len(photograph) - 0.5], -0.5, len(photograph) - 0.5,
            color=role("gradient"), alpha=0.35, linewidth=0,
        )  # fmt: skip

    return draw


def pool_norms(
    depths: Sequence[int],
    shares: Mapping[str, Float[np.ndarray, " n"]],
    norms: Mapping[str, Float[np.ndarray, " n"]],
) -> Drawing:
    """Of stacked poolings: the share of pixels that a gradient reaches, and its length."""

    def draw(figure: Figure) -> None:
        both = panels(figure, 2, 2, 1)
        titles = ("share of pixels reached", "length of the gradient")
        for axes, title, lines in zip(both, titles, (shares, norms), strict=True):
            for name, values in lines.items():
                axes.plot(depths, values, "o-", color=role(COLOURS[name]), ms=4, clip_on=False)
                falling = values[-1] < values[0]
                label_line(axes, depths[2], values[2] * (1.5 if not falling else 1.25), name,
                           COLOURS[name], ha="left", va="bottom")  # fmt: skip
            parts = 4 ** np.arange(len(depths)) if axes is both[0] else 2 ** np.arange(len(depths))
            log_scale(axes, (1 / parts).tolist())
            axes.set_yticklabels(["1", *(f"1/{part}" for part in parts[1:])])
            axes.set_xticks(depths)
            axes.margins(y=0.2)
            axes.set_title(title)
        name_below(figure, both, "2×2 poolings")

    return draw


def overlap(
    x: Float[np.ndarray, "h w"],
    by_max: Float[np.ndarray, "h w"],
    by_average: Float[np.ndarray, "h w"],
    titles: Sequence[str],
) -> Drawing:
    """An image, and its gradient through two kinds of pooling whose windows overlap."""

    def draw(figure: Figure) -> None:
        three = panels(figure, 3, 3, 2)
        looks = ((x, "input"), (by_max, "gradient"), (by_average, "gradient"))
        for axes, title, (values, colour) in zip(three, titles, looks, strict=True):
            most = [(int(i), int(j)) for i, j in np.argwhere(values == values.max())]
            draw_matrix(axes, values, title, colour=colour, highlight=most)

    return draw


def evidence(
    marks: Sequence[int],
    detected: Runs,
    counted: Runs,
    counts: Sequence[int],
) -> Drawing:
    """How well each pooling detects spread evidence, and how it counts; bands of 95 %."""

    def draw(figure: Figure) -> None:
        first, second = panels(figure, 2, 2, 1)
        for name, runs in detected.items():
            band(first, marks, runs, COLOURS[name])
            end = 0 if name == "max" else -1
            label_line(first, marks[end], runs.mean(axis=0)[end] + 0.015, name, COLOURS[name],
                       ha="left" if end == 0 else "right", va="bottom")  # fmt: skip
        first.set_xscale("log", base=2)
        ticks(first, marks)
        first.set_xlabel("places that carry the mark, of 64")
        first.set_title("told from noise (probability)")
        first.set_ylim(None, 1.06)
        second.plot(counts, counts, color=role("muted"), linewidth=1, zorder=0)
        label_line(second, counts[-2], counts[-2] + 0.3, "exact", "muted", ha="right", va="bottom")
        for name, runs in counted.items():
            band(second, counts, runs, COLOURS[name])
        label_line(second, counts[4], counts[4] - 1.5, "average", COLOURS["average"])
        label_line(second, counts[1], counts[4], "max", COLOURS["max"], ha="center")
        second.set_xticks(counts)
        second.set_xlabel("marks there are")
        second.set_title("marks read off")

    return draw
