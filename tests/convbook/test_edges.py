"""Edge images: what they hold, that nothing else tells the classes apart, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from convbook.edges import (
    FIVE,
    THREE,
    Edges,
    draw_edges,
    permutation,
    permute,
    shuffle_labels,
)


def lit(image: np.ndarray) -> np.ndarray:
    """Where a noiseless image is not background, given that less than half of it is lit."""
    return np.asarray(image != np.median(image))


def statistics(edges: Edges) -> np.ndarray:
    """What one can say of an image without knowing where its pixels are: (n, 9)."""
    pixels = edges.images.reshape(len(edges), -1).astype(float)
    moments = [pixels.mean(1), pixels.std(1), (pixels**3).mean(1), pixels.min(1), pixels.max(1)]
    return np.column_stack([*moments, np.percentile(pixels, [5, 50, 90, 98], axis=1).T])


def score_of_statistics(classes: tuple[str, ...], change: str | None = None) -> float:
    """The accuracy of a linear classifier that sees an image's statistics only, on new images."""
    train, test = (draw_edges(np.random.default_rng([7, n]), 400, classes=classes) for n in (0, 1))
    for edges in (train, test):
        if change is not None:
            edges.images[edges.labels == classes.index(change)] += 0.1
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    classifier.fit(statistics(train), train.labels)
    return float(classifier.score(statistics(test), test.labels))


@given(
    seed=st.integers(0, 10**6),
    per_class=st.integers(1, 6),
    side=st.integers(9, 40),
    narrow=st.integers(1, 4),
    more=st.integers(0, 2),
)
def test_bands_lie_as_their_class_says_and_light_as_many_pixels(
    seed: int, per_class: int, side: int, narrow: int, more: int
) -> None:
    widths = (narrow, min(narrow + more, side // 3))
    widths = (min(widths), max(widths))
    edges = draw_edges(
        np.random.default_rng(seed), per_class, classes=FIVE, side=side, widths=widths,
        intensities=(0.5, 1), backgrounds=(0, 0.2),
    )  # fmt: skip
    assert edges.images.dtype == np.float32
    assert edges.images.shape == (5 * per_class, side, side)
    assert np.array_equal(edges.labels, np.repeat(np.arange(5), per_class))
    allowed = [side * width for width in range(widths[0], widths[1] + 1)]
    for image, label in zip(edges.images, edges.labels, strict=True):
        assert len(np.unique(image)) <= 2
        assert image.min() >= 0
        assert image.max() <= 1
        bright = image > 0.35
        rows, columns = bright.all(axis=1), bright.all(axis=0)
        match edges.classes[label]:
            case "horizontal":
                assert bright.sum() in allowed
                assert np.array_equal(bright, np.broadcast_to(rows[:, None], bright.shape))
            case "vertical":
                assert bright.sum() in allowed
                assert np.array_equal(bright, np.broadcast_to(columns, bright.shape))
            case "none":
                assert not bright.any()
                assert image.max() <= np.float32(0.2)
            case "diagonal":
                assert bright.sum() in allowed
            case "both":
                assert rows.any()
                assert columns.any()
                assert np.array_equal(bright, rows[:, None] | columns)


def test_every_place_is_as_likely_as_any_other_the_last_row_too() -> None:
    edges = draw_edges(np.random.default_rng(3), 2800, classes=("horizontal",), widths=(1, 1))
    counts = lit(edges.images[0]).shape[0] * [0]
    for image in edges.images:
        counts[int(np.argmax(lit(image).all(axis=1)))] += 1
    assert min(counts) > 0
    assert chisquare(counts).pvalue > 1e-3


def test_the_two_bands_of_both_do_not_share_a_place() -> None:
    edges = draw_edges(np.random.default_rng(4), 2000, classes=("both",), widths=(1, 1))
    bright = np.array([lit(image) for image in edges.images])
    rows, columns = bright.all(axis=2).argmax(axis=1), bright.all(axis=1).argmax(axis=1)
    assert abs(np.corrcoef(rows, columns)[0, 1]) < 0.1


@pytest.mark.parametrize("angle", [0, 17, 30, 45, 63, 90, 120, 135, 160])
def test_a_diagonal_runs_at_its_angle(angle: float) -> None:
    edges = draw_edges(
        np.random.default_rng(5), 30, classes=("diagonal",), side=60, widths=(2, 2), angles=(angle,)
    )
    for image in edges.images:
        row, column = np.nonzero(image > np.median(image))
        points = np.column_stack([column, -row]).astype(float)
        _, _, axes = np.linalg.svd(points - points.mean(axis=0))
        found = np.degrees(np.arctan2(axes[0, 1], axes[0, 0]))
        assert abs((found - angle + 90) % 180 - 90) < 3  # a cut corner tilts it a little


@pytest.mark.parametrize("angle", [30, 60, 90, 120, 150, 180])
def test_a_diagonal_crosses_the_middle_anywhere_in_its_middle_half(angle: float) -> None:
    edges = draw_edges(
        np.random.default_rng(6), 400, classes=("diagonal",), side=41, widths=(1, 1),
        angles=(angle,),
    )  # fmt: skip
    steep = 45 < angle < 135
    places = [
        np.flatnonzero(lit(image if steep else image.T)[20]).mean() - 20 for image in edges.images
    ]
    assert np.abs(places).max() < 41 / 4 + 1  # rounded to pixels
    assert min(places) < -9
    assert max(places) > 9


def test_no_statistic_of_an_image_tells_one_orientation_from_another() -> None:
    score = score_of_statistics(("horizontal", "vertical", "diagonal"))
    assert abs(score - 1 / 3) < 4 * np.sqrt(2 / 9 / 1200)


def test_statistics_do_tell_where_there_is_something_to_tell() -> None:
    # The check above can fail: a class a little brighter than the others is found at once.
    assert score_of_statistics(("horizontal", "vertical", "diagonal"), change="diagonal") > 0.4
    assert score_of_statistics(("horizontal", "none")) > 0.95


@given(seed=st.integers(0, 10**6), second=st.booleans(), side=st.sampled_from([20, 28]))
def test_bands_stay_within_their_half(seed: int, second: bool, side: int) -> None:
    places = (0.5, 1) if second else (0, 0.5)
    edges = draw_edges(
        np.random.default_rng(seed), 5, side=side, places=places, backgrounds=(0, 0.1)
    )
    for image in (edges.images[:5], edges.images[5:10].swapaxes(1, 2)):
        other = image[:, : side // 2] if second else image[:, side // 2 :]
        assert np.ptp(other, axis=(1, 2)).max() == 0
        assert np.ptp(image, axis=(1, 2)).min() > 0


def test_grey_levels_fill_their_ranges() -> None:
    edges = draw_edges(
        np.random.default_rng(6), 500, intensities=(0.4, 0.6), backgrounds=(0.1, 0.3),
        classes=("horizontal", "none"),
    )  # fmt: skip
    band, background = edges.images[:500].max(axis=(1, 2)), edges.images[500:].max(axis=(1, 2))
    for values, low, high in ((band, 0.4, 0.6), (background, 0.1, 0.3)):
        assert low <= values.min() < low + 0.01
        assert high - 0.01 < values.max() <= high + 1e-6


def test_noise_is_normal_and_not_clipped() -> None:
    edges = draw_edges(
        np.random.default_rng(8), 50, classes=("none",), noise=0.15, backgrounds=(0, 0)
    )
    assert edges.images.std() == pytest.approx(0.15, rel=0.01)
    assert edges.images.min() < -0.3
    assert abs(edges.images.mean()) < 0.005


def test_the_same_generator_draws_the_same_images() -> None:
    first, again = (draw_edges(np.random.default_rng(9), 20, classes=FIVE) for _ in range(2))
    assert np.array_equal(first.images, again.images)
    assert not np.array_equal(
        first.images, draw_edges(np.random.default_rng(10), 20, classes=FIVE).images
    )


def test_shuffled_labels_are_the_same_labels_in_another_order() -> None:
    edges = draw_edges(np.random.default_rng(0), 100)
    shuffled = shuffle_labels(np.random.default_rng(1), edges)
    assert np.array_equal(np.bincount(shuffled.labels), [100, 100, 100])
    assert np.mean(shuffled.labels == edges.labels) < 0.5
    assert np.array_equal(shuffled.images, edges.images)


@given(seed=st.integers(0, 10**6), block=st.sampled_from([1, 2, 4, 7, 14, 28, None]))
def test_a_permutation_moves_pixels_within_their_block(seed: int, block: int | None) -> None:
    order = permutation(np.random.default_rng(seed), 28, block)
    assert np.array_equal(np.sort(order), np.arange(784))
    width = block or 28
    new, old = np.divmod(np.arange(784), 28), np.divmod(order, 28)
    for now, before in zip(new, old, strict=True):
        assert np.array_equal(now // width, before // width)
    moves = (order - np.arange(784)).reshape(28 // width, width, 28 // width, width)
    assert np.ptp(moves, axis=(0, 2)).max() == 0  # all blocks share one order


def test_permuting_takes_each_pixel_from_where_the_order_says() -> None:
    edges = Edges(np.arange(8, dtype=np.float32).reshape(2, 2, 2), np.array([0, 1]), ("a", "b"))
    moved = permute(edges, np.array([2, 0, 3, 1]))
    assert moved.images.tolist() == [[[2, 0], [3, 1]], [[6, 4], [7, 5]]]
    assert np.array_equal(moved.labels, edges.labels)


def test_tensors_have_an_axis_for_the_channel() -> None:
    images, labels = draw_edges(np.random.default_rng(0), 3).tensors
    assert images.shape == (9, 1, 28, 28)
    assert labels.shape == (9,)


@pytest.mark.parametrize(
    "wrong",
    [
        {"per_class": 0},
        {"classes": ()},
        {"classes": "horizontal"},
        {"classes": ("horizontal", "horizontal")},
        {"classes": ("horizontal", "round")},
        {"side": 1},
        {"widths": (0, 2)},
        {"widths": (3, 2)},
        {"widths": (1, 29)},
        {"widths": (1, 15), "places": (0, 0.5)},
        {"intensities": (1, 0.5)},
        {"backgrounds": (0.2, 0.1)},
        {"places": (0.5, 0.5)},
        {"places": (-0.1, 0.5)},
        {"places": (0.5, 1.1)},
        {"places": (0, 0.5), "classes": FIVE},
        {"noise": -0.1},
    ],
)
def test_what_cannot_be_drawn_is_refused(wrong: dict[str, Any]) -> None:
    settings: dict[str, Any] = {"per_class": 2, "classes": THREE, **wrong}
    with pytest.raises(ValueError, match=next(iter(wrong))):
        draw_edges(np.random.default_rng(0), **settings)


def test_orders_that_are_no_permutation_are_refused() -> None:
    edges = draw_edges(np.random.default_rng(0), 1, side=4, widths=(1, 1))
    for order in (np.arange(15), np.zeros(16, dtype=int), np.arange(1, 17)):
        with pytest.raises(ValueError, match="order"):
            permute(edges, order)
    with pytest.raises(ValueError, match="block"):
        permutation(np.random.default_rng(0), 28, block=5)
