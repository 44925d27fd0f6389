"""Permuted pixels, and the ways to pool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convbook.edges import permutation
from convbook.exercises import array, exercise, result_of
from convbook.ops import conv2d

if TYPE_CHECKING:
    from jaxtyping import Float

SIDE = 4  # of the images that "harmless" permutes
FAR = 5  # how far neighbours must come from one another, in "far"


@exercise("inductive-bias-twin", because="Each weight follows the pixel that it belongs to.")
def twin(answer: Any) -> str | None:
    """The first layer's weights for permuted pixels, from those for pixels in their places."""
    rng = np.random.default_rng(0)
    for hidden, pixels in ((3, 5), (5, 4), (4, 9)):
        weights, x = rng.normal(size=(hidden, pixels)), rng.normal(size=pixels)
        order = np.roll(rng.permutation(pixels), 1)
        while np.array_equal(order[order], np.arange(pixels)):  # its own inverse hides a mistake
            order = rng.permutation(pixels)
        given = array(result_of(answer, weights.copy(), order.copy()), hidden, pixels)
        if np.allclose(given @ x[order], weights @ x):
            continue
        if np.allclose(given, weights):
            return "These weights still expect every pixel in its old place."
        if np.allclose(given @ x[np.argsort(order)], weights @ x):
            return "That undoes the permutation that leads back. Try it with three pixels on paper."
        if np.allclose(np.sort(given, axis=0), np.sort(weights, axis=0)):
            return "You moved whole hidden units. Which axis of the weights belongs to the pixels?"
        return f"With {pixels} pixels in the order {order.tolist()}, the products differ."
    return None


@exercise("inductive-bias-harmless", because="What moves everything alike, no average notices.")
def harmless(answer: Any) -> str | None:
    """An order of 4×4 pixels that no circular convolution with a global average can tell."""
    order = array(answer, SIDE**2)
    if not np.array_equal(np.sort(order), np.arange(SIDE**2)):
        return f"An order names each of 0 to {SIDE**2 - 1} once."
    places = order.astype(int)
    if np.array_equal(places, np.arange(SIDE**2)):
        return "That leaves every pixel in its place. Find another one."
    rng = np.random.default_rng(0)
    x, flat = rng.normal(size=(SIDE, SIDE)), np.ones((3, 3))
    moved = x.ravel()[places].reshape(SIDE, SIDE)
    if all(np.isclose(_feature(x, k), _feature(moved, k)) for k in rng.normal(size=(5, 3, 3))):
        return None
    if np.isclose(_feature(x, flat), _feature(moved, flat)):
        return (
            "A kernel of equal weights gives the same average, others do not. Who used to be a "
            "pixel's right neighbour must still be that."
        )
    return "The average of the map has changed. Which neighbours did you part?"


@exercise("inductive-bias-far", because="One matrix for all places: sharing survives it.")
def far(answer: Any) -> str | None:
    """A matrix that takes the 20×20 pixels apart, and leaves all places alike."""
    side, matrix = 20, array(answer, 2, 2)
    if not np.array_equal(matrix, np.round(matrix)):
        return "Places are whole numbers, so the matrix must have whole entries."
    whole = (matrix % side).astype(int)
    rows, columns = whole @ np.indices((side, side)).reshape(2, -1) % side
    taken = len(set(zip(rows.tolist(), columns.tolist(), strict=True)))
    if taken < side**2:
        return f"That takes {taken} of the {side**2} pixels, some of them more than once."
    steps = whole @ np.array([[0, 1], [1, 0]]) % side
    across, down = (int(d) for d in np.minimum(steps, side - steps).max(axis=0))
    if min(across, down) < FAR:
        worse = "right" if across <= down else "lower"
        return (
            f"A pixel and its {worse} neighbour come from places at a distance of "
            f"{min(across, down)}, counted around the border."
        )
    return None


@exercise("inductive-bias-blocks", because="A move by a whole block changes no arrangement.")
def blocks(answer: Any) -> str | None:
    """How many kinds of 5×5 windows there are in 20×20 pixels permuted within blocks."""
    small, whole = array(answer, 2)
    if np.allclose([small, whole], [_kinds(4), _kinds(20)]):
        return None
    if np.allclose([small, whole], [25, 1]):
        return "These are the numbers of blocks. How many places are there within one?"
    if np.isclose(small, 400):
        return "All blocks share one order. What does a window meet that has moved by 4 pixels?"
    if np.isclose(whole, 1):
        return (
            "One block, but one order of 400 pixels: do any two windows hold the same arrangement?"
        )
    if not np.isclose(small, _kinds(4)):
        return "The first does not fit. Which moves of a window lead to the same arrangement?"
    return "The second does not fit. It follows from the same count as the first."


@exercise("inductive-bias-larger", because="An average asks: how much of the image?")
def larger(answer: Any) -> str | None:
    """What becomes of average features when an image grows from 20×20 to 60×60."""
    band, segment = array(answer, 2)
    if np.allclose([band, segment], [1 / 3, 1 / 9], atol=0.005):  # two decimals will do
        return None
    if np.allclose([band, segment], [3, 9]):
        return "These factors would make the features larger. What does an average divide by?"
    if np.allclose([band, segment], [1 / 9, 1 / 3]):
        return "The two are the wrong way round."
    if np.allclose([band, segment], [1, 1]):
        return "That holds for the maximum."
    if np.isclose(band, segment):
        return "A band spans the image and grows with it. Does a segment?"
    if not np.isclose(band, 1 / 3, atol=0.005):
        return "The first does not fit. How many pixels does the band light, of how many?"
    return "The second does not fit. The segment lights as many pixels as before, of how many?"


def _kinds(block: int, side: int = 20, window: int = 5) -> int:
    """Windows whose pixels come from places that lie to one another alike are of one kind."""
    order = permutation(np.random.default_rng(0), side, block).reshape(side, side)
    kinds = set()
    for row, column in np.ndindex(side, side):
        near = order.take(range(row, row + window), axis=0, mode="wrap")
        places = near.take(range(column, column + window), axis=1, mode="wrap")
        rows, columns = np.divmod(places, side)
        kinds.add(((rows - rows[0, 0]) % side * side + (columns - columns[0, 0]) % side).tobytes())
    return len(kinds)


def _feature(x: Float[np.ndarray, "h w"], kernel: Float[np.ndarray, "3 3"]) -> float:
    """What a global average makes of a map behind its ReLU."""
    return float(np.maximum(conv2d(x, kernel, padding=1, padding_mode="circular"), 0).mean())
