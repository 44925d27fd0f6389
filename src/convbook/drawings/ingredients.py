"""The drawings about what the bias is made of: what a shift changes, and which part does what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from convbook.drawings.deeper import dots_and_mean
from convbook.plotting import Drawing, is_narrow, label_line, panels, role

if TYPE_CHECKING:
    from jaxtyping import Float
    from matplotlib.figure import Figure

Place = tuple[float, float]  # where a line's name stands


def moved(
    shifts: Sequence[int],
    changes: Mapping[str, Float[np.ndarray, " shifts"]],
    colours: Mapping[str, str],
    places: Mapping[str, Place],
) -> Drawing:
    """How much the features change with the shift of the image: a line for each network."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for name, values in changes.items():
            axes.plot(shifts, values, "o-", ms=3.5, color=role(colours[name]), linewidth=1.4)
            label_line(axes, *places[name], name, colours[name], ha="center")
        axes.set(xlabel="pixels that the image is moved", xlim=(0, shifts[-1] + 0.3))
        axes.set_ylim(-1.4, 9.2)
        axes.set_title("change of the features (%)")

    return draw


def against_tasks(
    results: Mapping[str, Mapping[str, Float[np.ndarray, " seeds"]]],
    chance: float,
    colours: Mapping[str, Mapping[str, str]],
) -> Drawing:
    """A panel for each task, a row for each network: dots for seeds, means with intervals."""

    def draw(figure: Figure) -> None:
        each = panels(figure, len(results), len(results), 1, sharey=not is_narrow(figure))
        for axes, (task, rows) in zip(each, results.items(), strict=True):
            axes.axvline(chance, color=role("muted"), linewidth=1, linestyle=":", zorder=0)
            for y, (name, values) in enumerate(rows.items()):
                dots_and_mean(axes, y, values, colours[task][name])
            axes.set_yticks(range(len(rows)), list(rows))
            axes.set(xlim=(0, 1.02), ylim=(len(rows) - 0.5, -0.5), title=task)
            axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
            axes.tick_params(axis="y", length=0)
        each[0].text(chance + 0.02, len(rows) - 0.55, "chance", color=role("muted"), va="bottom")
        for axes in each[-1:] if is_narrow(figure) else each:
            axes.set_xlabel("test accuracy")

    return draw
