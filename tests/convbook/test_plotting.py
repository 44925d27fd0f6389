"""The book's style, and what the drawings of arrays show. Images in files: test_picture_files."""

import logging
import re

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import font_manager
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from convbook.palette import ROLES
from convbook.plotting import (
    NARROW,
    SIGNED_MAP,
    WIDE,
    book_style,
    draw_image,
    draw_matrix,
    is_narrow,
    label_line,
    log_scale,
    name_below,
    panels,
    role,
    ticks,
)


def axes(width=WIDE):
    return Figure(figsize=(width, 3)).subplots()


def test_the_style_ends_with_its_block():
    before = dict(mpl.rcParams)
    with book_style():
        assert dict(mpl.rcParams) != before
    assert dict(mpl.rcParams) == before
    with pytest.raises(KeyError), book_style():
        raise KeyError
    assert dict(mpl.rcParams) == before


def test_the_style_lists_its_fonts_once():
    with book_style():
        pass
    before = len(font_manager.fontManager.ttflist)
    with book_style():
        pass
    assert len(font_manager.fontManager.ttflist) == before


@pytest.mark.parametrize(
    "text", ["plain, −1", "α → β", "$x^2$", r"$\mathbf{w} \cdot \mathit{x}$", r"$\frac{1}{9}$"]
)
def test_the_fonts_have_all_that_is_written(text, caplog):
    with caplog.at_level(logging.WARNING, logger="matplotlib"), book_style():
        figure = Figure()
        figure.text(0.5, 0.5, text)
        figure.draw_without_rendering()
    assert caplog.messages == []


def test_the_book_s_own_font_is_the_one_used():
    with book_style():
        found = font_manager.findfont(mpl.rcParams["font.family"][0])
    assert re.search(r"convbook.fonts.IBMPlexSans-Regular\.ttf$", found)


@pytest.mark.parametrize("width, narrow", [(WIDE, False), (NARROW, True)])
def test_a_drawing_can_tell_a_phone(width, narrow):
    assert is_narrow(Figure(figsize=(width, 3))) is narrow


@pytest.mark.parametrize("name", ROLES)
def test_a_role_is_drawn_in_its_light_colour(name):
    assert role(name) == ROLES[name].light


def test_an_unknown_role_is_named():
    with pytest.raises(ValueError, match="accent"):
        role("accent")


@settings(deadline=None)
@given(st.integers(1, 8), st.integers(1, 5), st.integers(1, 3), st.sampled_from([WIDE, NARROW]))
def test_panels_fill_rows_from_the_left(count, wide, narrow, width):
    figure = Figure(figsize=(width, 3))
    found = panels(figure, count, wide, narrow)
    assert found == figure.axes
    assert len(found) == count
    columns = min(count, wide if width == WIDE else narrow)
    cells = [panel.get_subplotspec() for panel in found]
    assert [(cell.rowspan.start, cell.colspan.start) for cell in cells] == [
        divmod(place, columns) for place in range(count)
    ]


def shown(image, **options):
    """The colours that an image is drawn in, (height, width, 3) from 0 to 1."""
    target = axes()
    draw_image(target, image, **options)
    (drawn,) = target.images
    return drawn.to_rgba(drawn.get_array())[..., :3]


@settings(deadline=None)
@given(st.floats(-1, 1), st.floats(0.1, 2), st.floats(0, 1))
def test_a_grey_image_runs_from_low_to_high(low, span, share):
    grey = shown([[low, low + share * span, low + span]], low=low, high=low + span)[0]
    # one of 256 levels
    np.testing.assert_allclose(grey, np.outer([0, share, 1], np.ones(3)), atol=1 / 128)


@settings(deadline=None)
@given(st.floats(0.01, 100), st.floats(0.05, 1))
def test_a_signed_response_is_pale_at_zero_blue_below_orange_above(limit, share):
    values = np.array([[-limit, -share * limit, 0, share * limit, limit]])
    colours = shown(values, limit=limit)[0]
    red, blue = colours[:, 0], colours[:, 2]
    assert blue[0] > red[0]
    assert blue[1] > red[1]
    assert red[3] > blue[3]
    assert red[4] > blue[4]
    assert np.ptp(colours[2]) < 0.05
    assert colours[2].min() > 0.9
    np.testing.assert_allclose(colours[[0, 4]], SIGNED_MAP([0.0, 1.0])[:, :3])


@pytest.mark.parametrize(
    "options, named",
    [
        ({"limit": 0.0}, "limit"),
        ({"limit": -1.0}, "limit"),
        ({"limit": float("nan")}, "limit"),
        ({"low": 1.0}, "high"),
        ({"high": float("nan")}, "high"),
    ],
)
def test_a_scale_without_extent_is_refused(options, named):
    with pytest.raises(ValueError, match=named):
        draw_image(axes(), np.zeros((2, 2)), **options)


def test_an_image_keeps_its_pixels_square_and_bears_its_title():
    target = axes()
    draw_image(target, np.zeros((2, 5)), "a title")
    assert target.get_aspect() == 1
    assert target.get_title(loc=mpl.rcParams["axes.titlelocation"]) == "a title"
    assert list(target.get_xticks()) == list(target.get_yticks()) == []


def numbers(target):
    """What stands in a matrix's cells, by (row, column)."""
    return {(int(t.get_position()[1]), int(t.get_position()[0])): t for t in target.texts}


@settings(deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_a_matrix_shows_each_entry_in_its_cell(height, width, seed):
    values = np.random.default_rng(seed).integers(-9, 10, (height, width)).astype(float)
    target = axes()
    draw_matrix(target, values)
    texts = {place: text.get_text() for place, text in numbers(target).items()}
    assert {place: float(text.replace("−", "-")) for place, text in texts.items()} == dict(
        np.ndenumerate(values)
    )
    assert "-" not in "".join(texts.values())  # a hyphen is no minus sign
    assert len(target.patches) == height * width


@pytest.mark.parametrize(
    "value, number, text",
    [
        (-0.0, "{:g}", "0"),
        (-0.0, "{:.2f}", "0.00"),
        (-0.001, "{:.2f}", "0.00"),
        (-0.01, "{:.2f}", "−0.01"),
        (-10.0, "{:g}", "−10"),
        (-1e-5, "{:g}", "−1e−05"),
        (0.0, "{:+.1f}", "+0.0"),
    ],
)
def test_a_zero_has_no_minus(value, number, text):
    target = axes()
    draw_matrix(target, [[value]], number=number.format)
    assert numbers(target)[0, 0].get_text() == text


def test_highlighted_cells_are_filled_and_their_numbers_stand_out():
    target = axes()
    draw_matrix(target, [[1, 2], [3, 4]], colour="output", highlight=[(0, 1)])
    filled = {
        (int(p.get_y()), int(p.get_x())): to_hex(p.get_facecolor())
        for p in target.patches
        if p.get_facecolor()[3] > 0
    }
    assert filled == {(0, 1): role("output")}
    colours = {place: text.get_color() for place, text in numbers(target).items()}
    assert colours[0, 1] == role("paper")
    assert {colours[place] for place in [(0, 0), (1, 0), (1, 1)]} == {role("ink")}
    assert {to_hex(p.get_edgecolor()) for p in target.patches} == {role("output")}


def test_a_label_is_written_in_its_line_s_colour():
    target = axes()
    label_line(target, 1, 2, "blur", "kernel")
    (text,) = target.texts
    assert (text.get_text(), text.get_position(), text.get_color()) == (
        "blur",
        (1, 2),
        role("kernel"),
    )


def numbers_on(axis):
    """The numbers that an axis shows, where they stand, and whether there are others between."""
    places = [float(place) for place in axis.get_ticklocs()]
    texts = [label.get_text() for label in axis.get_ticklabels()]
    return dict(zip(texts, places, strict=True)), len(axis.get_minorticklocs()) > 0


def test_logarithmic_axes_have_numbers_where_they_are_asked_for():
    one = axes()
    one.set(xscale="log", xlim=(1, 2000), ylim=(0.001, 1000))
    ticks(one, [8, 16, 1024])
    log_scale(one, [0.02, 0.5, 100])
    assert one.get_yscale() == "log"
    assert numbers_on(one.xaxis) == ({"8": 8, "16": 16, "1024": 1024}, False)
    assert numbers_on(one.yaxis) == ({"0.02": 0.02, "0.5": 0.5, "100": 100}, False)


@pytest.mark.parametrize("width, named", [(WIDE, ["side", "side"]), (NARROW, ["", "side"])])
def test_panels_that_are_stacked_name_their_axis_once(width, named):
    figure = Figure(figsize=(width, 3))
    both = panels(figure, 2, 2, 1)
    name_below(figure, both, "side")
    assert [one.get_xlabel() for one in both] == named
