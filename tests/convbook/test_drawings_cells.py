"""Cells: what is filled, where matrices stand, and the table of their numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from matplotlib.figure import Figure

from convbook.drawings import cells
from convbook.plotting import book_style
from convbook.rendering import to_csv

MATRICES = [
    cells.Matrix("first", np.arange(16.0).reshape(4, 4), "input", sign="∗"),
    cells.Matrix("second", np.ones((2, 2)), "kernel", [(0, 1)], "="),
    cells.Matrix("third", np.ones((3, 3)), "output"),
]


@given(arrays.arrays(bool, arrays.array_shapes(min_dims=2, max_dims=2, max_side=8)))
def test_the_filled_cells_are_those_asked_for(wanted):
    axes = Figure().subplots()
    with book_style():
        cells.fill_cells(axes, wanted, "input")
    paths = [patch.get_path() for patch in axes.patches]
    assert len(paths) == wanted.any()
    for (i, j), filled in np.ndenumerate(wanted):
        assert any(path.contains_point((j + 0.5, i + 0.5)) for path in paths) == filled


@pytest.mark.parametrize("columns", [1, 2, 3])
@pytest.mark.parametrize("size", [(7.2, 2.3), (7.2, 6.0), (3.6, 4.0)])
def test_cells_of_matrices_beside_each_other_are_of_one_size(columns, size):
    with book_style():
        figure = Figure(figsize=size)
        cells.draw_matrices(figure, MATRICES, columns)
        figure.draw_without_rendering()
    sides = [np.diff(axes.transData.transform([(0, 0), (1, 1)]), axis=0) for axes in figure.axes]
    assert np.allclose(np.abs(sides), np.abs(sides[0]), rtol=0.02)


def text_of(part):
    return getattr(part, "get_text", str)()


def test_middles_of_matrices_in_a_row_are_at_one_height_and_their_names_above_them():
    with book_style():
        figure = Figure(figsize=(7.2, 3.0))
        cells.draw_matrices(figure, MATRICES, 3)
        figure.draw_without_rendering()
    middles, gaps = [], []
    for axes, item in zip(figure.axes, MATRICES, strict=True):
        height = len(item.values)
        top, middle = axes.transData.transform([(0, 0), (0, height / 2)])[:, 1]
        middles.append(middle)
        (name,) = axes.findobj(lambda part, name=item.name: text_of(part) == name)
        gaps.append(name.get_window_extent().y0 - top)
    assert np.ptp(middles) < 1
    assert 0 < min(gaps) <= max(gaps) < 20  # pixels


def test_the_lines_of_a_grid_are_those_between_and_around_its_cells():
    axes = Figure().subplots()
    with book_style():
        cells.draw_grid(axes, 2, 3)
    (patch,) = axes.patches
    ends = patch.get_path().vertices.reshape(-1, 2, 2).tolist()
    across = [[[0, i], [3, i]] for i in range(3)]
    down = [[[j, 0], [j, 2]] for j in range(4)]
    assert ends == across + down


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=4),
        arrays.arrays(int, arrays.array_shapes(min_dims=2, max_dims=2, max_side=4)),
        min_size=1,
        max_size=3,
    )
)
def test_the_table_of_cells_holds_every_number_once(matrices):
    table = cells.columns_of(matrices)
    assert list(table) == ["matrix", "row", "column", "value"]
    assert len(table["value"]) == sum(values.size for values in matrices.values())
    for name, i, j, value in zip(*table.values(), strict=True):
        assert matrices[name][i, j] == value
    assert len(set(zip(*list(table.values())[:3], strict=True))) == len(table["value"])


def test_the_table_of_cells_is_a_figures_data():
    assert to_csv(cells.columns_of({"a": np.array([[1.5, 2]])})).splitlines() == [
        "matrix,row,column,value",
        "a,0,0,1.5",
        "a,0,1,2",
    ]
