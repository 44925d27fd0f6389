"""The drawings about memory: breakdowns, timelines, the allocator, what a remedy costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.offsetbox import AnchoredOffsetbox, HPacker, TextArea, VPacker
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from convbook.memory.report import Timeline, thinned
from convbook.memory.step import PHASES
from convbook.plotting import Drawing, is_narrow, panels, role

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Always in this order, from the bottom or from the left: what stays, then what comes and goes.
SHOWN: dict[str, tuple[str, str]] = {
    "parameters": ("parameters", "kernel"),
    "optimizer_state": ("optimizer state", "ink"),
    "gradients": ("gradients", "gradient"),
    "inputs": ("images", "input"),
    "activations": ("activations", "output"),
    "temporaries": ("temporaries", "muted"),
}


def breakdown(rows: Mapping[str, Mapping[str, int]], *, unit: float = 1e6) -> Drawing:
    """A bar for each name, made of the kinds of memory; in MB, or another unit of bytes."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        longest = max(sum(kinds.values()) for kinds in rows.values()) / unit
        for y, kinds in enumerate(rows.values()):
            left = 0.0
            for kind, (_, colour) in SHOWN.items():
                width = _with_buffers(kinds, kind) / unit
                axes.barh(y, width, left=left, color=role(colour), height=0.62, lw=0)
                if width > longest * (0.16 if is_narrow(figure) else 0.08):
                    axes.text(left + width / 2, y, f"{width:,.0f}", color=role("paper"),
                              ha="center", va="center")  # fmt: skip
                left += width
            axes.text(left + longest * 0.01, y, f"{left:,.0f}", ha="left", va="center")
        axes.set_yticks(range(len(rows)), list(rows))
        axes.set(ylim=(len(rows) - 0.5, -0.5), xlim=(0, longest * 1.14), xlabel="MB")
        present = [
            (name, colour)
            for kind, (name, colour) in SHOWN.items()
            if any(_with_buffers(kinds, kind) > 0.004 * longest * unit for kinds in rows.values())
        ]
        coloured_words(axes, present, per_line=3 if is_narrow(figure) else 6)

    return draw


def coloured_words(axes: Axes, words: Sequence[tuple[str, str]], per_line: int) -> None:
    """Words in colours of roles above the axes: what else would be a legend."""
    lines: list[Artist] = [
        HPacker(
            children=[
                TextArea(word, textprops={"color": role(colour)})
                for word, colour in words[start : start + per_line]
            ],
            pad=0,
            sep=9,
        )
        for start in range(0, len(words), per_line)
    ]
    box = AnchoredOffsetbox(
        "lower left",
        child=VPacker(children=lines, pad=0, sep=3, align="left"),
        pad=0,
        frameon=False,
        bbox_to_anchor=(0, 1.02),
        bbox_transform=axes.transAxes,
        borderpad=0,
    )
    axes.add_artist(box)


def over_a_step(timeline: Timeline, step: int) -> Drawing:
    """Memory in one step, kind upon kind, with the phases named; in MB."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        chosen = np.flatnonzero(timeline.step == step)
        at = thinned(timeline.requested[chosen])
        x = at / (len(chosen) - 1)
        values = [_with_buffers(timeline.kinds, kind)[chosen][at] / 1e6 for kind in SHOWN]
        tops = np.cumsum(values, axis=0)
        # From the highest down to the floor, each over the last: half the points of layers.
        for (_, colour), top in reversed([*zip(SHOWN.values(), tops, strict=True)]):
            _fill(axes, x, top, colour)
        _name_phases(axes, timeline.phase[chosen])
        axes.set(xlim=(0, 1), ylim=(0, tops.max() * 1.12), ylabel="MB", xticks=[])
        axes.set_xlabel("allocations and releases, in their order")
        names = [SHOWN[kind] for kind in SHOWN if timeline.kinds[kind][chosen].any()]
        coloured_words(axes, names, per_line=3 if is_narrow(figure) else 6)

    return draw


def held_and_needed(timelines: Mapping[str, Timeline]) -> Drawing:
    """For each name a panel: what tensors need, and what the allocator holds, over all steps."""

    def draw(figure: Figure) -> None:
        each = panels(figure, len(timelines), len(timelines), 1, sharey=True)
        highest = max(t.reserved.max() for t in timelines.values() if t.reserved is not None) / 1e6
        for axes, (name, timeline) in zip(each, timelines.items(), strict=True):
            assert timeline.reserved is not None
            assert timeline.allocated is not None
            at = thinned(timeline.allocated, 300)  # three panels, of 150 points or so
            x = at / (len(timeline.phase) - 1)
            _fill(axes, x, timeline.allocated[at] / 1e6, "output")
            axes.plot(x, timeline.reserved[at] / 1e6, color=role("ink"), lw=1.6)
            starts = np.flatnonzero(np.diff(timeline.step)) + 1
            for number, start in enumerate(starts):
                where = start / (len(timeline.phase) - 1)
                axes.axvline(where, color=role("muted"), lw=0.8, ls=":")
                axes.text(where, highest * 1.29, f" step {number + 1}", va="top", ha="left",
                          color=role("muted"))  # fmt: skip
            axes.set(xlim=(0, 1), ylim=(0, highest * 1.3), xticks=[])
            axes.set_title(name)
            axes.set_ylabel("MB")
            axes.text(0.98, timeline.reserved[-1] / 1e6 + highest * 0.02, "held", ha="right",
                      va="bottom")  # fmt: skip
            axes.text(0.98, highest * 0.06, "needed", color=role("paper"), ha="right")

    return draw


def ratios(
    rows: Mapping[str, Mapping[str, float]],
    colours: Mapping[str, str],
    *,
    limits: tuple[float, float],
    name: str,
    places: Sequence[float],
) -> Drawing:
    """For each row the ratios of several predictions to a measurement, on a logarithmic axis."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.axvline(1, color=role("ink"), lw=1)
        for y, values in enumerate(rows.values()):
            axes.axhline(y, color=role("line"), lw=0.8, zorder=0)
            for key, value in values.items():
                if key == next(iter(colours)):  # a ring, so that what agrees with it shows
                    axes.plot(value, y, "o", ms=12, mfc="none", mew=2.2, color=role(colours[key]))
                else:
                    axes.plot(value, y, "o", ms=7, color=role(colours[key]), clip_on=False)
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(FixedLocator(list(places)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.set_yticks(range(len(rows)), list(rows))
        axes.set(xlim=limits, ylim=(len(rows) - 0.5, -0.5), xlabel=name)
        coloured_words(axes, list(colours.items()), per_line=2 if is_narrow(figure) else 4)

    return draw


def against_batch(
    batches: Int[np.ndarray, " n"],
    lines: Mapping[str, tuple[str, Float[np.ndarray, " n"]]],
    cards: Mapping[str, float],
    measured: Mapping[int, float],
) -> Drawing:
    """Memory in GB against the batch size, both logarithmic; cards as levels, readings as dots."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for place, (name, (colour, values)) in enumerate(lines.items()):
            axes.plot(batches, values, color=role(colour))
            # The first line is the lower one: its name stands below it, the others' above.
            n, up = len(batches) // 2, -1 if place == 0 else 1
            axes.annotate(name, (batches[n], values[n]), xytext=(7 * -up, 5 * up),
                          textcoords="offset points", color=role(colour),
                          ha="left" if up < 0 else "right",
                          va="top" if up < 0 else "bottom")  # fmt: skip
        for name, level in cards.items():
            axes.axhline(level, color=role("muted"), lw=1, ls="--")
            axes.text(batches[0], level, name, color=role("muted"), va="bottom", ha="left")
        if measured:
            axes.plot(list(measured), list(measured.values()), "o", ms=7, color=role("kernel"))
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.xaxis.set_major_locator(FixedLocator(list(batches[:: 2 if is_narrow(figure) else 1])))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_major_locator(FixedLocator([0.1, 0.3, 1, 3, 10, 30, 100]))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.set(xlabel="batch size", ylabel="GB")

    return draw


def costs(points: Mapping[str, tuple[float, float]]) -> Drawing:
    """For each remedy two bars: the share of the memory that is left, and of the time it takes."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        longest = max(max(pair) for pair in points.values())
        axes.axvline(1, color=role("muted"), lw=1, ls="--", zorder=0)
        for y, pair in enumerate(points.values()):
            for place, value, colour in zip((-0.23, 0.23), pair, ("output", "kernel"), strict=True):
                axes.barh(y + place, value, color=role(colour), height=0.45, lw=0)
                inside = value > 0.15 * longest  # clear of the line of the plain step
                axes.text(value + longest * (-0.01 if inside else 0.01), y + place, f"{value:.2f}",
                          color=role("paper" if inside else "ink"), va="center",
                          ha="right" if inside else "left")  # fmt: skip
        axes.set_yticks(range(len(points)), list(points))
        axes.set(ylim=(len(points) - 0.4, -0.6), xlim=(0, longest * 1.05))
        axes.set_xlabel("as a share of the plain step")
        coloured_words(axes, [("memory", "output"), ("time", "kernel")], per_line=2)

    return draw


def bars(rows: Mapping[str, float], colours: Mapping[str, str], name: str, form: str) -> Drawing:
    """A bar and its number for each row."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        longest = max(rows.values())
        for y, (row, value) in enumerate(rows.items()):
            axes.barh(y, value, color=role(colours.get(row, "output")), height=0.62, lw=0)
            axes.text(value + longest * 0.015, y, form.format(value), va="center", ha="left")
        axes.set_yticks(range(len(rows)), list(rows))
        axes.set(ylim=(len(rows) - 0.5, -0.5), xlim=(0, longest * 1.2), xlabel=name)

    return draw


def _fill(axes: Axes, x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"], colour: str) -> None:
    """The area below a curve, without the points that nobody would see."""
    at = _bends(x / np.ptp(x), y / max(y.max(), 1e-12))
    axes.fill([x[0], *x[at], x[-1]], [0, *y[at], 0], color=role(colour), lw=0)


def _bends(
    x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"], tolerance: float = 1e-3
) -> list[int]:
    """Indices of points between which the curve is straight, but for the tolerance in ``y``.

    Both ends and the highest point are among them. As Ramer, Douglas and Peucker: the point that is
    farthest from the line between two others is kept if it is too far from it, and so on to both
    sides.
    """
    kept, open_ends = [0], sorted({int(y.argmax()), len(x) - 1} - {0}, reverse=True)
    while open_ends:
        start, end = kept[-1], open_ends[-1]
        line = np.interp(x[start:end], x[[start, end]], y[[start, end]])
        off = np.abs(y[start:end] - line)
        if end - start > 1 and off.max() > tolerance:
            open_ends.append(start + int(off.argmax()))
        else:
            kept.append(open_ends.pop())
    return kept


def _with_buffers(kinds: Mapping[str, Any], kind: str) -> Any:
    """Buffers are drawn as part of the parameters, and a workspace with the temporaries."""
    other = {"parameters": "buffers", "temporaries": "workspace"}.get(kind)
    return kinds[kind] + kinds.get(other, 0) if other else kinds[kind]


def _name_phases(axes: Axes, phase: Int[np.ndarray, " events"]) -> None:
    changes = np.flatnonzero(np.diff(phase)) + 1
    for number, start in enumerate([0, *changes]):
        end = [*changes, len(phase)][number]
        name = PHASES[phase[start]]
        if start:
            axes.axvline(start / (len(phase) - 1), color=role("muted"), lw=0.8, ls=":")
        if end - start > 0.08 * len(phase):
            axes.text((start + end) / 2 / (len(phase) - 1), 0.985, name, ha="center", va="top",
                      color=role("ink"), transform=axes.get_xaxis_transform())  # fmt: skip
