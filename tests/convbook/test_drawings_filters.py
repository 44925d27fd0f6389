import numpy as np
import pytest
from matplotlib.figure import Figure

from convbook.drawings.filters import Picture, one_pixel, pictures, template
from convbook.plotting import SLIDE, book_style

PAGE = (7.2, 2.0)


def drawn(draw, size):
    with book_style():
        figure = Figure(figsize=size)
        draw(figure)
        figure.draw_without_rendering()
    return figure.axes


def test_a_slide_shows_the_same_pictures_in_its_own_order_and_a_part_of_each():
    items = [Picture(name, np.full((8, 6), n / 4), result=f"{n}") for n, name in enumerate("wxyz")]
    draw = pictures(items, 4, slide="ab;cd", window=np.s_[2:5])
    page, slide = drawn(draw, PAGE), drawn(draw, SLIDE)
    for n, (wide, part) in enumerate(zip(page, slide, strict=True)):
        whole, cut = (axes.images[0].get_array() for axes in (wide, part))
        assert whole.shape == (8, 6)
        assert np.array_equal(cut, whole[2:5])
        assert wide.get_title(loc="left") == part.get_title(loc="left") == "wxyz"[n]
        assert wide.get_xlabel() == part.get_title(loc="right") == f"{n}"
    assert len({axes.get_position().y0 for axes in page}) == 1
    rows = [axes.get_position().y0 for axes in slide]
    assert rows[0] == rows[1] > rows[2] == rows[3]


@pytest.mark.parametrize("size", [PAGE, SLIDE, (3.6, 3.8)])
def test_the_sum_of_nine_products_is_as_large_as_a_cell_and_level_with_the_middle_row(size):
    *_, products, total = drawn(one_pixel(np.eye(3), np.ones((3, 3)), 3.0), size)
    middle, cell = (axes.patches[n].get_window_extent() for axes, n in ((products, 4), (total, 0)))
    assert np.allclose([middle.y0, middle.height], [cell.y0, cell.height], atol=0.5)


def test_on_a_slide_the_searched_picture_is_larger_than_its_maps():
    picture, scores = np.zeros((30, 45)), np.zeros((26, 40))
    scores[3, 4] = 1
    maps = dict.fromkeys(("one", "two"), (scores, (3, 4)))
    draw = template(picture, (5, 6), {"1": (3, 4)}, maps)
    width = [axes.get_position().width for axes in drawn(draw, SLIDE)]
    assert width[0] > 1.8 * max(width[1:])
    assert np.allclose(np.diff([axes.get_position().width for axes in drawn(draw, PAGE)]), 0)
