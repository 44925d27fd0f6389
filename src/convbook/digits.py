"""Real handwritten digits that come with scikit-learn: small enough to train on in seconds.

1,797 images of 8×8 pixels, the test part of the UCI set "Optical Recognition of Handwritten
Digits" (Alpaydin and Kaynak, 1998, https://doi.org/10.24432/C50P49), written by 13 people who
wrote none of that set's training part. Nothing is downloaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from convbook._arguments import as_integer

if TYPE_CHECKING:
    from jaxtyping import Float, Int

CLASSES = 10


@dataclass(frozen=True)
class Digits:
    """Images from 0 (paper) to 1 (ink), and which digit each one shows."""

    images: Float[np.ndarray, "n 8 8"]
    labels: Int[np.ndarray, " n"]

    def __len__(self) -> int:
        """How many there are."""
        return len(self.labels)


def all_digits() -> Digits:
    """All 1,797 digits, in the order of the data set."""
    from sklearn.datasets import load_digits  # here: it takes a second, and few need it

    bunch = load_digits()
    return Digits(bunch.images / 16, bunch.target)


def draw_digits(rng: np.random.Generator, *sizes: int) -> tuple[Digits, ...]:
    """Disjoint random sets of digits, as ``train, test = draw_digits(rng, 1000, 500)``.

    Raises
    ------
    ValueError
        If a size is below 1, or together they exceed the 1,797 that there are.
    """
    digits = all_digits()
    counts = [as_integer("sizes", size, least=1) for size in sizes]
    if sum(counts) > len(digits):
        raise ValueError(f"sizes are {sizes}, {sum(counts)} in all; there are {len(digits)} digits")
    order = rng.permutation(len(digits))
    parts = np.split(order, np.cumsum(counts))[:-1]  # the rest stays undrawn
    return tuple(Digits(digits.images[part], digits.labels[part]) for part in parts)
