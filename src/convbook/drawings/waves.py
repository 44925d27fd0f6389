"""Drawings of what a kernel does to waves: its gain, and the directions that it tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from convbook.filters import filtered
from convbook.plotting import Drawing, draw_image, is_slide, label_line, panels, role

if TYPE_CHECKING:
    from jaxtyping import Float
    from matplotlib.figure import Figure


def stripes(
    kernels: Mapping[str, Float[np.ndarray, "k k"]],
    frequencies: Float[np.ndarray, " n"],
    gains: Mapping[str, Float[np.ndarray, " n"]],
    tried: Float[np.ndarray, " m"],
    measured: Mapping[str, Sequence[float]],
    mark: float,
) -> Drawing:
    """Stripes that grow finer to the right, filtered, over gains on the same axis.

    ``frequencies`` start at 0 in equal steps; ``mark`` is one to draw a line at.
    """
    count, finest = 520, float(frequencies[-1])
    phase = np.pi * finest / count * np.arange(count) ** 2  # its slope reaches the finest frequency
    chirp = np.tile(0.5 + 0.5 * np.cos(phase), (24, 1))
    strips = {name: np.vstack([chirp, filtered(chirp, w)]) for name, w in kernels.items()}
    looks = dict(zip(kernels, [("kernel", (0.135, -0.32)), ("output", (0.135, 0.18))], strict=True))

    def draw(figure: Figure) -> None:
        heights = [1] * len(strips) + [4]
        *upper, lower = figure.subplots(len(heights), 1, height_ratios=heights, sharex=True)
        for axes, (name, strip) in zip(upper, strips.items(), strict=True):
            axes.imshow(strip, cmap="gray", extent=(0, finest, 1, 0), aspect="auto",
                        vmin=0, vmax=1, interpolation="none")  # fmt: skip
            axes.axis("off")
            axes.set_title(f"stripes; below, after the {name}", pad=3)
        for axes in (*upper, lower):
            axes.axvline(mark, color=role("gradient"), linewidth=1.5, linestyle=(0, (3, 2)))
        lower.axhline(0, color=role("line"), linewidth=1)
        for name, (colour, place) in looks.items():
            lower.plot(frequencies, gains[name], color=role(colour))
            lower.plot(tried, measured[name], "o", ms=5, color=role(colour))
            label_line(lower, *place, name, colour)
        lower.set(xlim=(0, finest), ylim=(-0.4, 1.05), ylabel="gain")
        lower.set_xlabel("frequency (stripes a pixel)")

    return draw


def direction_errors(
    angles: Float[np.ndarray, " n"],
    expected: Mapping[str, Float[np.ndarray, " n"]],
    tried: Float[np.ndarray, " m"],
    found: Mapping[str, Sequence[float]],
) -> Drawing:
    """By how many degrees a pair of kernels misses the direction of a slope."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.axhline(0, color=role("line"), linewidth=1)
        for (name, error), colour in zip(
            expected.items(), ("input", "kernel", "output"), strict=True
        ):
            axes.plot(angles, error, color=role(colour))
            axes.plot(tried, found[name], "o", ms=5, color=role(colour), clip_on=False)
            n = int(np.argmax(np.abs(error[angles <= 45])))
            above = error[n] > 0
            label_line(axes, angles[n], error[n] + (0.3 if above else -0.3), name, colour,
                       ha="center", va="bottom" if above else "top")  # fmt: skip
        axes.set(xlabel="true direction of the slope (degrees)", ylabel="error (degrees)")
        axes.set(xlim=(0, 90), xticks=range(0, 91, 15))
        axes.margins(y=0.2)

    return draw


def gains(items: Mapping[str, Float[np.ndarray, "n n"]], does: Mapping[str, str]) -> Drawing:
    """Two-dimensional gains: the frequency 0 in the middle, black for 0, white for the most.

    ``does`` says in two lines what each kernel does; a slide has room for it beside the panels.
    """

    def draw(figure: Figure) -> None:
        columns = 3
        axes_list = panels(figure, len(items), columns, columns)
        for n, (axes, (name, gain)) in enumerate(zip(axes_list, items.items(), strict=True)):
            draw_image(axes, gain / gain.max(), None if is_slide(figure) else name)
            if is_slide(figure):
                for y, text, colour in ((1, name, "ink"), (0.84, does[name], "muted")):
                    axes.text(1.05, y, text, color=role(colour), va="top",
                              transform=axes.transAxes)  # fmt: skip
            ends, labels = [0, (len(gain) - 1) / 2, len(gain) - 1], ["−½", "0", "½"]
            if n % columns == 0:
                axes.set_yticks(ends, labels)
            if n >= len(items) - columns:
                axes.set_xticks(ends, labels)
            if n == len(items) - columns // 2 - 1:
                axes.set_xlabel("periods a pixel")

    return draw


def band(
    frequencies: Float[np.ndarray, " n"], gains: Mapping[str, Float[np.ndarray, " n"]]
) -> Drawing:
    """The gains of a Gaussian, a Laplacian, both, and a DoG, which is dashed."""
    looks = {
        "Gaussian": ("input", "-", (0.012, 1.04)),
        "Laplacian": ("kernel", "-", (0.37, 0.72)),
        "both": ("output", "-", (0.145, 1.04)),
        "DoG": ("gradient", "--", (0.29, 0.36)),
    }

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for name, (colour, dash, place) in looks.items():
            axes.plot(frequencies, gains[name], dash, color=role(colour))
            label_line(axes, *place, name, colour)
        axes.set(xlim=(0, frequencies[-1]), ylim=(0, 1.1))
        axes.set(xlabel="frequency (periods a pixel)", ylabel="gain ÷ its largest")

    return draw
