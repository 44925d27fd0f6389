"""The drawings about depth and ingredients: each one draws on a wide page and on a phone."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from convbook.drawings import deeper, ingredients
from convbook.plotting import NARROW, WIDE, book_style

RNG = np.random.default_rng(0)
VALUES = {"one": RNG.random(10), "two": np.full(10, 0.2)}
COLOURS = {"one": "output", "two": "gradient"}
LINES = {"a": ("output", "o-", [0.1, 0.2, 0.3], (1, 0.2))}
DRAWINGS = {
    "accuracies": deeper.accuracies(VALUES, COLOURS, {"chance": 0.2}),
    "plateau": deeper.plateau(
        np.arange(3), RNG.random((3, 4)),
        {"one": np.array([True, True, True, False]), "two": np.array([False] * 3 + [True])},
        COLOURS, 1.6),
    "layers": deeper.layers(
        {"news": LINES, "slope": LINES}, {"news": [0.1, 1], "slope": [0.1, 1]}),
    "shares": deeper.shares({name: (0.5, 0.2, 0.8, values, "output")
                             for name, values in VALUES.items()}),
    "moved": ingredients.moved(range(10), VALUES, COLOURS, {"one": (1, 1), "two": (2, 1)}),
    "tasks": ingredients.against_tasks(
        {"x": VALUES, "y": VALUES}, 1 / 3, {"x": COLOURS, "y": COLOURS}),
}  # fmt: skip


@pytest.mark.parametrize("name", DRAWINGS)
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_every_drawing_shows_all_its_values(name, width):
    with book_style():
        figure = Figure(figsize=(width, 3))
        DRAWINGS[name](figure)
        figure.canvas.draw()
    shown = [axes for axes in figure.axes if axes.lines or axes.collections]
    assert shown == figure.axes
    assert len(shown) >= 1


def test_dots_stand_at_the_values_and_the_bar_at_their_mean():
    with book_style():
        figure = Figure()
        axes = figure.subplots()
        deeper.dots_and_mean(axes, 0, VALUES["one"], "output")
    dots, interval, mean = axes.lines
    assert np.array_equal(dots.get_xdata(), VALUES["one"])
    assert np.allclose(mean.get_xdata(), VALUES["one"].mean())
    low, high = interval.get_xdata()
    assert low < VALUES["one"].mean() < high
