"""Training images: where they come from, and that a draw is even, random and without repetition."""

import numpy as np
import pooch
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from small_cifar import write_sheets

from convbook.training_images import even_draw, training_images


@pytest.fixture
def digits_only(monkeypatch):
    monkeypatch.setenv("CONVBOOK_CIFAR10", "none")


@pytest.fixture(scope="module")
def sheets(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("sheets"), np.random.default_rng(0)
    return folder, write_sheets(folder, rng, 2, "train"), write_sheets(folder, rng, 1, "test")


@pytest.fixture
def cifar_here(sheets, monkeypatch):
    monkeypatch.setenv("CONVBOOK_CIFAR10", str(sheets[0]))
    return sheets[1:]


def draw(count_train, count_test, seed=0):
    return training_images(count_train, count_test, np.random.default_rng(seed))


def spread(labels):
    counts = np.bincount(labels, minlength=10)
    return counts.max() - counts.min()


def places(images, among):
    """Where each image stands in an array of images, all of which differ."""
    place = {image.tobytes(): number for number, image in enumerate(among)}
    assert len(place) == len(among)
    return [place[image.tobytes()] for image in images]


labels_and_count = st.lists(st.integers(0, 6), min_size=1, max_size=60).flatmap(
    lambda labels: st.tuples(st.just(np.array(labels)), st.integers(0, len(labels)))
)


@given(labels_and_count, st.integers(0, 2**32 - 1))
def test_a_draw_is_as_even_as_can_be(labels_and_count, seed):
    labels, count = labels_and_count
    drawn = even_draw(labels, count, np.random.default_rng(seed))
    assert len(drawn) == len(set(drawn.tolist())) == count
    there = np.bincount(labels, minlength=7)
    taken = np.bincount(labels[drawn], minlength=7)
    # A class may fall behind another by more than 1 only where all of it is taken.
    behind = taken < taken.max() - 1
    assert (taken[behind] == there[behind]).all()


def test_a_draw_is_random_in_what_it_takes_and_in_its_order():
    labels = np.repeat([0, 1], 3)
    draws = [tuple(even_draw(labels, 3, np.random.default_rng(seed))) for seed in range(2000)]
    # Of 3 images 2 are of one class: 2 classes × 3 pairs × 3 single ones, each in 6 orders.
    found, counts = np.unique(draws, axis=0, return_counts=True)
    assert len(found) == 2 * 3 * 3 * 6
    assert counts.max() < 3 * counts.mean()


def test_more_than_there_are_cannot_be_drawn():
    with pytest.raises(ValueError, match="count is 4; there are 3 labels"):
        even_draw(np.zeros(3, int), 4, np.random.default_rng(0))


def test_cifar_gives_training_and_test_images_from_its_own_sets(cifar_here):
    for part, (images, labels) in zip(draw(305, 204), cifar_here, strict=True):
        found = places(part.images, images)
        np.testing.assert_array_equal(part.labels, labels[found])
        assert len(set(found)) == len(part)
        assert spread(part.labels) == 1
        assert part.images.shape[1:] == (32, 32, 3)
        assert part.classes[3] == "cat"


@pytest.mark.usefixtures("cifar_here")
def test_the_source_says_how_many_of_how_many():
    train, test = draw(1500, 200)
    assert train.source == (
        "These are 1,500 of the 50,000 training images of CIFAR-10 (Krizhevsky, 2009), drawn at "
        "random with classes as even as can be."
    )
    assert "200 of the 10,000 test images of CIFAR-10" in test.source


@pytest.mark.usefixtures("digits_only")
def test_digits_stand_in():
    flat = load_digits()
    train, test = draw(1000, 797)
    scaled = np.rint(flat.images / 16 * 255)
    found = []
    for part in (train, test):
        assert part.images.dtype == np.uint8
        assert part.labels.dtype == np.int64
        assert part.images.shape == (len(part), 8, 8, 3)
        assert (part.images == part.images[..., :1]).all()
        found.append(places(part.images[..., 0], scaled.astype(np.uint8)))
        np.testing.assert_array_equal(part.labels, flat.target[found[-1]])
        assert f"{len(part):,} of the 1,797 handwritten digits" in part.source
        assert "CIFAR-10 is not here" in part.source
        assert part.classes == tuple("0123456789")
    assert sorted(found[0] + found[1]) == list(range(1797))  # disjoint, and all of them
    assert (train.images.min(), train.images.max()) == (0, 255)
    assert spread(train.labels) == 0


@pytest.mark.usefixtures("digits_only")
def test_the_draw_is_the_generators():
    first, again, other = (draw(50, 20, seed) for seed in (1, 1, 2))
    for part, same, different in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(part.images, same.images)
        assert not np.array_equal(part.images, different.images)


def test_digits_stand_in_where_nothing_may_be_downloaded(tmp_path, monkeypatch):
    monkeypatch.delenv("CONVBOOK_CIFAR10", raising=False)
    monkeypatch.setenv("CONVBOOK_NO_DOWNLOAD", "1")
    monkeypatch.setattr(pooch, "os_cache", lambda _name: tmp_path)
    assert "digits" in draw(5, 5)[0].source


@pytest.mark.parametrize(
    "count_train, count_test, says",
    [
        (2001, 10, r"count_train is 2,001; there are 2,000 images"),
        (10, 1001, r"count_test is 1,001; there are 1,000 images"),
    ],
)
@pytest.mark.usefixtures("cifar_here")
def test_more_than_cifar_holds_is_refused(count_train, count_test, says):
    with pytest.raises(ValueError, match=says):
        draw(count_train, count_test)


@pytest.mark.parametrize(
    "count_train, count_test, says",
    [
        (0, 10, "count_train is 0"),
        (10, -1, "count_test is -1"),
        (2.5, 10, "count_train is 2.5"),
        (1000, 798, r"count_train \+ count_test is 1,798; there are 1,797 digits"),
    ],
)
@pytest.mark.usefixtures("digits_only")
def test_a_count_that_cannot_be_is_refused(count_train, count_test, says):
    with pytest.raises(ValueError, match=says):
        draw(count_train, count_test)
