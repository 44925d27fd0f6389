"""Cells: grids of them, sets of them, and matrices beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from convbook.plotting import draw_matrix, role

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIGN = 0.9  # of a cell's width, for a sign between matrices


class Matrix(NamedTuple):
    """A matrix with the name to write above it, the colour of its role, and cells to fill.

    ``sign`` stands to its right, before the next one: "∗" or "=".
    """

    name: str
    values: Float[np.ndarray, "h w"]
    colour: str
    highlight: Sequence[tuple[int, int]] = ()
    sign: str = ""


def draw_matrices(figure: Figure, items: Sequence[Matrix], columns: int) -> None:
    """Matrices in rows of ``columns``, all their cells of one size, their middles at one height."""
    rows = [items[n : n + columns] for n in range(0, len(items), columns)]
    heights = [max(len(item.values) for item in row) for row in rows]
    widths = [
        max(len(item.values[0]) + SIGN * bool(item.sign) for item in items[place::columns])
        for place in range(columns)
    ]
    grid = figure.subplots(
        len(rows),
        columns,
        squeeze=False,
        width_ratios=[width + 0.1 for width in widths],
        height_ratios=[height + 0.1 for height in heights],
    )
    for spare in grid.flat[len(items) :]:
        spare.remove()
    for n, item in enumerate(items):
        axes, room = grid.flat[n], heights[n // columns]
        height, width = np.shape(item.values)
        draw_matrix(axes, item.values, colour=item.colour, number="{:.4g}".format,
                    highlight=item.highlight)  # fmt: skip
        above = (room - height) / 2
        axes.set(
            xlim=(-0.05, widths[n % columns] + 0.05), ylim=(room - above + 0.05, -above - 0.05)
        )
        # Spare width goes to the outer ends: the matrices belong to each other.
        axes.set_anchor((1 - n % columns / max(1, columns - 1), 0.5))
        axes.set_title(item.name, y=1 - above / (room + 0.1))
        axes.text(width + SIGN / 2, height / 2, item.sign, ha="center", va="center", fontsize=13)


def draw_grid(axes: Axes, height: int, width: int, colour: str = "line") -> None:
    """The lines between and around cells, as one path."""
    lines = [Path([(0, i), (width, i)]) for i in range(height + 1)]
    lines += [Path([(j, 0), (j, height)]) for j in range(width + 1)]
    whole = Path.make_compound_path(*lines)
    axes.add_patch(PathPatch(whole, fc="none", ec=role(colour), lw=0.6, zorder=0.5))


def fill_cells(axes: Axes, cells: Bool[np.ndarray, "h w"], colour: str, alpha: float = 1) -> None:
    """Fill cells. They are one path: neighbours that were drawn one by one would show a seam."""
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]])
    runs = []
    for i, row in enumerate(cells):
        edges = np.flatnonzero(np.diff(np.r_[False, row, False]))  # where runs begin and end
        for start, end in edges.reshape(-1, 2):
            corner, size = np.array([start, i]), np.array([end - start, 1])
            runs.append(Path(corner + size * corners, closed=True))
    if runs:
        whole = Path.make_compound_path(*runs)
        axes.add_patch(PathPatch(whole, fc=role(colour), ec="none", alpha=alpha, zorder=0))


def columns_of(matrices: Mapping[str, Float[np.ndarray, "h w"]]) -> dict[str, list[Any]]:
    """The cells of matrices as the columns of a figure's data; rows and columns count from 0."""
    cells = [
        (name, i, j, number)
        for name, values in matrices.items()
        for (i, j), number in np.ndenumerate(np.asarray(values))
    ]
    return {
        name: [cell[place] for cell in cells]
        for place, name in enumerate(("matrix", "row", "column", "value"))
    }
