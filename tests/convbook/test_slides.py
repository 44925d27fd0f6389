"""A figure on a slide: its letters, its bands, its two grounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex

from convbook.palette import ROLES
from convbook.plotting import WIDE, book_style, draw_image, is_narrow, is_slide, panels, role
from convbook.slides import CREDIT_BAND, MARGIN, TITLE_BAND, draw_slide, new_slide

CREDIT = "Convolutional Networks, Computed, edition 0.1.0 · CC BY 4.0 · figures/a-figure.html"
# Words as findings have them; a line of W alone would be wider than any sentence.
VOCABULARY = """a the of no every average kernel moves pictures half Whatever convolution’s ImageNet
brightness, 10 1,024 5×5 max pooling; transposed equivariant memory"""
WORDS = st.lists(st.sampled_from(VOCABULARY.split()), min_size=1)


def plain(figure):
    figure.subplots().plot([0, 1], [0, 1])


def slide(draw=plain, title="It rises", ground="light", credit=CREDIT):
    """A slide, laid out; with the heading and the credit as the last two of its own texts."""
    with book_style(ground):
        figure = new_slide()
        draw_slide(figure, draw, title, credit)
        figure.draw_without_rendering()
    return figure


def box(figure, artist):
    """Left, bottom, right, top as shares of the slide."""
    extent = artist.get_window_extent(FigureCanvasAgg(figure).get_renderer())
    return extent.transformed(figure.transFigure.inverted()).extents


@settings(max_examples=20, deadline=None)
@given(WORDS)
def test_any_title_of_110_letters_stays_in_its_band(words):
    title = " ".join(words)[:110].rsplit(" ", 1)[0]
    figure = slide(title=title)
    heading, _ = figure.texts
    left, bottom, right, top = box(figure, heading)
    assert left >= MARGIN - 0.001
    assert right <= 1
    assert bottom >= 1 - TITLE_BAND
    assert top <= 1
    assert "".join(heading.get_text().split()) == "".join(title.split())


def test_a_title_without_end_is_refused():
    with pytest.raises(ValueError, match="200 letters"):
        slide(title="word " * 40)


def test_a_title_that_breaks_has_lines_of_about_one_length():
    figure = slide(
        title="Whatever the size of the kernel, a network's convolution never turns it around"
    )
    first, second = figure.texts[0].get_text().split("\n")
    assert abs(len(first) - len(second)) < 15


def test_a_title_breaks_after_a_comma_where_the_lines_allow_it():
    figure = slide(
        title="Ten filters make ten times as many numbers, and pooling takes all but a quarter away"
    )
    assert figure.texts[0].get_text().splitlines()[0].endswith("numbers,")


def test_the_drawing_keeps_between_the_bands():
    def draw(figure):
        for axes in panels(figure, 6, 3):
            axes.set(title="a title", xlabel="a label", ylabel="another")

    figure = slide(draw)
    for axes in figure.axes:
        extent = axes.get_tightbbox(FigureCanvasAgg(figure).get_renderer())
        left, bottom, right, top = extent.transformed(figure.transFigure.inverted()).extents
        assert bottom >= CREDIT_BAND - 0.001
        assert top <= 1 - TITLE_BAND + 0.001
        assert left >= MARGIN - 0.001
        assert right <= 1 - MARGIN + 0.001


@pytest.mark.parametrize(
    "address", ["", "https://a-university.example/~somebody/courses/networks/book/"]
)
@pytest.mark.parametrize("name", ["a-figure", "transposed-and-dilated-a-long-name-of-a-figure"])
def test_the_credit_is_the_last_line_and_stays_on_the_slide(address, name):
    line = CREDIT.replace("figures/a-figure", f"{address}figures/{name}")
    figure = slide(credit=line)
    _, credit = figure.texts
    assert credit.get_text() == line
    left, bottom, right, top = box(figure, credit)
    assert 0 < left < right < 1 - MARGIN
    assert 0 < bottom < top < CREDIT_BAND


def test_letters_are_as_large_as_on_a_hall_s_screen_needs():
    """At 13.3 inches, the width of a slide in presentation programs."""
    figure = slide()
    enlarged = (40 / 3) / figure.get_figwidth()
    (axes,) = figure.axes
    sizes = [label.get_fontsize() * enlarged for label in axes.get_xticklabels()]
    assert min(sizes) >= 16
    assert figure.texts[0].get_fontsize() * enlarged >= 22


def test_a_drawing_can_tell_a_slide():
    seen = []
    slide(lambda figure: seen.append((is_slide(figure), is_narrow(figure))))
    assert seen == [(True, False)]
    with book_style():
        page = new_slide()
        page.set_size_inches(WIDE, 3.0)
    assert not is_slide(page)


@pytest.mark.parametrize("ground", ["light", "dark"])
def test_what_is_drawn_has_the_colours_of_its_ground(ground):
    def draw(figure):
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=role("kernel"))
        axes.plot([0, 1], [1, 0])
        draw_image(figure.add_subplot(), np.eye(3))

    figure = slide(draw, ground=ground)
    axes = figure.axes[0]
    expected = [getattr(ROLES[name], ground) for name in ("kernel", "input")]
    assert [to_hex(line.get_color()) for line in axes.lines] == expected
    assert to_hex(axes.xaxis.label.get_color()) == getattr(ROLES["ink"], ground)
    assert to_hex(figure.texts[0].get_color()) == getattr(ROLES["ink"], ground)


def test_the_ground_ends_with_its_block():
    with book_style("dark"):
        assert role("ink") == ROLES["ink"].dark
        with book_style():
            assert role("ink") == ROLES["ink"].light
        assert role("ink") == ROLES["ink"].dark
    assert role("ink") == ROLES["ink"].light
