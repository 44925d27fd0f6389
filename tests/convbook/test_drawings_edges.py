"""The drawings of edge images and of results over seeds, and the numbers behind them."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.figure import Figure

from convbook.calibration import reliability
from convbook.drawings import edges, procedure
from convbook.edges import FIVE, draw_edges
from convbook.plotting import NARROW, SLIDE, WIDE, book_style

RNG = np.random.default_rng(0)
IMAGES = draw_edges(RNG, 10, classes=FIVE)
ROWS = {name: IMAGES.images[IMAGES.labels == n] for n, name in enumerate(FIVE)}


def drawn(draw, size):
    with book_style():
        figure = Figure(figsize=size)
        draw(figure)
        figure.draw_without_rendering()
    return figure


def pictures(axes):
    return [image.get_array() for image in axes.images]


@pytest.mark.parametrize(("size", "shown"), [((WIDE, 5), 10), ((NARROW, 5), 3), (SLIDE, 3)])
def test_lines_of_images_are_shorter_where_space_is_short(size, shown):
    lines = {axes.get_ylabel(): pictures(axes) for axes in
             drawn(edges.examples(ROWS, narrow=3), size).axes}  # fmt: skip
    assert lines.keys() == ROWS.keys()
    for name, (line,) in lines.items():
        assert line.shape == (28, 28 * shown + edges.GAP * (shown - 1))
        assert np.array_equal(line[:, :28], ROWS[name][0])


def test_the_lines_of_a_slide_are_read_down_one_column_then_down_the_other():
    figure = drawn(edges.examples(ROWS), SLIDE)
    places = {axes.get_ylabel(): axes.get_position() for axes in figure.axes}
    first, second = [places[name] for name in FIVE[:3]], [places[name] for name in FIVE[3:]]
    assert max(place.x1 for place in first) < min(place.x0 for place in second)
    for column in (first, second):
        assert all(above.y0 > below.y1 for above, below in pairwise(column))


def test_upright_a_slide_has_a_column_for_each_name():
    figure = drawn(edges.examples(ROWS, upright=2), SLIDE)
    for above, below, (name, images) in zip(figure.axes[:5], figure.axes[5:], ROWS.items(),
                                            strict=True):  # fmt: skip
        assert np.array_equal(pictures(above), images[:1])
        assert np.array_equal(pictures(below), images[1:2])
        assert above.get_title(loc="left") == name


def test_facts_are_enough_to_draw_a_horizontal_band_again():
    facts = edges.facts(ROWS)
    table = [dict(zip(facts, row, strict=True)) for row in zip(*facts.values(), strict=True)]
    assert len(table) == len(IMAGES.images)
    for row in table:
        image = ROWS[row["line"]][row["image"]]
        if row["line"] in ("horizontal", "vertical"):
            again = np.full_like(image, row["ground"])
            again[row["first row"] : row["last row"] + 1,
                  row["first column"] : row["last column"] + 1] = row["band"]  # fmt: skip
            assert np.array_equal(again, image)
        assert row["bright pixels"] == np.sum(image > row["ground"])
        assert (row["band"] is None) == (row["line"] == "none") == (row["first row"] is None)


def test_pixels_come_back_from_their_columns():
    image = RNG.random((3, 5))
    columns = edges.pixels({"a": image, "b": 2 * image})
    again = np.zeros((3, 5))
    again[columns["row"], columns["column"]] = columns["b"]
    assert np.array_equal(again, 2 * image)


@pytest.mark.parametrize("size", [(WIDE, 3), (NARROW, 3), SLIDE])
@pytest.mark.parametrize("chance", [0.2, 0.9])
def test_the_line_of_chance_is_named_beside_it_in_the_first_panel(size, chance):
    rows = {"one": RNG.random(10), "two": RNG.random(10)}
    figure = drawn(edges.over_seeds({"a": rows, "b": rows}, {}, chance=chance, mark="here"), size)
    names = [[text for text in axes.texts if text.get_text() == "here"] for axes in figure.axes]
    assert [len(each) for each in names] == [1, 0]
    place = names[0][0].get_window_extent().transformed(figure.axes[0].transData.inverted())
    assert 0 <= place.x0 < place.x1 <= 1
    assert (place.x0 > chance) == (chance < 0.5)
    assert min(place.y0, place.y1) > 1.27  # below the dots of the last row


def test_a_reliability_diagram_can_be_added_up_from_its_columns():
    scores = {"hot": RNG.normal(0, 3, (4, 50, 3)), "cold": RNG.normal(0, 1, (4, 50, 3))}
    labels = RNG.integers(3, size=(4, 50))
    losses = {name: RNG.random(4) for name in ("hot", "cold", "early")}
    columns = procedure.calibration_columns([7, 8, 9, 10], scores, labels, losses)
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    for name, each in scores.items():
        pooled = reliability(each.reshape(-1, 3), labels.ravel())
        for n in range(10):
            own = [row for row in rows if row["state"] == name and row["confidence from"] == n / 10]
            assert [row["seed"] for row in own] == [7, 8, 9, 10]
            share, claimed, right = (np.sum([row[key] for row in own])
                                     for key in ("share", "claimed", "right"))  # fmt: skip
            assert share / 4 == pytest.approx(pooled.share[n])
            if share:
                assert claimed / share == pytest.approx(pooled.confidence[n])
                assert right / share == pytest.approx(pooled.accuracy[n])
    for name, values in losses.items():
        own = [row["loss"] for row in rows if row["state"] == name and row["share"] is None]
        assert own == list(values)
