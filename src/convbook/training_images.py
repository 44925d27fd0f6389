"""Images to train on, wherever the book runs: CIFAR-10, or else digits that need no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convbook import cifar, digits
from convbook._arguments import as_integer
from convbook._cifar_files import Split
from convbook.cifar import DataUnavailable, Images

if TYPE_CHECKING:
    from jaxtyping import Int

EVEN = ", drawn at random with classes as even as can be"


def training_images(
    count_train: int, count_test: int, rng: np.random.Generator
) -> tuple[Images, Images]:
    """Random training and test images, as evenly from the classes as there are images of each.

    They are of CIFAR-10 where it is available (`convbook.cifar.load`), from its own training and
    test sets; else they are scikit-learn's digits, grey 8×8, with three equal channels so that a
    network for colours takes them. ``source`` of each part says which.

    Returns
    -------
    train, test
        ``images`` of shape (count, side, side, 3), uint8, side 32 or 8; no image is in both.

    Raises
    ------
    ValueError
        If a count is below 1, or more than there are images.
    """
    count_train = as_integer("count_train", count_train, least=1)
    count_test = as_integer("count_test", count_test, least=1)
    try:
        everything = cifar.load("train"), cifar.load("test")
    except DataUnavailable:
        return _from_digits(count_train, count_test, rng)
    train, test = everything
    return _drawn(train, "train", count_train, rng), _drawn(test, "test", count_test, rng)


def even_draw(
    labels: Int[np.ndarray, " n"], count: int, rng: np.random.Generator
) -> Int[np.ndarray, " count"]:
    """Random places in ``labels``, without repetition, in random order, as even as can be.

    The classes' numbers differ by 1 at most, but for a class of which there are no more.

    Raises
    ------
    ValueError
        If ``count`` is more than there are labels.
    """
    if count > len(labels):
        raise ValueError(f"count is {count:,}; there are {len(labels):,} labels")
    order = rng.permutation(len(labels))
    shuffled = labels[order]
    turn = np.empty(len(labels), dtype=np.int64)  # an image's number within its own class
    for label in np.unique(shuffled):
        places = np.flatnonzero(shuffled == label)
        turn[places] = np.arange(len(places))
    # One of each class, then another of each, and so on. Within a turn the order is the shuffled
    # one, so that chance says which classes give one more.
    chosen = np.argsort(turn, kind="stable")[:count]
    return order[np.sort(chosen)]


def _drawn(images: Images, split: Split, count: int, rng: np.random.Generator) -> Images:
    _check(f"count_{split}", count, len(images), "images of that set of CIFAR-10 here")
    places = even_draw(images.labels, count, rng)
    text = cifar.sentence(count, split, EVEN)
    return Images(images.images[places], images.labels[places], images.classes, text)


def _from_digits(
    count_train: int, count_test: int, rng: np.random.Generator
) -> tuple[Images, Images]:
    """Disjoint sets of digits, ink white as in scikit-learn's arrays."""
    everything = digits.all_digits()
    total = len(everything)
    _check("count_train + count_test", count_train + count_test, total, "digits, and no CIFAR-10")
    train = even_draw(everything.labels, count_train, rng)
    rest = np.setdiff1d(np.arange(total), train)
    test = rest[even_draw(everything.labels[rest], count_test, rng)]
    return _as_images(everything, train, total), _as_images(everything, test, total)


def _as_images(everything: digits.Digits, places: Int[np.ndarray, " n"], total: int) -> Images:
    grey = np.rint(everything.images[places] * 255).astype(np.uint8)
    text = (
        f"These are {len(places):,} of the {total:,} handwritten digits that come with "
        f"scikit-learn (Alpaydin and Kaynak, 1998){EVEN}, as CIFAR-10 is not here."
    )
    classes = tuple(str(digit) for digit in range(digits.CLASSES))
    labels = everything.labels[places].astype(np.int64)
    return Images(np.repeat(grey[..., np.newaxis], 3, axis=-1), labels, classes, text)


def _check(name: str, count: int, most: int, what: str) -> None:
    if count > most:
        raise ValueError(f"{name} is {count:,}; there are {most:,} {what}")
