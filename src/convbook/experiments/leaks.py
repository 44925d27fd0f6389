"""Do images give their class away by something that has no direction?

The test of a data set that comes before any network: a linear classifier on a few numbers that no
turn and no shuffling of the pixels would change. Where it does better than chance, a network can
take the same short cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from convbook.edges import SIDE, draw_edges

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8

STATISTICS = ("mean", "std", "min", "max", "median", "upper quartile")


def statistics(images: Float[np.ndarray, "n h w"]) -> Float[np.ndarray, "n 6"]:
    """Six numbers of each image that do not depend on where its pixels lie."""
    pixels = np.asarray(images, dtype=np.float64)
    pixels = pixels.reshape(len(images), -1)  # n h·w
    middle, upper = np.quantile(pixels, [0.5, 0.75], axis=1)
    low, high = pixels.min(1), pixels.max(1)
    mean, spread = pixels.mean(1), pixels.std(1)
    return np.stack([mean, spread, low, high, middle, upper], axis=1)


def told_apart(
    first: tuple[Float[np.ndarray, "n h w"], Float[np.ndarray, "n h w"]],
    second: tuple[Float[np.ndarray, "n h w"], Float[np.ndarray, "n h w"]],
) -> float:
    """How well `statistics` tell two classes apart: the share that is right.

    Each set is a pair of classes; a logistic regression is fitted to the first
    and tested on the second. Chance is ½.
    """
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    (x, y), (x_test, y_test) = (
        (
            statistics(np.concatenate(pair)),
            np.repeat([0, 1], [len(one) for one in pair]),
        )
        for pair in (first, second)
    )
    return float(model.fit(x, y).score(x_test, y_test))


def of_class(rng: np.random.Generator, name: str, n: int) -> Float[np.ndarray, "n 28 28"]:
    """Images of one class; ``"wrapped"`` is the faulty diagonal of `wrapped_diagonals`."""
    if name == "wrapped":
        return wrapped_diagonals(rng, n) / 255.0
    return draw_edges(rng, n, classes=(name,)).images


def wrapped_diagonals(
    rng: np.random.Generator, n: int, angles: Sequence[float] = (30, 45, 120, 135)
) -> UInt8[np.ndarray, "n 28 28"]:
    """Diagonal bands as an earlier version of such data had them: turned, then stored in 8 bits.

    An upright band is turned by cubic interpolation, which overshoots: beside a bright band, the
    background falls below 0 where it is dark. 8 bits have no negative numbers: −1 is stored as 255.
    """
    images = np.empty((n, SIDE, SIDE), dtype=np.uint8)
    middle = SIDE // 2
    for image in images:
        upright = np.full((SIDE, SIDE), rng.uniform(0, 0.2))
        upright[middle] = rng.uniform(0.25, 1)
        turned = ndimage.rotate(upright, rng.choice(angles), reshape=False, order=3, mode="nearest")
        image[:] = np.floor(255 * turned).astype(np.int64) % 256
    return images
