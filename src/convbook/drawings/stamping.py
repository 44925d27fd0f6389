"""The drawing of a matrix of letters and of its transpose at work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.patches import Rectangle

from convbook.plotting import Drawing, is_narrow, role

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Letters = Sequence[Sequence[str]]


def transposes(matrix: Letters, signal: str, output: Sequence[str], stamp: int) -> Drawing:
    """A matrix, then its transpose times a signal; "" is a zero.

    What the signal's letter at the place ``stamp`` meets and reaches is filled.
    """

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        rows, columns = len(matrix), len(matrix[0])
        transpose = list(zip(*matrix, strict=True))
        narrow = is_narrow(figure)
        # The product stands below the matrix on a phone, and to its right elsewhere.
        left, top = (0.0, rows + 1.9) if narrow else (columns + 1.6, 0.0)
        middle = top + (columns - rows) / 2
        _letters(axes, matrix, (0, 0 if narrow else middle), "M", "kernel")
        _letters(axes, transpose, (left, top), "its transpose", "kernel")
        times, equals = left + rows + 1.2, left + rows + 3.4
        _letters(axes, [[letter] for letter in signal], (times, middle), "", "input")
        _letters(axes, [[terms] for terms in output], (equals, top), "", "output", width=2)
        for sign, x in (("×", times - 0.6), ("=", equals - 0.6)):
            axes.text(x, top + columns / 2, sign, ha="center", va="center", fontsize=13)
        start = 0 if narrow else middle
        _fill(axes, [(j, start + stamp) for j in range(columns) if matrix[stamp][j]], "kernel")
        reached = [j for j in range(columns) if matrix[stamp][j]]
        _fill(axes, [(left + stamp, top + j) for j in reached], "kernel")
        _fill(axes, [(times, middle + stamp)], "input")
        _fill(axes, [(equals, top + j) for j in reached], "output", width=2)
        axes.set(xlim=(-0.1, equals + 2.1), ylim=(top + columns + 0.1, -1.0), aspect="equal")
        axes.axis("off")

    return draw


def _letters(
    axes: Axes,
    cells: Letters,
    corner: tuple[float, float],
    title: str,
    colour: str,
    *,
    width: float = 1,
) -> None:
    left, top = corner
    for i, row in enumerate(cells):
        for j, text in enumerate(row):
            place = (left + width * j, top + i)
            axes.add_patch(Rectangle(place, width, 1, fc="none", ec=role("line"), lw=0.6))
            axes.text(place[0] + width / 2, top + i + 0.53, text, ha="center", va="center")
    size = (width * len(cells[0]), len(cells))
    axes.add_patch(Rectangle(corner, *size, fc="none", ec=role(colour), lw=1.2, zorder=3))
    axes.text(left, top - 0.3, title, va="bottom")


def _fill(
    axes: Axes, places: Sequence[tuple[float, float]], colour: str, *, width: float = 1
) -> None:
    for place in places:
        axes.add_patch(Rectangle(place, width, 1, fc=role(colour), ec="none", alpha=0.25, zorder=0))
