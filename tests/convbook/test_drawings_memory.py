"""The drawings about memory show what they are given."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from convbook.drawings import memory as drawings
from convbook.memory import predict
from convbook.models import resnet10
from convbook.plotting import NARROW, WIDE, book_style, role


def drawn(draw, width):
    with book_style():
        figure = Figure(figsize=(width, 3.0))
        draw(figure)
        figure.draw_without_rendering()
    return figure


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


@pytest.fixture(scope="module")
def report():
    return predict(resnet10(10, width=4), (16, 16, 3), 4, "adam")


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=3000), st.integers(2, 400))
def test_thinning_keeps_the_highest_and_both_ends(values, points):
    values = np.array(values)
    kept = drawings.thinned(values, points)
    assert (np.diff(kept) > 0).all()
    assert len(kept) <= max(points + 2, 1)
    assert values[kept].max() == values.max()
    assert kept[0] == 0
    assert kept[-1] == len(values) - 1


@given(st.lists(st.floats(0, 1), min_size=2, max_size=200), st.floats(1e-3, 0.5))
def test_what_is_left_out_of_a_curve_lies_on_it(values, tolerance):
    x, y = np.sort(np.random.default_rng(0).random(len(values))), np.array(values)
    kept = drawings._bends(x, y, tolerance)
    assert kept[0] == 0
    assert kept[-1] == len(y) - 1
    assert (np.diff(kept) > 0).all()
    assert np.abs(np.interp(x, x[kept], y[kept]) - y).max() <= tolerance + 1e-12
    assert y[kept].max() == y.max()


def test_a_straight_line_is_its_two_ends():
    x = np.linspace(0, 1, 50)
    assert drawings._bends(x, 3 * x) == [0, 49]
    assert drawings._bends(x, np.abs(x - x[20])) == [0, 20, 49]


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_a_breakdown_is_as_long_as_all_its_kinds(report, width):
    figure = drawn(drawings.breakdown({"Adam": report.at_peak}), width)
    (axes,) = figure.axes
    ends = [patch.get_x() + patch.get_width() for patch in axes.patches]
    assert max(ends) == pytest.approx(report.requested_peak / 1e6)
    assert f"{report.requested_peak / 1e6:,.0f}" in texts(figure)
    state = [p for p in axes.patches if p.get_facecolor()[:3] == _rgb("ink")]
    assert sum(p.get_width() for p in state) == pytest.approx(report.optimizer_state / 1e6)


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_a_step_reaches_its_peak_and_names_its_phases(report, width):
    figure = drawn(drawings.over_a_step(report.timeline, 2), width)
    (axes,) = figure.axes
    highest = max(patch.get_path().vertices[:, 1].max() for patch in axes.patches)
    last = report.timeline.requested[report.timeline.step == 2]
    assert highest == pytest.approx(last.max() / 1e6)
    assert {"backward", "step"} <= set(texts(figure))


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_what_is_held_lies_above_what_is_needed(report, width):
    figure = drawn(drawings.held_and_needed({"Adam": report.timeline}), width)
    (axes,) = figure.axes
    (line,) = [one for one in axes.lines if one.get_color() == role("ink")]
    assert line.get_ydata().max() == pytest.approx(report.reserved / 1e6)
    assert "step 2" in " ".join(texts(figure))


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_pairs_and_bars_say_their_numbers(width):
    pairs = drawn(drawings.costs({"as it is": (1.0, 1.0), "checkpoint": (0.51, 1.33)}), width)
    assert {"0.51", "1.33"} <= set(texts(pairs))
    bars = drawn(drawings.bars({"a": 2.25, "b": 1.0}, {}, "GB", "{:.2f}"), width)
    assert {"2.25", "1.00"} <= set(texts(bars))


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_ratios_and_batches_lie_where_their_values_are(width):
    rows = {"one": {"x": 0.5, "y": 2.0}}
    figure = drawn(
        drawings.ratios(rows, {"x": "kernel", "y": "input"}, limits=(0.3, 3), name="ratio",
                        places=(0.5, 1, 2)), width)  # fmt: skip
    found = {
        float(line.get_xdata()[0]) for line in figure.axes[0].lines if line.get_marker() == "o"
    }
    assert found == {0.5, 2.0}

    batches = np.array([1, 2, 4])
    figure = drawn(
        drawings.against_batch(batches, {"held": ("ink", 1.0 * batches)}, {"2 GB": 2.0}, {2: 1.9}),
        width,
    )
    dots = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert [tuple(dot.get_xydata()[0]) for dot in dots] == [(2.0, 1.9)]
    assert {"held", "2 GB"} <= set(texts(figure))


def _rgb(name):
    from matplotlib.colors import to_rgb

    return to_rgb(role(name))
