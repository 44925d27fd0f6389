"""The drawings of the first half of the chapter Gradients: the derivations and their checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import Rectangle

from convbook.drawings.cells import Matrix, draw_matrices
from convbook.plotting import Drawing, is_narrow, label_line, panels, role

if TYPE_CHECKING:
    from jaxtyping import Float
    from matplotlib.figure import Figure


def windows_of_weights(n: int, k: int) -> Drawing:
    """For every weight the pixels that it meets, with the place of the output that each serves."""
    m = n - k + 1

    def draw(figure: Figure) -> None:
        for (h, l), axes in zip(np.ndindex(k, k), panels(figure, k * k, k * k, 2), strict=True):
            for i, j in np.ndindex(n, n):
                inside = 0 <= i - h < m and 0 <= j - l < m
                axes.add_patch(
                    Rectangle((j, i), 1, 1, facecolor=role("gradient") if inside else "none",
                              edgecolor=role("input"), lw=1)
                )  # fmt: skip
                if inside:
                    axes.text(j + 0.5, i + 0.53, f"{i - h + 1},{j - l + 1}", ha="center",
                              va="center", color=role("paper"), size=9)  # fmt: skip
            axes.set(xlim=(-0.05, n + 0.05), ylim=(n + 0.05, -0.05), aspect="equal")
            axes.axis("off")
            axes.set_title(f"for $dw_{{{h + 1},{l + 1}}}$")

    return draw


def matrices(items: Sequence[Matrix], wide: int, narrow: int = 2) -> Drawing:
    """Matrices beside each other, their cells of one size."""

    def draw(figure: Figure) -> None:
        draw_matrices(figure, items, narrow if is_narrow(figure) else wide)

    return draw


def swapped(reads: Mapping[str, Sequence[int]], meets: Mapping[str, Sequence[int]]) -> Drawing:
    """Which pixels of a row every output reads, and below, which ones every weight meets."""
    pixels = 1 + max(max(places) for places in reads.values())

    def draw(figure: Figure) -> None:
        grid = figure.subplots(2, 1, height_ratios=[len(reads) + 0.6, len(meets) + 0.6])
        titles = ("what each output reads", "what each weight meets")
        for axes, rows, title, colour in zip(
            grid, (reads, meets), titles, ("output", "kernel"), strict=True
        ):
            for row, (name, places) in enumerate(rows.items()):
                axes.add_patch(Rectangle((0, row + 0.1), pixels, 0.8, facecolor="none",
                                         edgecolor=role("input"), lw=1))  # fmt: skip
                for pixel in range(1, pixels):
                    axes.plot([pixel] * 2, [row + 0.1, row + 0.9], color=role("line"), lw=0.8)
                axes.plot(np.array(places) + 0.5, [row + 0.5] * len(places), "o-", ms=7, lw=1.2,
                          color=role(colour))  # fmt: skip
                axes.text(-0.25, row + 0.5, f"${name[0]}_{name[1:]}$", ha="right", va="center",
                          color=role(colour))  # fmt: skip
            axes.set(xlim=(-1.2, pixels + 0.1), ylim=(len(rows) + 0.05, 0))
            axes.axis("off")
            axes.set_title(title)

    return draw


def step_errors(
    steps: Float[np.ndarray, " n"], errors: Mapping[str, Float[np.ndarray, " n"]]
) -> Drawing:
    """Relative error of a finite difference against its step, on logarithmic scales."""
    looks = {"one-sided": ("kernel", (3e-2, 1e-1)), "central": ("gradient", (2e-1, 4e-4))}

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for name, (colour, place) in looks.items():
            axes.loglog(steps, errors[name], "o-", ms=3.5, lw=1.4, color=role(colour))
            label_line(axes, *place, name, colour, ha="right" if name == "one-sided" else "left")
        low, high = min(e.min() for e in errors.values()), max(e.max() for e in errors.values())
        for x, text, align in ((steps.min(), "← rounding", "left"), (steps.max(), "truncation →",
                                                                    "right")):  # fmt: skip
            axes.text(x, low / 2, text, ha=align, va="center", color=role("muted"))
        axes.set(xlabel="step of the weight", ylim=(low / 8, 8 * high))
        axes.set_title("relative error of the gradient")

    return draw


def loss_along(
    rates: Float[np.ndarray, " n"],
    losses: Float[np.ndarray, " n"],
    tangent: Float[np.ndarray, " n"],
    best: tuple[float, float],
    first: float,
) -> Drawing:
    """The loss after one step against the learning rate, and what the gradient promises."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.axhline(first, color=role("line"), linewidth=1)
        axes.plot(rates, losses, color=role("output"))
        axes.plot(rates, tangent, color=role("gradient"), linestyle=(0, (4, 3)))
        axes.plot(*best, "o", color=role("output"))
        top = max(losses)
        label_line(axes, 1.03 * best[0], best[1] - 0.06 * top, "best step", "output", va="top")
        label_line(axes, 1.93 * best[0], 0.76 * first, "loss after\nthe step", "output", va="top")
        label_line(axes, 0.66 * best[0], -0.12 * top, "promised by\nthe gradient", "gradient",
                   ha="right")  # fmt: skip
        axes.text(best[0], first * 1.02, "loss before it", ha="center", va="bottom",
                  color=role("muted"))  # fmt: skip
        axes.set(xlabel="learning rate η", xlim=(0, rates[-1]), ylim=(-0.35 * top, 1.08 * top))
        axes.set_ylabel("loss")

    return draw
