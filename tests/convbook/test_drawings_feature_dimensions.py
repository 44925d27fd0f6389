import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch

from convbook.drawings.dots import dots
from convbook.drawings.feature_dimensions import Activation, boxes, unread
from convbook.drawings.fields import holes
from convbook.plotting import SLIDE, book_style


def drawn(draw, size=(7.2, 2.5)):
    with book_style():
        figure = Figure(figsize=size)
        draw(figure)
        figure.draw_without_rendering()
    return figure


def words(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), min_size=1, max_size=30))
def test_there_is_a_dot_at_each_place_and_no_line_from_one_to_the_next(places):
    x, y = np.array(places).T
    axes = Figure().subplots()
    dots(axes, x, y, "input")
    (patch,) = axes.patches
    assert isinstance(patch, PathPatch)
    pieces = patch.get_path()
    starts, ends = pieces.vertices[::2], pieces.vertices[1::2]
    assert np.array_equal(starts, places)
    assert np.abs(starts - ends).max() < 0.001
    assert list(pieces.codes) == [pieces.MOVETO, pieces.LINETO] * len(places)


def test_every_dot_is_painted_in_a_picture_of_pixels():
    figure = Figure(figsize=(2, 2), dpi=100)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, 4), ylim=(0, 4))
    axes.axis("off")
    dots(axes, np.array([1.0, 2, 3, 1]), np.array([1.0, 2, 3, 3]), "ink", size=10)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    dark = np.asarray(canvas.buffer_rgba())[..., 0] < 200
    places = ((50, 50), (100, 100), (150, 150), (50, 150))
    assert all(dark[200 - y, x] for x, y in places)
    assert not dark[150 - 25, 75]  # halfway between two of them
    assert 4 * 50 < dark.sum() < 4 * 250


def test_boxes_say_by_what_a_layer_multiplies_or_divides_the_numbers():
    layers = [Activation("in", (8, 8, 1), "8"), Activation("conv", (8, 8, 6), "6"),
              Activation("pool", (4, 4, 6), "?"), Activation("same", (4, 4, 6), "s"),
              Activation("flat", (96,), "96")]  # fmt: skip
    for size in ((7.2, 2), SLIDE, (3.6, 3)):
        changes = [
            word for word in words(drawn(boxes(layers), size)) if word.startswith(("×", "÷"))
        ]
        assert changes == ["×6", "÷4"]


def test_what_no_window_reads_and_what_one_output_sees_is_counted():
    half = np.indices((4, 4)).sum(0) % 2 == 0
    assert words(drawn(unread({"a": half, "b": np.ones((4, 4), bool)}))) == [
        "50 % unread", "0 % unread",
    ]  # fmt: skip
    assert words(drawn(holes({"a": half, "b": np.ones((3, 3), bool)}))) == ["8 of 16", "9 of 9"]
