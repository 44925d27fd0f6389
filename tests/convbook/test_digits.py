"""The digits are scikit-learn's, and drawing them shares none between the sets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from convbook.digits import CLASSES, all_digits, draw_digits


def test_they_are_scikit_learns():
    digits, flat = all_digits(), load_digits()
    assert len(digits) == 1797
    assert digits.images.shape == (1797, 8, 8)
    np.testing.assert_array_equal(digits.images.reshape(1797, 64) * 16, flat.data)
    np.testing.assert_array_equal(digits.labels, flat.target)
    assert (digits.images.min(), digits.images.max()) == (0, 1)
    # class sizes as listed in the documentation of the UCI set
    counts = np.bincount(digits.labels, minlength=CLASSES)
    assert counts.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 590), min_size=1, max_size=3))
def test_sets_are_disjoint_and_keep_their_labels(seed, sizes):
    digits = all_digits()
    place = {image.tobytes(): n for n, image in enumerate(digits.images)}
    assert len(place) == 1797  # no two images are the same
    sets = draw_digits(np.random.default_rng(seed), *sizes)
    assert [len(part) for part in sets] == sizes
    drawn = [place[image.tobytes()] for part in sets for image in part.images]
    assert len(set(drawn)) == sum(sizes)
    labels = np.concatenate([part.labels for part in sets])
    np.testing.assert_array_equal(labels, digits.labels[drawn])


def test_the_draw_is_the_generators():
    a, b, c = (draw_digits(np.random.default_rng(seed), 50)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(a.images, b.images)
    assert not np.array_equal(a.images, c.images)


def test_all_of_them_can_be_drawn():
    known, unseen = draw_digits(np.random.default_rng(0), 1000, 797)
    assert len(known) + len(unseen) == len(all_digits())


@pytest.mark.parametrize("sizes", [(0,), (-1,), (2.5,), (1000, 798)])
def test_a_mistake_is_named(sizes):
    with pytest.raises(ValueError, match=r"\bsizes\b"):
        draw_digits(np.random.default_rng(0), *sizes)
