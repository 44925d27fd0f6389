"""The gradients of a convolution, one step of SGD, and what filters are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convbook.exercises import array, exercise, integer, number, result_of
from convbook.ops import conv2d, conv2d_backward, conv_transpose2d

if TYPE_CHECKING:
    from jaxtyping import Float

# What the exercises ask about.
X = np.array([[1.0, 0, 2], [3, 1, 0], [0, 2, 1]])
DY = np.array([[1.0, 2], [0, -1]])
W = np.array([[2.0, 1], [0, 3]])
RATE = 0.5
BRIGHT = np.array([[1.0, 2], [2, 1]])  # under a 1×1 kernel
IMAGE, KERNEL = (32, 32, 3), 5  # of the layer whose gradients may give the picture away


@exercise("gradients-dw", because="Four windows of the picture, each times dY.")
def dw(answer: Any) -> str | None:
    """dw of a 2×2 kernel on a 3×3 picture."""
    given = array(answer, 2, 2)
    right = conv2d_backward(DY, X, W).dw
    if np.allclose(given, right):
        return None
    if np.allclose(given, conv2d(X, DY[::-1, ::-1])):
        return "You turned dY. In the formula for dw, the indices of X and of dY rise together."
    if np.allclose(given, right.T):
        return "Right numbers, wrong places: the first index of a weight counts rows."
    if np.allclose(given, right / DY.size):
        return "That is the mean over the outputs. The chain rule adds them up."
    wrong = np.argwhere(~np.isclose(given, right))[0] + 1
    return (
        f"Look at the weight in row {wrong[0]}, column {wrong[1]}: which window of X does it "
        "meet, and which sum of products is that?"
    )


@exercise("gradients-silent", because="Where all pixels are equal, only the sum of dY counts.")
def silent(answer: Any) -> str | None:
    """An upstream gradient from which a 3×3 kernel on a flat 4×4 picture learns nothing."""
    given = array(answer, 2, 2)
    if not given.any():
        return "With dY all zero no picture teaches anything. Find another one."
    learned = conv2d_backward(given, np.full((4, 4), 0.5), np.zeros((3, 3))).dw
    if np.abs(learned).max() > 1e-9 * np.abs(given).max():
        return f"With this dY, every weight has the gradient {learned[0, 0]:g}."
    return None


@exercise("gradients-dx", because="Each dy spreads a copy of the kernel over what it came from.")
def dx(answer: Any) -> str | None:
    """dX under a 2×2 kernel."""
    given = array(answer, 3, 3)
    right = conv_transpose2d(DY, W)
    if np.allclose(given, right):
        return None
    if np.allclose(given, conv2d(DY, W, padding=1)):
        return "That is the convolution of the padded dY with w as it stands. It must be turned."
    if np.allclose(given, right.T):
        return "Right numbers, wrong places: the first index counts rows."
    wrong = np.argwhere(~np.isclose(given, right))[0] + 1
    return (
        f"Look at the pixel in row {wrong[0]}, column {wrong[1]}: which outputs does it reach, "
        "each through which weight?"
    )


@exercise("gradients-strided", because="The stride returns as a dilation of dY.")
def strided(answer: Any) -> str | None:
    """A function that gives dw of a 3×3 kernel with stride 2."""
    rng = np.random.default_rng(0)
    for size in ((3, 3), (5, 5), (7, 9), (8, 8), (6, 11)):
        x = rng.normal(size=size)
        dy = rng.normal(size=[(side - 3) // 2 + 1 for side in size])
        found = array(result_of(answer, x.copy(), dy.copy()))
        sides = f"For a picture of {size[0]}×{size[1]} pixels"
        if found.shape != (3, 3):
            shape = "×".join(map(str, found.shape)) or "a single number"
            return f"{sides}, dw must have 3×3 entries; your function returns {shape}."
        if not np.allclose(found, conv2d_backward(dy, x, np.zeros((3, 3)), stride=2).dw):
            return f"{sides}, the numbers differ. Which pixels does the first weight meet?"
    return None


@exercise("gradients-step", because="Against the gradient, each weight by its own amount.")
def step(answer: Any) -> str | None:
    """The weights after one step with the X, dY and w of the other exercises."""
    given = array(answer, 2, 2)
    slope = conv2d_backward(DY, X, W).dw
    if np.allclose(given, W - RATE * slope):
        return None
    if np.allclose(given, W + RATE * slope):
        return "That step climbs: the loss grows along the gradient."
    if np.allclose(given, W - slope):
        return "You took the whole gradient. How large is the learning rate?"
    if np.allclose(given, -RATE * slope):
        return "That is the change. Where did the weights stand?"
    return "Take dw of the first exercise, times the learning rate, off each weight."


@exercise("gradients-rate", because="For one weight, the best rate is one over the sum of squares.")
def rate(answer: Any) -> str | None:
    """The learning rate that brings a 1×1 kernel to the best weight in one step."""
    given = number(answer)
    curvature = float((BRIGHT**2).sum())
    target = np.zeros((2, 2))
    w = np.array([[3.0]])
    after = w - given * conv2d(BRIGHT, conv2d(BRIGHT, w) - target)
    left = float(np.abs(after / w).item())
    if left < 1e-9:
        return None
    if np.isclose(given, curvature):
        return "That is by how much the slope changes with the weight. Which step undoes the slope?"
    if np.isclose(given, 1 / BRIGHT.sum()):
        return "Not the sum of the pixels: the error, too, is a multiple of each pixel."
    return (
        f"With the target 0, which a weight of 0 reaches, and with a first weight of 3, your step "
        f"ends at {after.item():.3g}."
    )


@exercise("gradients-momentum", because="Momentum uses a gradient again and again, ever less.")
def momentum(answer: Any) -> str | None:
    """The coefficient of a patch three steps after its gradient came in, with momentum 0.9."""
    given = number(answer)
    learning_rate, share, slope = 0.1, 0.9, 2.0
    velocity, coefficient = 0.0, 0.0
    for dy in (slope, 0.0, 0.0):
        velocity = share * velocity + dy
        coefficient -= learning_rate * velocity
    if np.isclose(given, coefficient):
        return None
    if np.isclose(given, -coefficient):
        return "The size is right. Does a step go along the gradient, or against it?"
    if np.isclose(abs(given), learning_rate * slope):
        return "That is what the first step did. What does the velocity still hold in the second?"
    if np.isclose(abs(given), learning_rate * slope * share**2):
        return "That is what the third step added. What did the first two do?"
    return "Write down the velocity after each step. Each step takes 0.1 of it off the weights."


@exercise("gradients-span", because="Nine patches in general position make any 3×3 filter.")
def span(answer: Any) -> str | None:
    """A function that finds coefficients with which given patches add up to a given filter."""
    rng = np.random.default_rng(0)
    for count in (9, 9, 30):
        target, seen = rng.normal(size=9), rng.random((count, 9))
        a = array(result_of(answer, target.copy(), seen.copy()))
        if a.shape != (count,):
            return (
                f"Of {count} patches, each needs one coefficient; yours have the shape {a.shape}."
            )
        off = np.abs(a @ seen - target).max()
        if off > 1e-6:
            return (
                f"With your coefficients, {count} patches of 9 pixels add up to something that is "
                f"off by {off:.2g}. Which system of equations do they solve?"
            )
    return None


@exercise("gradients-recover", because="A row of the gradient is the picture, times a number.")
def recover(answer: Any) -> str | None:
    """A function that gets the image back from a fully connected layer's gradients."""
    rng = np.random.default_rng(0)
    for zeros in ((), (0,), (0, 2)):
        image, dy = rng.random(6), rng.normal(size=4)
        dy[list(zeros)] = 0
        with np.errstate(all="ignore"):
            found = result_of(answer, np.outer(dy, image), dy.copy())
        values = np.asarray(found)
        if values.dtype.kind not in "iuf":
            return "Your function should return an array of numbers."
        if values.shape != image.shape:
            return f"The image has {image.size} pixels; yours has the shape {values.shape}."
        if not np.isfinite(values).all():
            return "Where an output has no gradient, you divide by 0. Choose another output."
        if zeros and not np.allclose(values, image):
            return "Some outputs may have no gradient: their rows of dW are empty."
        if not np.allclose(values, image):
            factor = _factor(values, image)
            if factor is not None:
                return f"Right but for a factor: your image is {factor:.3g} times the true one."
            return "Write down dW for two outputs and three pixels. What is in a row?"
    return None


@exercise("gradients-needed", because="As many equations as there are unknowns, at least.")
def needed(answer: Any) -> str | None:
    """The least number of filters whose gradients have as many numbers as the image."""
    given = integer(answer)
    pixels, each = int(np.prod(IMAGE)), KERNEL**2 * IMAGE[-1]
    least = -(-pixels // each)
    if given == least:
        return None
    if given == pixels // each:
        return f"{given} filters give {given * each:,} numbers; the image has {pixels:,}."
    if given in (pixels // KERNEL**2, -(-pixels // KERNEL**2)):
        return "How deep is a filter on an image with three channels?"
    if given in (pixels // IMAGE[-1] // each, -(-pixels // IMAGE[-1] // each)):
        return "Count all channels of the image, too."
    return "How many numbers does one filter's gradient hold, and how many the image?"


def _factor(found: Float[np.ndarray, " n"], image: Float[np.ndarray, " n"]) -> float | None:
    """The number that makes ``found`` of ``image``, where there is one."""
    factor = float(found @ image / (image @ image))
    return factor if np.allclose(found, factor * image) and factor else None
