"""The tasks made for each way to pool: what their images hold, counted independently."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from convbook.experiments import pooled

SEEDS = st.integers(0, 10**6)


def without_noise(monkeypatch):
    monkeypatch.setitem(pooled.SMALL, "noise", 0.0)


def test_counts_are_the_number_of_separate_bands(monkeypatch):
    without_noise(monkeypatch)
    edges = pooled.counts(np.random.default_rng(0), 200)
    assert edges.classes == ("one", "two", "three")
    for image, label in zip(edges.images, edges.labels, strict=True):
        lit = image > 0
        _, bands = ndimage.label(lit)
        assert bands == label + 1
        assert (lit.all(axis=1) == lit.any(axis=1)).all()
        assert lit.any(axis=1).sum() == 2 * bands


def test_bands_reach_the_first_and_the_last_row(monkeypatch):
    without_noise(monkeypatch)
    lit = (pooled.counts(np.random.default_rng(1), 300).images > 0).any(2).reshape(3, 300, 20)
    assert lit.any(1).all()


def test_segments_have_their_size_and_direction(monkeypatch):
    without_noise(monkeypatch)
    edges = pooled.segments(np.random.default_rng(0), 200, length=6)
    for image, label in zip(edges.images, edges.labels, strict=True):
        rows, columns = np.nonzero(image)
        if label == 2:
            assert len(rows) == 0
            continue
        spans = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert spans == ((2, 6) if label == 0 else (6, 2))
        assert len(rows) == 12
        assert len(np.unique(image[rows, columns])) == 1
    reached = (edges.images > 0).any(axis=0)
    assert reached[[0, -1]].any(axis=1).all()
    assert reached[:, [0, -1]].any(axis=0).all()


@given(SEEDS)
def test_a_hot_pixel_is_one_pixel_of_each_image(seed):
    plain, hot = (
        pooled.bands(np.random.default_rng(seed), 4, hot=hot).images for hot in (None, 3.0)
    )
    assert ((plain != hot).sum(axis=(1, 2)) == 1).all()
    assert np.isclose(hot.max(axis=(1, 2)), 3).all()


def test_noisy_bands_are_bands_with_twice_the_noise():
    quiet = pooled.bands(np.random.default_rng(0), 50).images[-50:]
    noisy = pooled.noisy_bands(np.random.default_rng(0), 50).images[-50:]  # both of class "none"
    assert np.isclose(noisy.std() / quiet.std(), 2, rtol=0.05)


def test_five_classes_are_looked_at_halfway_and_at_the_end():
    course = pooled.five_classes("average", seeds=(0, 1), epochs=4, per_class=2)
    assert list(course.validation) == list(course.train) == [2, 4]
    assert course.validation[4].shape == (2,)


@pytest.mark.parametrize("head", pooled.HEADS)
def test_heads_are_scored_on_every_set_that_they_can_take(head):
    found = pooled.heads("bands", head, seeds=(0,), per_class=2, steps=2, elsewhere=True)
    names = {"validation", "hot pixel", "noise ×2"} | ({"60×60"} if head != "flatten" else set())
    assert set(found.accuracy) == names
    for name, table in found.confusion.items():
        assert np.allclose(table.mean(axis=0).diagonal().mean(), found.accuracy[name])


def test_a_change_makes_the_task_another_one():
    plain, permuted = (
        pooled.heads("segments", "max", seeds=(0,), per_class=10, steps=60, change=change)
        for change in ("none", "permuted")
    )
    assert not np.array_equal(plain.confusion["validation"], permuted.confusion["validation"])
