"""The drawings about batch size: accuracy, time, and one against the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from convbook.experiments.batch_rates import StepCost
from convbook.intervals import mean_interval
from convbook.plotting import (
    Drawing,
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

Place = tuple[int, int]  # a line's name: at which batch size, and how many points above
Line = tuple[str, str, "Float[np.ndarray, 'batches seeds']", Place]  # colour, dashes, …

BATCHES = "images in a batch"


def by_batch(
    batches: Sequence[int],
    shown: Mapping[str, Mapping[str, Line]],
    *,
    tops: Mapping[str, float] | None = None,
    levels: Mapping[str, float] | None = None,
) -> Drawing:
    """A panel of lines against the batch size: means over seeds, 95 % intervals of the mean.

    ``tops`` has what a panel's axis ends at, where it is not that of an accuracy; ``levels`` a
    dotted line across a panel.
    """

    def draw(figure: Figure) -> None:
        each = panels(figure, len(shown), len(shown), 1)
        for axes, (title, lines) in zip(each, shown.items(), strict=True):
            for n, (name, (colour, dashes, values, (at, above))) in enumerate(lines.items()):
                # A little apart, so that no interval hides another.
                x = np.asarray(batches) * 1.06 ** (n - (len(lines) - 1) / 2)
                low, high = mean_interval(values.T)
                axes.vlines(x, low, high, color=role(colour), linewidth=1.5)
                axes.plot(x, values.mean(1), dashes, marker="o", ms=4, linewidth=1.5,
                          color=role(colour))  # fmt: skip
                point = at, values[list(batches).index(at)].mean()
                axes.annotate(name, point, (0, above), textcoords="offset points", ha="center",
                              va="bottom" if above > 0 else "top", color=role(colour))  # fmt: skip
            if title in (levels or {}):
                _level(axes, (levels or {})[title])
            axes.set_xscale("log")
            ticks(axes, batches)
            top = (tops or {}).get(title)
            axes.set(xlim=(batches[0] / 1.6, batches[-1] * 1.6), title=title)
            axes.set_ylim(0, top or 1.13)
            if top is None:
                axes.set_yticks(np.arange(0, 1.1, 0.2))
        name_below(figure, each, BATCHES)

    return draw


def against_time(
    runs: Mapping[int, tuple[Float[np.ndarray, " epochs"], Float[np.ndarray, "epochs seeds"]]],
    colours: Mapping[int, str],
    name: str,
) -> Drawing:
    """Accuracy against wall time, a line for each batch size; where the largest ends, dotted.

    A run has the seconds since the start at which its accuracies were reached.
    """
    largest = max(runs)
    goal = float(runs[largest][1][-1].mean())

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for batch, (seconds, values) in runs.items():
            colour = colours[batch]
            low, high = mean_interval(values.T)
            axes.fill_between(seconds, low, high, color=role(colour), alpha=0.2, lw=0)
            axes.plot(seconds, values.mean(1), "o-", ms=3, linewidth=1.5, color=role(colour))
            if batch != largest:
                axes.text(seconds[-1], values[-1].mean() + 0.03, f"{batch}", color=role(colour),
                          ha="center", va="bottom")  # fmt: skip
        _level(axes, goal)
        axes.set_xscale("log")
        first = min(seconds[0] for seconds, _ in runs.values())
        last = max(seconds[-1] for seconds, _ in runs.values())
        # Its end may lie among the other lines; at the left there are none.
        axes.text(first / 1.2, goal + 0.01, f"{largest} ends here", va="bottom",
                  color=role(colours[largest]))  # fmt: skip
        axes.set(xlim=(first / 1.3, last * 1.5), ylim=(0, 1.12), yticks=np.arange(0, 1.1, 0.2))
        ticks(axes, _decades(first, last))  # type: ignore[arg-type]  # any numbers will do
        axes.set(xlabel="seconds since the start", ylabel=name)

    return draw


def step_times(
    batches: Sequence[int],
    seconds: Mapping[str, Float[np.ndarray, " batches"]],
    colours: Mapping[str, str],
    steps: Float[np.ndarray, "batches seeds"],
    cost: StepCost,
) -> Drawing:
    """Seconds of the training as stacked bars of parts; and of a step, with the line through them.

    ``steps`` are the times of a step of which ``cost`` is the line, in seconds.
    """

    def draw(figure: Figure) -> None:
        first, second = panels(figure, 2, 2, 1)
        places = np.arange(len(batches))
        base = np.zeros(len(batches))
        for n, (name, part) in enumerate(seconds.items()):
            first.bar(places, part, 0.7, bottom=base, color=role(colours[name]), linewidth=0)
            base = base + part
            first.text(0.98, 0.97 - 0.11 * (len(seconds) - 1 - n), name, color=role(colours[name]),
                       ha="right", va="top", transform=first.transAxes)  # fmt: skip
        first.set_xticks(places, [str(batch) for batch in batches])
        first.set_xlabel(BATCHES)
        first.set_title("seconds of ten epochs")

        x = np.geomspace(batches[0] / 1.4, batches[-1] * 1.4)
        for colour, dashes, y in (
            ("ink", "-", cost.step(x)),
            ("kernel", "--", np.full_like(x, cost.fixed)),
            ("input", "--", cost.per_image * x),
        ):
            second.plot(x, 1e3 * y, dashes, linewidth=1.2, color=role(colour))
        for own in steps.T:
            second.plot(batches, 1e3 * own, "o", ms=4, mec="none", alpha=0.5, color=role("ink"))
        low, high = 1e3 * min(cost.fixed, steps.min()), 1e3 * steps.max()
        second.set_xscale("log")
        log_scale(second, _decades(low, high))
        ticks(second, batches)
        second.set(ylim=(low / 3, high * 1.6), xlim=(x[0], x[-1]), xlabel=BATCHES)
        second.set_title("milliseconds of a step")

    return draw


def _level(axes: Axes, value: float) -> None:
    axes.axhline(value, color=role("muted"), linewidth=1, linestyle=":", zorder=0)


def _decades(low: float, high: float) -> list[float]:
    """1, 3, 10, 30 and so on, as many as lie between, or around, two values."""
    first, last = int(np.floor(np.log10(low))), int(np.ceil(np.log10(high)))
    every = [lead * 10.0**n for n in range(first, last + 1) for lead in (1, 3)]
    return [value for value in every if low / 1.3 <= value <= high * 1.5] or every
