"""The drawings about the training procedure: curves, calibration, and how much data it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from convbook.calibration import Reliability, reliability
from convbook.intervals import mean_interval
from convbook.plotting import (
    Drawing,
    is_narrow,
    label_line,
    name_below,
    panels,
    role,
    ticks,
)

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from matplotlib.figure import Figure

Place = tuple[float, float]  # where a line's name stands
Curve = tuple[str, str, "Int[np.ndarray, ' times']", "Float[np.ndarray, 'times seeds']", Place]


def curves(
    shown: Mapping[str, Mapping[str, Curve]], marks: Sequence[int], *, top: float
) -> Drawing:
    """A panel for each measure: lines against epochs, with the 95 % interval of the mean.

    A line has a colour, dashes (dotted on training images), epochs, values, and where its name
    stands, if that is not blank. ``top`` ends the first panel, the loss.
    """

    def draw(figure: Figure) -> None:
        each = panels(figure, len(shown), len(shown), 1)
        for axes, (title, lines) in zip(each, shown.items(), strict=True):
            for name, (colour, dashes, epochs, values, place) in lines.items():
                low, high = mean_interval(values.T)
                axes.fill_between(epochs, low, high, color=role(colour), alpha=0.2, lw=0)
                axes.plot(epochs, values.mean(1), dashes, color=role(colour), linewidth=1.6)
                if name.strip():  # a blank name would be laid out too, wherever it stood
                    label_line(axes, *place, name, colour)
            axes.set_xscale("log")
            ticks(axes, marks)
            axes.set_title(title)
        each[0].text(0.03, 0.97, "solid: new images\ndotted: training", color=role("muted"),
                     va="top", transform=each[0].transAxes)  # fmt: skip
        each[0].set_ylim(0, top)
        each[1].set_ylim(0.3, 1.02)
        name_below(figure, each, "epochs")

    return draw


def calibrated(
    diagrams: Mapping[str, tuple[str, Reliability]],
    losses: Mapping[str, tuple[str, Float[np.ndarray, " seeds"]]],
) -> Drawing:
    """Accuracy against confidence, with bins as large as their share; and losses over seeds."""

    def draw(figure: Figure) -> None:
        first, second = panels(figure, 2, 2, 1)
        first.plot([1 / 3, 1], [1 / 3, 1], color=role("muted"), linewidth=1, linestyle="--")
        first.text(0.34, 0.31, "calibrated", color=role("muted"), va="top")
        for n, (name, (colour, bins)) in enumerate(diagrams.items()):
            full = bins.share > 0
            first.plot(bins.confidence[full], bins.accuracy[full], color=role(colour), linewidth=1)
            first.scatter(bins.confidence[full], bins.accuracy[full], s=220 * bins.share[full] + 6,
                          color=role(colour), lw=0, clip_on=False)  # fmt: skip
            first.text(0.03, 0.97 - 0.1 * n, name, color=role(colour), va="top",
                       transform=first.transAxes)  # fmt: skip
        first.set(xlim=(0.3, 1.02), ylim=(0, 1.02))
        first.set_xlabel("confidence (larger dots: more predictions)")
        first.set_title("share that is right")
        for y, (_, (colour, values)) in enumerate(losses.items()):
            around = y + 0.13 + 0.13 * np.linspace(-1, 1, len(values))
            second.plot(values, around, "o", ms=3, mec="none", alpha=0.6, color=role(colour))
            low, high = mean_interval(values)
            second.plot([low, high], [y - 0.2] * 2, color=role(colour))
            second.plot([values.mean()] * 2, [y - 0.34, y - 0.06], color=role(colour))
        second.axvline(np.log(3), color=role("muted"), linewidth=1, linestyle="--", zorder=0)
        second.text(np.log(3) * 1.05, -0.55, "guessing", color=role("muted"), va="center")
        second.set_yticks(range(len(losses)), list(losses))
        second.set_xscale("log")
        second.xaxis.set_major_locator(FixedLocator([0.5, 1, 2, 5, 10]))
        second.xaxis.set_minor_locator(NullLocator())
        second.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        second.set(ylim=(len(losses) - 0.5, -0.75), xlabel="nats")
        second.set_title("test loss")

    return draw


def calibration_columns(
    seeds: Sequence[int],
    scores: Mapping[str, Float[np.ndarray, "seeds n classes"]],
    labels: Int[np.ndarray, "seeds n"],
    losses: Mapping[str, Float[np.ndarray, " seeds"]],
) -> dict[str, list[Any]]:
    """The numbers behind `calibrated`, seed by seed: a row for each bin, and one for the loss.

    ``claimed`` and ``right`` are shares of all predictions, as ``share`` is: those of a bin times
    their confidence, and those of a bin that are right. So any of them can be summed over seeds and
    bins; a dot's accuracy is a sum of ``right`` over a sum of ``share``.
    """
    names = ("state", "seed", "confidence from", "share", "claimed", "right", "loss")
    rows: list[tuple[Any, ...]] = []
    for state, runs in scores.items():
        for seed, logits, truth in zip(seeds, runs, labels, strict=True):
            bins = reliability(logits, truth)
            claimed, right = (np.nan_to_num(bins.share * each)
                              for each in (bins.confidence, bins.accuracy))  # fmt: skip
            starts = np.arange(len(bins.share)) / len(bins.share)
            rows += [(state, seed, *each, None)
                     for each in zip(starts, bins.share, claimed, right, strict=True)]  # fmt: skip
    rows += [(state, seed, None, None, None, None, loss)
             for state, runs in losses.items()
             for seed, loss in zip(seeds, runs, strict=True)]  # fmt: skip
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


def data_needed(
    sizes: Sequence[int],
    accuracies: Float[np.ndarray, "sizes seeds"],
    goals: Float[np.ndarray, " seeds"],
    needed: tuple[float, float, float],
    names: tuple[str, str],
) -> Drawing:
    """Accuracy against images of each class, the goal as a band, and the size that reaches it.

    ``needed`` has the low end, the middle and the high end of the interval of that size; ``names``
    are of the curve and of the goal.
    """

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        low, high = mean_interval(goals)
        axes.axhspan(float(low), float(high), color=role("output"), alpha=0.2, lw=0)
        axes.axhline(goals.mean(), color=role("output"), linewidth=1.5)
        below, above = mean_interval(accuracies.T)
        axes.vlines(sizes, below, above, color=role("gradient"), linewidth=1.5)
        axes.plot(sizes, accuracies.mean(1), "o-", ms=4, color=role("gradient"))
        bottom = accuracies.mean(1).min() - 0.05
        axes.plot([needed[0], needed[2]], [bottom] * 2, color=role("ink"), linewidth=2)
        axes.plot(needed[1], bottom, "o", ms=6, color=role("ink"))
        axes.plot([needed[1]] * 2, [bottom, goals.mean()], color=role("ink"), linewidth=0.8,
                  linestyle=":")  # fmt: skip
        axes.text(needed[0] * 0.93, bottom, f"{needed[1]:.0f} images", ha="right", va="center")
        place = accuracies.mean(1)
        label_line(axes, sizes[1] * 1.12, place[1] - 0.02, names[0], "gradient", va="top")
        label_line(axes, sizes[0], float(high) + 0.008, names[1], "output", va="bottom")
        axes.set_xscale("log")
        ticks(axes, sizes)
        axes.set(xlabel="images of each class", ylabel="test accuracy")
        axes.set_ylim(bottom - 0.04, 1.04 if not is_narrow(figure) else 1.05)

    return draw
