"""The drawings about deeper and wider networks: accuracies, curves, signals, and cures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import PercentFormatter

from convbook.intervals import mean_interval
from convbook.plotting import Drawing, is_narrow, label_line, log_scale, name_below, panels, role

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Place = tuple[float, float]  # where a line's name stands


def accuracies(
    groups: Mapping[str, Float[np.ndarray, " seeds"]],
    colours: Mapping[str, str],
    marks: Mapping[str, float],
) -> Drawing:
    """A row for each group: a dot a seed, a bar for the mean and its 95 % interval.

    ``marks`` are accuracies to be compared with, by name.
    """

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for name, place in marks.items():
            axes.plot(
                [place] * 2, [-0.45, len(groups) - 0.5], "--", color=role("muted"), linewidth=1
            )
            axes.text(place, -0.65, name, color=role("muted"), ha="center", va="center")
        for y, (name, values) in enumerate(groups.items()):
            dots_and_mean(axes, y, values, colours[name])
        axes.set_yticks(range(len(groups)), list(groups))
        axes.set(xlim=(0, 1.02), ylim=(len(groups) - 0.5, -0.8), xlabel="validation accuracy")
        axes.tick_params(axis="y", length=0)

    return draw


def dots_and_mean(axes: Axes, y: float, values: Float[np.ndarray, " seeds"], colour: str) -> None:
    """Values of the seeds at one height; above them the mean and its 95 % interval."""
    around = y + 0.14 + 0.13 * np.linspace(-1, 1, len(values))
    axes.plot(values, around, "o", ms=3.5, mec="none", alpha=0.6, color=role(colour), clip_on=False)
    low, high = np.clip(mean_interval(values), 0, 1)
    axes.plot([low, high], [y - 0.17] * 2, color=role(colour), linewidth=1.8)
    axes.plot([values.mean()] * 2, [y - 0.28, y - 0.06], color=role(colour), linewidth=1.8)


def plateau(
    epochs: Int[np.ndarray, " times"],
    loss: Float[np.ndarray, "times seeds"],
    fates: Mapping[str, Bool[np.ndarray, " seeds"]],
    colours: Mapping[str, str],
    guessing: float,
) -> Drawing:
    """Training losses in a panel for each fate, with the loss of guessing."""

    def draw(figure: Figure) -> None:
        each = panels(figure, len(fates), len(fates), 1, sharey=not is_narrow(figure))
        for axes, (name, members) in zip(each, fates.items(), strict=True):
            axes.axhline(guessing, color=role("muted"), linewidth=1, linestyle="--", zorder=0)
            for run in loss[:, members].T:
                axes.plot(epochs, run, color=role(colours[name]), linewidth=1.2)
            axes.set(ylim=(0, max(1.3 * guessing, 1.03 * loss.max())), xlim=(0, epochs[-1]))
            axes.set_title(f"{name}: {int(members.sum())} of {len(members)}")
        label_line(
            each[1], epochs[-1], 1.04 * guessing, "guessing, ln 5", "muted", ha="right", va="bottom"
        )
        each[0].set_ylabel("training loss (nats)")
        name_below(figure, each, "epoch")

    return draw


def layers(
    shown: Mapping[str, Mapping[str, tuple[str, str, Sequence[float], Place]]],
    marks: Mapping[str, Sequence[float]],
) -> Drawing:
    """A panel for each measure; lines over the layers, each with colour, dashes and its name.

    ``marks`` are the numbers beside each panel's axis, which ends at the first and the last.
    """

    def draw(figure: Figure) -> None:
        each = panels(figure, len(shown), len(shown), 1)
        for axes, (title, lines) in zip(each, shown.items(), strict=True):
            for name, (colour, dashes, values, place) in lines.items():
                first = 0 if title in list(marks)[:1] else 1
                x = np.arange(first, first + len(values))
                axes.plot(x, values, dashes, color=role(colour), linewidth=1.6, ms=4)
                label_line(axes, *place, name, colour, ha="center")
            axes.set_xticks(x, [("image" if n == 0 else str(n)) for n in x])
            log_scale(axes, marks[title])
            axes.set_ylim(marks[title][0], marks[title][-1])
            axes.set_title(title)
        name_below(figure, each, "after layer")

    return draw


def shares(
    groups: Mapping[str, tuple[float, float, float, Float[np.ndarray, " seeds"], str]],
) -> Drawing:
    """For each group a share with its interval, then the seeds' accuracies."""

    def draw(figure: Figure) -> None:
        first, second = panels(figure, 2, 2, 1, sharey=not is_narrow(figure))
        for y, (share, low, high, values, colour) in enumerate(groups.values()):
            first.plot([low, high], [y] * 2, color=role(colour), linewidth=1.8)
            first.plot(share, y, "o", ms=6, color=role(colour), clip_on=False)
            dots_and_mean(second, y, values, colour)
        for axes in (first, second):
            axes.set_yticks(range(len(groups)), list(groups))
            axes.set(ylim=(len(groups) - 0.5, -0.5), xlim=(0, 1.02))
            axes.tick_params(axis="y", length=0, pad=8)  # dots stand on the axis
            axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        first.set_xticks([0, 0.5, 1])
        first.xaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
        first.set_title("share of seeds that are stuck")
        second.set_title("validation accuracy")

    return draw
