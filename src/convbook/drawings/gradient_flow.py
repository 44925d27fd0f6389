"""The drawings of Gradients: how large gradients are, and a network that is trained by them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import StrMethodFormatter

from convbook.intervals import mean_interval
from convbook.plotting import (
    Drawing,
    label_line,
    log_scale,
    name_below,
    panels,
    role,
    ticks,
)

if TYPE_CHECKING:
    from jaxtyping import Float
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Runs = Mapping[str, "Float[np.ndarray, 'seeds n']"]


def growth(
    sizes: Sequence[int],
    measured: Runs,
    expected: Float[np.ndarray, " n"],
    local: Float[np.ndarray, "seeds n-1"],
    expected_local: Float[np.ndarray, " n-1"],
) -> Drawing:
    """Sizes of a gradient on logarithmic axes with a law's line; the exponent from size to size."""
    colours = ("input", "kernel", "output")

    def draw(figure: Figure) -> None:
        first, second = panels(figure, 2, 2, 1)
        first.plot(sizes, expected, color=role("muted"), linewidth=1, zorder=0)
        for n, ((name, runs), colour) in enumerate(zip(measured.items(), colours, strict=True)):
            _runs(first, np.asarray(sizes) * 1.14 ** (n - 1), runs, colour)
            first.text(0.05, 0.95 - 0.1 * n, name, color=role(colour), va="top",
                       transform=first.transAxes)  # fmt: skip
        _powers_of_two(first, sizes)
        label_line(first, sizes[2] * 1.15, expected[2] * 0.75, "n − k + 1", "muted", va="top")
        first.set_title("standard deviation of an entry")

        middles = np.sqrt(np.multiply(sizes[:-1], sizes[1:]))
        second.plot(middles, expected_local, color=role("muted"), linewidth=1, zorder=0)
        low, high = mean_interval(local)
        second.vlines(middles, low, high, color=role("gradient"), linewidth=1.5)
        second.plot(middles, local.mean(axis=0), "o", ms=4.5, color=role("gradient"))
        second.axhline(1, color=role("line"), linewidth=1, zorder=0)
        _powers_of_two(second, sizes, both=False)
        second.set_ylim(0.9, None)
        second.set_title("exponent, from one size to the next")
        name_below(figure, (first, second), "side of the image, n")

    return draw


def shared_or_not(sizes: Sequence[int], one: Runs, whole: Runs) -> Drawing:
    """The size of one weight's gradient, and the length of the whole; a line for each kind."""
    colours = {"shared": "kernel", "shared, mean loss": "gradient", "not shared": "input"}

    def draw(figure: Figure) -> None:
        both = panels(figure, 2, 2, 1)
        titles = ("one weight’s gradient", "the whole gradient’s length")
        for axes, title, lines in zip(both, titles, (one, whole), strict=True):
            for n, (name, runs) in enumerate(lines.items()):
                values = runs.mean(axis=0)
                under = lines is whole and n == 0  # one line lies on the other
                axes.plot(sizes, values, "o-", ms=4, color=role(colours[name]),
                          linewidth=4 if under else 1.5)  # fmt: skip
                if lines is whole and n > 0:
                    label_line(axes, sizes[-2], 0.6 * values[-2], name, colours[name], va="top")
                else:
                    label_line(axes, sizes[1], 1.7 * values[1], name, colours[name], va="bottom",
                               ha="right" if under else "left")  # fmt: skip
            _powers_of_two(axes, sizes, both=False)
            log_scale(axes, [0.001, 0.01, 0.1, 1, 10, 100])
            axes.margins(y=0.15)
            axes.set_title(title)
        name_below(figure, both, "side of the image, n")

    return draw


def factors(
    sizes: Sequence[int],
    in_units: Runs,
    raw: Float[np.ndarray, "seeds n"],
    expected: Float[np.ndarray, "seeds n"],
) -> Drawing:
    """Sizes of gradients in units of their factors, and of one as it is against the theory."""
    colours = dict(zip(in_units, ("input", "kernel", "output", "gradient"), strict=True))

    def draw(figure: Figure) -> None:
        first, second = panels(figure, 2, 2, 1)
        for n, (name, runs) in enumerate(in_units.items()):
            _runs(first, np.asarray(sizes) * 1.07 ** (n - 1.5), runs, colours[name], "-")
            first.text(0.03, 0.95 - 0.1 * n, name.replace("'", "’"), color=role(colours[name]),
                       va="top", transform=first.transAxes)  # fmt: skip
        _powers_of_two(first, sizes)
        first.set_title("size of dw, in units of σx·σg")
        _runs(second, np.asarray(sizes), raw, "gradient", "-")
        second.plot(sizes, expected.mean(axis=0), color=role("muted"), linewidth=1.5, ls="--")
        _powers_of_two(second, sizes, both=False)
        log_scale(second, [0.02, 0.05, 0.1, 0.2, 0.5])
        second.set_title("size of dw, as it is")
        label_line(second, sizes[1], raw.max(axis=0)[1] * 1.15, "the network", "gradient",
                   ha="center", va="bottom")  # fmt: skip
        label_line(second, sizes[1], expected.mean(axis=0)[1] * 0.6, "were all independent",
                   "muted", ha="center", va="top")  # fmt: skip
        second.margins(y=0.2)
        name_below(figure, (first, second), "side of the image, n")

    return draw


def in_step(
    steps: Float[np.ndarray, " n"],
    loss: Float[np.ndarray, " n"],
    apart: Float[np.ndarray, " n"],
) -> Drawing:
    """A loss over the steps of training, and how far two implementations have come apart."""

    def draw(figure: Figure) -> None:
        first, second = panels(figure, 2, 2, 1)
        first.plot(steps, loss, color=role("ink"), linewidth=1)
        first.set_title("loss")
        first.set_ylim(0, None)
        second.plot(steps, apart, color=role("gradient"), linewidth=1)
        second.set_yscale("log")
        second.set_title("largest difference of a weight")
        name_below(figure, (first, second), "step")

    return draw


def learning(epochs: Sequence[int], accuracies: Float[np.ndarray, "seeds n"]) -> Drawing:
    """Test accuracy over the epochs: a line for each seed, and their mean."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for run in accuracies:
            axes.plot(epochs, run, color=role("output"), linewidth=0.8, alpha=0.45)
        mean = accuracies.mean(axis=0)
        axes.plot(epochs, mean, color=role("output"), linewidth=2.5)
        label_line(axes, epochs[-1], mean[-1] - 0.06, "mean", "output", ha="right", va="top")
        axes.set_xlabel("epoch")
        axes.set_title("test accuracy")
        axes.set_ylim(None, 1)

    return draw


def _runs(
    axes: Axes,
    x: Float[np.ndarray, " n"],
    runs: Float[np.ndarray, "seeds n"],
    colour: str,
    line: str = "",
) -> None:
    """The mean over seeds with a bar from the least to the most, and a line if asked for."""
    axes.vlines(x, runs.min(axis=0), runs.max(axis=0), color=role(colour), linewidth=1.5)
    axes.plot(x, runs.mean(axis=0), f"o{line}", ms=3.5, linewidth=1.3, color=role(colour))


def band(axes: Axes, x: Sequence[int], runs: Float[np.ndarray, "seeds n"], colour: str) -> None:
    """The mean over seeds with its 95 % interval."""
    low, high = mean_interval(runs)
    axes.fill_between(x, low, high, color=role(colour), alpha=0.25, linewidth=0)
    axes.plot(x, runs.mean(axis=0), "o-", ms=3.5, linewidth=1.5, color=role(colour))


def _powers_of_two(axes: Axes, sizes: Sequence[int], both: bool = True) -> None:
    axes.set_xscale("log", base=2)
    ticks(axes, sizes)
    if both:
        axes.set_yscale("log", base=2)
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
