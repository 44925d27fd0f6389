"""The data, overfitting a few images, and how many images it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convbook.edges import SIDE, draw_edges
from convbook.exercises import array, exercise, number, result_of
from convbook.kernel_parts import split
from convbook.ops import conv2d

if TYPE_CHECKING:
    from jaxtyping import Float

KERNEL = np.array([[4, 2, 0], [1, 1, 1], [0, 0, 0]])  # of the exercise on parts


@exercise("inductive-bias-leak", because="A class that gives itself away needs no edges.")
def leak(answer: Any) -> str | None:
    """A number that tells images with wrapped pixels, and does not look at directions."""
    rng = np.random.default_rng(0)
    sound = draw_edges(rng, 20, classes=("horizontal", "vertical"), intensities=(0.25, 0.9)).images
    faulty = draw_edges(rng, 20, classes=("diagonal",), intensities=(0.25, 0.9)).images.copy()
    for image in faulty:
        beside = np.flatnonzero(image < image.max())
        image.flat[rng.choice(beside, size=3, replace=False)] = rng.uniform(0.97, 1)
    scores = []
    for group in (sound, faulty):
        scores.append([number(result_of(answer, image.astype(float))) for image in group])
    for image in faulty[:5]:
        pixels = rng.permutation(image.ravel()).reshape(image.shape).astype(float)
        before, after = (number(result_of(answer, each)) for each in (image.astype(float), pixels))
        if not np.isclose(before, after, rtol=1e-6, atol=1e-9):
            return "Your number changes when the pixels are shuffled. It must not look at places."
    above = np.greater.outer(scores[1], scores[0]).mean()
    if above < 0.1:
        return "Your number is larger for sound images. The exercise asks for the other way round."
    if above < 0.9:
        return (
            "Of all pairs of a faulty and a sound image, the faulty one has the larger number in "
            f"{100 * above:.0f} %. A bright band alone should not raise it."
        )
    return None


@exercise("inductive-bias-parts", because="A row's mean, less the mean of all.")
def parts(answer: Any) -> str | None:
    """The row part of a 3×3 kernel."""
    given = array(answer).ravel()
    right = split(KERNEL)["rows"][:, 0]
    if given.shape != right.shape:
        return f"The kernel has three rows; you give {given.size} numbers."
    if np.allclose(given, right):
        return None
    if np.allclose(given, split(KERNEL)["columns"][0]):
        return "That is the column part. A row of a matrix runs from left to right."
    if np.allclose(given, KERNEL.mean(1)):
        return "These are the means of the rows. What is left of them without the mean of all?"
    if np.allclose(given, KERNEL.sum(1)):
        return "These are the sums of the rows. The row part is made of means."
    if np.isclose(given.sum(), 0):
        return "They sum to 0, as they should. Look at the mean of each row again."
    return "The three must sum to 0: they say how far each row's mean is off the mean of all."


@exercise("inductive-bias-invisible", because="Rows and columns that sum to 0: it is all rest.")
def invisible(answer: Any) -> str | None:
    """A 3×3 kernel that no horizontal or vertical band excites."""
    given = array(answer, 3, 3)
    largest = np.abs(given).max()
    if not largest:
        return "With zeros everywhere it answers to nothing at all. Find another one."
    for name, image in {
        "a flat image": np.ones((9, 9)),
        "a horizontal band": _band(9, 4, 1),
        "a vertical band": _band(9, 4, 1).T,
    }.items():
        answered = np.abs(conv2d(image, given)).max()
        if answered > 1e-9 * largest:
            return f"To {name} of brightness 1, your kernel answers up to {answered:.3g}."
    return None


@exercise("inductive-bias-learned", because="Two profiles of k numbers share their mean.")
def learned(answer: Any) -> str | None:
    """How many dimensions the sums of a row's and a column's number have, as a function of k."""
    for k in (7, 3, 5, 1, 2):
        given = number(result_of(answer, k))
        basis = [np.repeat(np.eye(k)[h], k) for h in range(k)]
        basis += [np.tile(np.eye(k)[c], k) for c in range(k)]
        right = np.linalg.matrix_rank(np.array(basis))
        if given == right:
            continue
        if given == 2 * k:
            return (
                f"For k = {k}: α and β have {2 * k} numbers, but some choices of them give the "
                "same kernel."
            )
        if given == 2 * (k - 1):
            return f"For k = {k}: and what if all weights move by the same amount?"
        if given == k * k:
            return "That is the whole kernel. All weights of a row get the same gradient."
        if given == (k - 1) ** 2:
            return f"For k = {k}, that is what cannot be learned."
        return f"For k = {k} it is not {given:g}. Count the free numbers in α and β."
    return None


@exercise("inductive-bias-blind", because="It answers at both edges of a band, so one is enough.")
def blind(answer: Any) -> str | None:
    """A 7×7 kernel that answers to every horizontal band and to nothing else."""
    given = array(answer, 7, 7)
    largest = np.abs(given).max()
    if not largest:
        return "A kernel of zeros answers to nothing."
    if _answer_to(np.ones((SIDE, SIDE)), given) > 1e-9 * largest:
        return "Your kernel answers to a flat image. What must its weights sum to?"
    for width in range(1, 5):
        for place in range(SIDE - width + 1):
            image = _band(SIDE, place, width)
            if _answer_to(image.T, given) > 1e-9 * largest:
                return (
                    f"Your kernel answers to a vertical band of width {width} at column {place} "
                    "(counted from 0)."
                )
            if _answer_to(image, given) < 1e-6 * largest:
                return (
                    f"Your kernel misses a band of width {width} whose first row is {place} "
                    "(counted from 0)."
                )
    return None


@exercise("inductive-bias-dead", because="The ReLU passes it on, and passes gradients back.")
def dead(answer: Any) -> str | None:
    """A bias with which a kernel of zeros gets a gradient."""
    given = number(answer)
    if given > 0:
        return None
    if given == 0:
        return "At 0 the ReLU's slope counts as 0: that is how the kernel died."
    return f"With a bias of {given:g} the ReLU gets {given:g} for every image. What is its slope?"


def _band(side: int, place: int, width: int) -> Float[np.ndarray, "side side"]:
    """A bright horizontal band on black."""
    image = np.zeros((side, side))
    image[place : place + width] = 1
    return image


def _answer_to(image: Float[np.ndarray, "h w"], kernel: Float[np.ndarray, "k k"]) -> float:
    """The mean of the map behind a ReLU, the image padded by reflection."""
    border = len(kernel) // 2
    maps = conv2d(image, kernel, padding=border, padding_mode="reflect")
    return float(np.maximum(maps, 0).mean())
