"""Training procedure, calibration, and a shift between training and test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convbook.exercises import array, exercise, integer, number, result_of

if TYPE_CHECKING:
    from jaxtyping import Float, Int


@exercise(
    "inductive-bias-calibration-error", because="Bins count by the predictions that they hold."
)
def calibration_error(answer: Any) -> str | None:
    """The expected calibration error of 200 predictions in three bins."""
    given = number(answer)
    share = np.array([120, 50, 30]) / 200
    gap = np.array([90, 35, 18]) / [120, 50, 30] - [0.95, 0.7, 0.5]
    right = (share * np.abs(gap)).sum()
    if np.isclose(given, right, atol=5e-4):
        return None
    if np.isclose(given, 100 * right, atol=0.05):
        return "Give it as a share, not in per cent."
    if np.isclose(given, np.abs(gap).mean(), atol=5e-4):
        return "You let all bins count alike. They hold 120, 50 and 30 predictions."
    if np.isclose(abs(given), abs((share * gap).sum()), atol=5e-4):
        return "Too sure in one bin does not make up for not sure enough in another."
    if np.isclose(given, np.abs(gap).max(), atol=5e-4):
        return "That is the largest distance, the maximum calibration error. The mean is asked for."
    return "How far apart are confidence and accuracy in each bin, and how much does it count?"


@exercise("inductive-bias-temperature", because="No prediction changes, only how sure it is.")
def temperature(answer: Any) -> str | None:
    """A function from scores and labels to the temperature with the lowest loss."""
    rng = np.random.default_rng(0)
    for scale in (3.0, 0.5, 8.0):
        n = 400
        calibrated = rng.normal(size=(n, 3)) * 1.5
        shares = np.exp(calibrated) / np.exp(calibrated).sum(1, keepdims=True)
        labels = (rng.random((n, 1)) > shares.cumsum(1)).sum(1).clip(max=2)
        scores = scale * calibrated
        given = number(result_of(answer, scores.copy(), labels.copy()))
        where = f"For scores that are {scale:g} times as large as they should be, "
        if not given > 0:
            return where + f"you return {given:g}. A temperature is above 0."
        logs = np.linspace(np.log(0.05), np.log(40), 4001)
        losses = [_loss(scores, labels, float(np.exp(log))) for log in logs]
        best = float(np.exp(logs[int(np.argmin(losses))]))
        loss = _loss(scores, labels, given)
        if loss < min(losses) + 1e-4:
            continue
        if abs(np.log(given * best)) < 0.015:
            return where + "you return the factor. Scores are divided by a temperature."
        return where + (
            f"your {given:.3g} gives a loss of {loss:.4f}, and {min(losses):.4f} is possible."
        )
    return None


def _loss(
    scores: Float[np.ndarray, "n classes"], labels: Int[np.ndarray, " n"], temperature: float
) -> float:
    z = scores / temperature
    z = z - z.max(1, keepdims=True)
    logs = z - np.log(np.exp(z).sum(1, keepdims=True))
    return float(-logs[np.arange(len(labels)), labels].mean())


@exercise("inductive-bias-optimism", because="Nobody was better; somebody was luckiest.")
def optimism(answer: Any) -> str | None:
    """By how much the best of ten equal scores exceeds their common expectation."""
    given = number(answer)
    right = 0.0567  # by the distribution of the largest of ten binomial numbers; see the tests
    if abs(given - right) < 0.002:
        return None
    if abs(given - (0.7 + right)) < 0.002:
        return "That is the best score itself. By how much does it exceed 0.7?"
    if abs(given - 100 * right) < 0.2:
        return "Give it as a share, not in points."
    if abs(given) < 0.002:
        return "A single score exceeds 0.7 by nothing, on average. But the best of ten?"
    if abs(given - np.sqrt(0.7 * 0.3 / 150)) < 0.002:
        return "That is the standard deviation of one score. How far out is the best of ten?"
    return "Draw ten scores, keep the best, and average that over many repetitions."


@exercise(
    "inductive-bias-evidence",
    because="Not one pixel of it has ever spoken for its own class.",
)
def evidence(answer: Any) -> str | None:
    """Of a band in the unseen half: pixels lit in training by its class, by the other, by none."""
    for side, width in ((28, 1), (28, 3), (20, 2), (12, 4)):
        given = array(result_of(answer, side, width), 3)
        right = np.array([0, width * side / 2, width * side / 2])
        where = f"For a side of {side} and a width of {width}, "
        if np.array_equal(given, right):
            continue
        if given.sum() != width * side:
            return where + f"the band has {width * side} pixels; yours are {given.sum():g}."
        if given[0]:
            return where + "where did bands of its own class lie in training? None lay there."
        if given[2] == 0:
            return where + "half of the band lies where no band of the training has been."
        return where + "split the image into quarters: who has lit each of them in training?"
    return None


@exercise(
    "inductive-bias-offsets",
    because="Global pooling helps if what a window sees in test it has seen in training.",
)
def offsets(answer: Any) -> str | None:
    """How many relative places of a band and a window occur in the second half, but not before."""
    given = integer(answer)
    first, second = ({row - 2 * n for row in rows for n in range(5)}
                     for rows in (range(14), range(14, 28)))  # fmt: skip
    seen = set(range(20))
    new = (second & seen) - first
    if given == len(new):
        return None
    if given in (len(second - first), len(second & seen)):
        return "Two conditions: the row lies in the window, 0 to 19, and training never showed it."
    if given == len(second & seen & first):
        return "These are the relative rows that training has shown. How many has it not?"
    return (
        "Window n begins at row 2n, for n = 0 to 4. A band in row r is at r − 2n in it. List these "
        "for the rows 0 to 13, and for 14 to 27."
    )


@exercise("inductive-bias-shifts", because="Each halving keeps every second shift.")
def shifts(answer: Any) -> str | None:
    """The smallest shift of the input under which a network of circular padding does not care."""
    for poolings in (0, 1, 2, 5):
        given = integer(result_of(answer, poolings))
        right = 2**poolings
        where = f"With {poolings} poolings, "
        if given == right:
            continue
        if given < 1:
            return where + "the shift must be 1 or more."
        if given % right == 0:
            return where + f"{given} works, but smaller ones do as well."
        if given == 2 * poolings:
            return where + "do the poolings add up, or do they multiply?"
        return where + f"a shift by {given} is no whole number of pixels of the last map."
    return None
