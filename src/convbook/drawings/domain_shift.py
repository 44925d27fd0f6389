"""The drawings about bands in an unseen half: who lit which pixel, votes, mistakes, and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import Rectangle

from convbook.intervals import mean_interval
from convbook.plotting import Drawing, draw_image, is_narrow, label_line, panels, role

if TYPE_CHECKING:
    from jaxtyping import Float
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Place = tuple[float, float]  # where a line's name stands


def evidence(
    train: Float[np.ndarray, "h w"],
    test: Float[np.ndarray, "h w"],
    signed: Mapping[str, Float[np.ndarray, "h w"]],
    band: tuple[int, int],
) -> Drawing:
    """An image of each half, then signed pictures with the test band's outline.

    What is positive speaks for "horizontal". ``band`` is the first column of the test image's
    vertical band, and its width.
    """

    def draw(figure: Figure) -> None:
        each = panels(figure, 2 + len(signed), 2 + len(signed), 2)
        draw_image(each[0], train, "training")
        draw_image(each[1], test, "the other half")
        for axes, (title, picture) in zip(each[2:], signed.items(), strict=True):
            draw_image(axes, picture, title, limit=float(np.abs(picture).max()))
            axes.set_xlabel("orange: horizontal\nblue: vertical")
            height, width = picture.shape
            # Black on either ground, as the pictures keep their colours.
            axes.axhline(height / 2 - 0.5, color="black", alpha=0.5, linewidth=0.8)
            axes.axvline(width / 2 - 0.5, color="black", alpha=0.5, linewidth=0.8)
            axes.add_patch(
                Rectangle((band[0] - 0.5, -0.5), band[1], height, fill=False, ec="black", lw=1.5)
            )

    return draw


def confusions(
    tables: Mapping[str, Float[np.ndarray, "seeds n n"]], classes: Sequence[str]
) -> Drawing:
    """Confusion matrices: means over seeds in per cent, with standard deviations below.

    A row is a true class, a column what it was taken for. The right ones are green.
    """

    def draw(figure: Figure) -> None:
        each = panels(figure, len(tables), len(tables), 1)
        for n, (axes, (title, values)) in enumerate(zip(each, tables.items(), strict=True)):
            mean, spread = 100 * values.mean(0), 100 * values.std(0, ddof=1)
            for i, j in np.ndindex(mean.shape):
                colour = role("output" if i == j else "gradient")
                axes.add_patch(
                    Rectangle((j, i), 1, 1, fc=colour, alpha=0.55 * mean[i, j] / 100, ec="none")
                )
                axes.add_patch(Rectangle((j, i), 1, 1, fill=False, ec=role("line"), lw=0.8))
                axes.text(j + 0.5, i + 0.4, f"{mean[i, j]:.0f} %", ha="center", va="center")
                axes.text(j + 0.5, i + 0.74, f"± {spread[i, j]:.0f}", ha="center", va="center",
                          fontsize=8.5)  # fmt: skip
            middles = np.arange(len(classes)) + 0.5
            axes.set_xticks(middles, classes)
            axes.set_yticks(middles, classes if n == 0 or is_narrow(figure) else [])
            axes.set(xlim=(0, len(classes)), ylim=(len(classes), 0), aspect="equal")
            axes.tick_params(length=0)
            for spine in axes.spines.values():
                spine.set_visible(False)
            axes.set_title(title)
            axes.set_xlabel("taken for")
        for axes in each if is_narrow(figure) else each[:1]:
            axes.set_ylabel("true class")

    return draw


def by_place(
    lines: Mapping[str, tuple[str, Float[np.ndarray, "seeds places"], Place, Place]],
    *,
    seen: tuple[float, float] | None = None,
    ylabel: str,
) -> Drawing:
    """The share of bands that are right, against the band's place, with 95 % intervals.

    Each line comes with its colour and with where its name stands, on a page and on a phone.
    ``seen`` shades the places of the training.
    """

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for name, (colour, runs, wide, narrow) in lines.items():
            places = np.arange(runs.shape[1])
            low, high = mean_interval(runs)
            axes.fill_between(places, low.clip(0), high.clip(None, 1), color=role(colour),
                              alpha=0.2, lw=0)  # fmt: skip
            axes.plot(places, runs.mean(0), color=role(colour), linewidth=1.6)
            label_line(axes, *(narrow if is_narrow(figure) else wide), name, colour)
        if seen:
            axes.axvspan(*seen, color=role("input"), alpha=0.09, lw=0, zorder=0)
            axes.text(sum(seen) / 2, 1.05, "bands of the training", color=role("input"),
                      ha="center", va="bottom")  # fmt: skip
        axes.set(xlabel="row or column of the band", ylabel=ylabel, ylim=(-0.02, 1.04))
        axes.set_xlim(-0.5, places[-1] + 0.5)
        axes.set_xticks([0, 7, 14, 21, int(places[-1])])

    return draw


def faint(
    intensities: Sequence[float], missed: Mapping[str, tuple[str, Float[np.ndarray, "seeds n"]]]
) -> Drawing:
    """The share of bands that are called none, against their grey level: a line for each width.

    Names stand before the lines.
    """

    def draw(figure: Figure) -> None:
        axes: Axes = figure.subplots()
        for n, (name, (colour, runs)) in enumerate(missed.items()):
            low, high = mean_interval(runs)
            beside = np.asarray(intensities) + 0.008 * n  # so that no bar covers another
            axes.vlines(beside, low.clip(0), high.clip(None, 1), color=role(colour), linewidth=1.5)
            axes.plot(beside, runs.mean(0), "o-", ms=4, color=role(colour))
            label_line(axes, intensities[0] - 0.015, runs.mean(0)[0], name, colour, ha="right")
        axes.set(xlabel="grey level of the band", ylabel="called none", ylim=(-0.02, 1.02))
        axes.set_xlim(intensities[0] - 0.17, intensities[-1] + 0.04)
        axes.set_xticks(list(intensities))

    return draw
