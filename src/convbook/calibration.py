"""Does a classifier know how sure it may be? Confidence, accuracy, and one number to mend both.

The confidence of a prediction is its own probability, the largest of the softmax. A classifier is
calibrated if, among predictions with a confidence of 0.8, eight in ten are right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

if TYPE_CHECKING:
    from jaxtyping import Float, Int


@dataclass(frozen=True)
class Reliability:
    """Predictions by their confidence, in bins of equal width from 0 to 1.

    Attributes
    ----------
    confidence, accuracy
        (bins,): the mean confidence and the share that is right; nan in an empty bin.
    share
        (bins,): of all predictions, those in this bin.
    """

    confidence: Float[np.ndarray, " bins"]
    accuracy: Float[np.ndarray, " bins"]
    share: Float[np.ndarray, " bins"]

    @property
    def error(self) -> float:
        """The expected calibration error: the mean distance of confidence and accuracy.

        Bins count by their share (Naeini et al. 2015; Guo et al. 2017, equation 3).
        """
        gap = np.abs(self.confidence - self.accuracy)
        return float(np.sum(self.share[self.share > 0] * gap[self.share > 0]))


def reliability(
    logits: Float[np.ndarray, "n classes"],
    labels: Int[np.ndarray, " n"],
    bins: int = 10,
) -> Reliability:
    """Put predictions into bins by their confidence.

    A confidence on the border of two bins is in the upper one; 1 is in the
    last. Raises a ValueError if labels are not one class for each row.
    """
    logits, labels = _checked(logits, labels)
    sure = np.exp(log_softmax(logits, axis=1)).max(1)
    right = logits.argmax(1) == labels
    place = np.minimum((sure * bins).astype(int), bins - 1)
    count = np.bincount(place, minlength=bins)
    total = np.bincount(place, sure, bins)
    hits = np.bincount(place, right.astype(float), bins)
    with np.errstate(invalid="ignore"):  # 0 / 0 in an empty bin
        return Reliability(total / count, hits / count, count / len(labels))


def cross_entropy(
    logits: Float[np.ndarray, "n classes"], labels: Int[np.ndarray, " n"], temperature: float = 1.0
) -> float:
    """The mean loss in nats, with the scores divided by a temperature.

    Raises
    ------
    ValueError
        If the temperature is not above 0, or labels are not one class for each row.
    """
    logits, labels = _checked(logits, labels)
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}; it must be above 0")
    logs = log_softmax(logits / temperature, axis=1)
    return float(-logs[np.arange(len(labels)), labels].mean())


def fitted_temperature(
    logits: Float[np.ndarray, "n classes"], labels: Int[np.ndarray, " n"]
) -> float:
    """The temperature between 0.01 and 100 with the lowest loss (Guo et al. 2017, section 4.2).

    Fit it on images that neither the network was trained on nor the result is reported for. As a
    function of 1/T the loss is convex, so there is one minimum.

    Raises
    ------
    ValueError
        If labels are not one class for each row.
    """
    found = minimize_scalar(
        lambda log: cross_entropy(logits, labels, float(np.exp(log))),
        bounds=(np.log(0.01), np.log(100)),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return float(np.exp(found.x))


def _checked(
    logits: Float[np.ndarray, "n classes"], labels: Int[np.ndarray, " n"]
) -> tuple[Float[np.ndarray, "n classes"], Int[np.ndarray, " n"]]:
    logits, labels = np.asarray(logits, dtype=np.float64), np.asarray(labels)
    if logits.ndim != 2 or labels.shape != logits.shape[:1] or not len(labels):
        raise ValueError(
            f"logits are {logits.shape} and labels {labels.shape}; it takes one row of scores for "
            "each label, and one label at least"
        )
    if not np.isin(labels, np.arange(logits.shape[1])).all():
        raise ValueError(
            f"labels run from {labels.min()} to {labels.max()}; with {logits.shape[1]} scores a "
            f"row, each must be a whole number from 0 to {logits.shape[1] - 1}"
        )
    return logits, labels
