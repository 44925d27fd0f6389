"""What becomes of a network's output when its picture moves: downsampling, equivariance."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from convbook.exercises import array, exercise, integer, number, result_of
from convbook.ops import conv2d, pad, windows
from convbook.shapes import layer_table

if TYPE_CHECKING:
    from jaxtyping import Float

STRIDED = "CONV3-8,s2 RELU POOL2 CONV3-8 RELU CONV5-8,s3"


@exercise("feature-dimensions-thirds", because="What folds onto the mean is gone before it can.")
def thirds(answer: Any) -> str | None:
    """A blur after which the mean of every third pixel does not depend on where one starts."""
    kernel = array(answer, None)
    if len(kernel) > 9:
        return "Nine weights are enough."
    if not np.isclose(kernel.sum(), 1):
        return "A row of one grey level does not come out as it was."
    row = np.tile([1.0, 0, 0], 9)  # the white pixel on a place that is kept, or before, or behind
    means = [_blurred(np.roll(row, shift), kernel)[::3].mean() for shift in range(3)]
    if np.ptp(means) > 1e-9:
        found = ", ".join(f"{value:.3g}" for value in means)
        return (
            "The mean still depends on the shift. Of a row in which one pixel of three is white, "
            f"what is kept has the mean {found}, depending on where the white ones lie."
        )
    return None


@exercise(
    "feature-dimensions-choose", because="A shift exchanges the four grids; the choice moves."
)
def choose(answer: Any) -> str | None:
    """A function that keeps every second row and column, with a mean that no shift changes."""
    rng = np.random.default_rng(0)
    picture = rng.random((8, 10))
    first = _kept(answer, picture)
    grids = [picture[i::2, j::2] for i in (0, 1) for j in (0, 1)]
    if first.shape != (4, 5):
        size = "×".join(map(str, first.shape))
        return f"Of an 8×10 picture, your function keeps {size} pixels, not 4×5."
    values = np.sort(first.ravel())
    if not any(np.allclose(values, np.sort(grid.ravel())) for grid in grids):
        return (
            "What comes back is none of the four ways to keep every second row and every second "
            "column as they are."
        )
    for down, right in ((2, 0), (0, 4), (0, 1), (1, 0), (1, 1), (3, 5)):
        moved = _kept(answer, np.roll(picture, (down, right), (0, 1)))
        if not np.isclose(moved.mean(), first.mean()):
            return f"Shifted by {down} down and {right} right, the mean of what is kept changes."
    return None


@exercise("feature-dimensions-seam-square", because="Off the seam, the torus is merely larger.")
def seam_square(answer: Any) -> str | None:
    """At how many places a 2×2 square has the features of one in the middle, for all weights."""
    given = integer(answer)
    wanted = _patterns(_square(2, 3))
    exact = sum(_patterns(_square(i, j)) == wanted for i in range(7) for j in range(8))
    if given == exact:
        return None
    if given == 56:
        return "That would be all places. Does a square across the seam count as often as others?"
    if given == 30:
        return "Where its corner is off the outermost rows and columns, is all of the square?"
    if given == 42:
        return "These are the places where it does not wrap around. Is that enough?"
    return "Which of the square's rows and columns may not lie in the seam? Count what is left."


@exercise("feature-dimensions-torus", because="One copy of each position: three more, on any side.")
def torus(answer: Any) -> str | None:
    """A circular padding (top, bottom, left, right) for which a 4×4 kernel's features stay."""
    sides = array(answer, 4)
    if np.any(sides != np.round(sides)) or sides.min() < 0:
        return "Each padding is a whole number, 0 or more."
    top, bottom, left, right = (int(side) for side in sides)
    if max(top, bottom, left, right) > 6:
        return "No side needs as much padding as that."
    rng = np.random.default_rng(0)
    picture, kernel = rng.random((6, 7)), rng.normal(size=(4, 4))

    def feature(down: int, across: int) -> float:
        moved = np.roll(picture, (down, across), (0, 1))
        padded = pad(moved, ((top, bottom), (left, right)), "circular")
        return float(np.maximum(conv2d(padded, kernel), 0).mean())

    if not np.isclose(feature(1, 0), feature(0, 0)):
        return "A shift down by one changes the feature. Some rows are seen more often than others."
    if not np.isclose(feature(0, 1), feature(0, 0)):
        return "Rows are right. But a shift to the right changes the feature."
    return None


@exercise("feature-dimensions-shuffle", because="It moves with nothing, and it sees neighbours.")
def shuffle(answer: Any) -> str | None:
    """A function that no shift changes, and that a shuffle of the pixels does."""
    rng = np.random.default_rng(0)
    picture = rng.random((6, 8))

    def given(x: Float[np.ndarray, "h w"]) -> float:
        return number(result_of(answer, x.copy()))

    value = given(picture)
    for down, right in ((0, 1), (1, 0), (3, 5)):
        if not np.isclose(given(np.roll(picture, (down, right), (0, 1))), value):
            return f"A shift by {down} down and {right} right changes it: it is not invariant."
    shuffled = [rng.permutation(picture.ravel()).reshape(picture.shape) for _ in range(5)]
    if all(np.isclose(given(x), value) for x in shuffled):
        return "It does not notice when the pixels are shuffled: it sees no neighbours."
    return None


@exercise("feature-dimensions-circulant", because="Each row the one above, moved: a convolution.")
def circulant(answer: Any) -> str | None:
    """A 6×6 matrix that commutes with the shift, and does more than scale."""
    matrix = array(answer, 6, 6)
    if np.allclose(matrix, matrix[0, 0] * np.eye(6)):
        return "That only scales. Let each output see two inputs or more."
    x = np.random.default_rng(0).normal(size=6)
    if np.allclose(matrix @ np.roll(x, 1), np.roll(matrix @ x, 1)):
        return None
    units = np.eye(6)
    for n in range(6):
        if not np.allclose(matrix @ units[(n + 1) % 6], np.roll(matrix @ units[n], 1)):
            return (
                f"A single 1 at position {n}, and then at {(n + 1) % 6}: the second output is not "
                "the first one moved by one."
            )
    return None


@exercise("feature-dimensions-ring", because="Each layer lets the border in by one more pixel.")
def ring(answer: Any) -> str | None:
    """How many positions of a 32×32 map after four 3×3 convolutions see padded zeros."""
    given = integer(answer)
    real = np.ones((32, 32))
    for _ in range(4):  # 1 where all that is seen is picture
        real = (conv2d(real, np.ones((3, 3)), padding=1) == 9).astype(float)
    wanted = int(np.sum(real == 0))
    if given == wanted:
        return None
    if given == 32 * 32 - wanted:
        return "That many see none of the padding. How many do?"
    if given == 32**2 - 30**2:
        return "That is the ring after one layer. How wide is it after four?"
    if given in (4 * 4 * 32, 4 * 4 * 32 - 16):
        return "The width is right. Mind the four corners, which lie in two strips each."
    return "How far from the border is the first position whose receptive field stays inside?"


@exercise(
    "feature-dimensions-total-stride", because="Only then does every map move by whole steps."
)
def total_stride(answer: Any) -> str | None:
    """The smallest shift that moves the last map of `STRIDED` by whole steps."""
    given = integer(answer)
    strides = [row.stride[0] for row in layer_table(STRIDED, (48, 48, 1)) if row.stride]
    total = int(max(strides))
    if given == total:
        return None
    if given < 1:
        return "By 0 pixels nothing moves. Name a shift to the right, 1 or more."
    if given % total == 0:
        return "Such a shift does it. A smaller one does, too."
    return (
        f"By {given} pixels, some map would have to move by a part of an entry. Go through the "
        "layers: how many pixels are two neighbours of each map apart?"
    )


def _blurred(
    row: Float[np.ndarray, " n"], kernel: Float[np.ndarray, " k"]
) -> Float[np.ndarray, " n"]:
    blurred = conv2d(row[None], kernel[None], padding="same", padding_mode="circular")
    return np.asarray(blurred[0])


def _kept(answer: Any, picture: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "a b"]:
    return array(result_of(answer, picture.copy()), None, None)


def _square(row: int, column: int) -> Float[np.ndarray, "h w"]:
    """A 7×8 picture with a bright 2×2 square, which wraps around."""
    picture = np.zeros((7, 8))
    picture[:2, :2] = 1
    return np.roll(picture, (row, column), (0, 1))


def _patterns(picture: Float[np.ndarray, "h w"]) -> Counter[bytes]:
    """What the positions behind two 2×2 kernels see, padded by 1 on every side of a torus."""
    seen = picture[None]
    for _ in range(2):
        padded = pad(seen, ((1, 1), (1, 1)), "circular")
        four = windows(padded, (2, 2))  # C H W 2 2
        seen = np.moveaxis(four, (3, 4), (1, 2)).reshape(-1, *four.shape[1:3])
    return Counter(column.tobytes() for column in seen.reshape(len(seen), -1).T)
