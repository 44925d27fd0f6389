"""The drawings about batch size: each one draws on a wide page and on a phone, what it is given."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from convbook.drawings import batches
from convbook.experiments.batch_rates import StepCost
from convbook.plotting import NARROW, WIDE, book_style

SIZES = (4, 16, 64)
RNG = np.random.default_rng(0)
VALUES = RNG.random((3, 10))
COST = StepCost(0.003, 0.0001)
STEPS = COST.step(SIZES)[:, None] * RNG.uniform(0.9, 1.1, (3, 10))
PARTS = {"data": np.ones(3), "fixed": np.array([4.0, 2.0, 1.0]), "images": np.full(3, 2.0)}
DRAWINGS = {
    "by_batch": batches.by_batch(
        SIZES,
        {"accuracy": {"one": ("output", "-", VALUES, (16, 8))},
         "lag": {"two": ("gradient", "--", 2 * VALUES, (4, -8))}},
        tops={"lag": 2.2}, levels={"accuracy": 0.1}),
    "against_time": batches.against_time(
        {size: (np.linspace(0.1, 1, 4) / size, RNG.random((4, 10))) for size in SIZES},
        {4: "input", 16: "kernel", 64: "output"}, "training accuracy"),
    "step_times": batches.step_times(
        SIZES, PARTS, {"data": "output", "fixed": "kernel", "images": "input"}, STEPS, COST),
}  # fmt: skip


def drawn(name, width):
    with book_style():
        figure = Figure(figsize=(width, 3))
        DRAWINGS[name](figure)
        figure.canvas.draw()
    return figure


@pytest.mark.parametrize("name", DRAWINGS)
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_every_panel_shows_something_and_its_numbers(name, width):
    figure = drawn(name, width)
    for axes in figure.axes:
        assert axes.lines or axes.patches
        assert any(label.get_text() for label in axes.get_xticklabels())


def test_lines_are_the_means_with_their_names_and_a_level_is_where_it_was_asked_for():
    accuracy, lag = drawn("by_batch", WIDE).axes
    assert np.allclose(accuracy.lines[0].get_ydata(), VALUES.mean(1))
    assert accuracy.get_xscale() == "log"
    assert np.allclose(accuracy.lines[1].get_ydata(), 0.1)
    assert len(lag.lines) == 1
    assert (accuracy.get_ylim()[1], lag.get_ylim()[1]) == (1.13, 2.2)
    for axes, name, x, y in ((accuracy, "one", 16, VALUES[1]), (lag, "two", 4, 2 * VALUES[0])):
        (label,) = axes.texts
        assert label.get_text() == name
        assert np.allclose(label.xy, (x, y.mean()))


def test_every_line_against_time_has_its_name_and_the_largest_its_level():
    (axes,) = drawn("against_time", WIDE).axes
    assert [text.get_text() for text in axes.texts] == ["4", "16", "64 ends here"]
    *lines, level = axes.lines
    assert np.allclose(level.get_ydata(), lines[2].get_ydata()[-1])


def test_bars_stand_on_one_another():
    bars = drawn("step_times", WIDE).axes[0].patches
    tops = np.reshape([bar.get_y() + bar.get_height() for bar in bars], (3, 3))
    assert np.allclose(tops, np.cumsum(list(PARTS.values()), axis=0))


def test_the_line_of_a_step_is_the_sum_of_its_parts():
    whole, fixed, images = drawn("step_times", WIDE).axes[1].lines[:3]
    assert np.allclose(whole.get_ydata(), fixed.get_ydata() + images.get_ydata())
    assert np.allclose(whole.get_ydata(), 1e3 * COST.step(whole.get_xdata()))


@pytest.mark.parametrize(
    "low, high, expected",
    [(0.8, 40, [1, 3, 10, 30]), (0.02, 0.5, [0.03, 0.1, 0.3]), (4.1, 5, [1, 3, 10, 30])],
)
def test_numbers_of_a_logarithmic_axis(low, high, expected):
    assert np.allclose(batches._decades(low, high), expected)
