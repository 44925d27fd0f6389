"""Convolution as a matrix, solving for a filter, and transposed convolution."""

from __future__ import annotations

from typing import Any

import numpy as np

from convbook.exercises import array, exercise, integer
from convbook.matrices import convolution_matrix
from convbook.ops import conv_transpose2d
from convbook.shapes import transposed_output_size


@exercise("transposed-and-dilated-local", because="Each output has a kernel of its own.")
def local(answer: Any) -> str | None:
    """The weights of a locally connected layer of 5×5 windows on 28×28 pixels, no padding."""
    given = integer(answer)
    outputs, kernel, pixels = 24**2, 5**2, 28**2
    if given == outputs * kernel:
        return None
    if given == kernel:
        return "So many has a convolution. Here, the outputs share nothing."
    if given == outputs * pixels:
        return "That connects each output with every pixel. Here it sees its window."
    if given == pixels * kernel:
        return "At how many places does a window of 5×5 lie wholly inside the picture?"
    return "How many outputs are there, and how many pixels does each of them see?"


@exercise("transposed-and-dilated-matrix", because="Each row is the one above, two places on.")
def matrix(answer: Any) -> str | None:
    """The matrix of the kernel (1, 0, −1) on five numbers, with stride 2 and padding 1."""
    given = array(answer, None, None)
    right = convolution_matrix([1, 0, -1], 5, stride=2, padding=1)
    if given.shape == right.T.shape and np.array_equal(given, right.T):
        return "That is its transpose: an output should be a row."
    if given.shape != right.shape:
        return (
            f"Your matrix has the shape {given.shape}. It needs a row for each output and a column "
            "for each number of the input; padding is no input."
        )
    if np.array_equal(given, -right):
        return "You flipped the kernel. Here, a convolution never does."
    wrong = np.flatnonzero((given != right).any(axis=1))
    if wrong.size:
        return (
            f"Row {wrong[0]}, counted from 0, is not right. Which numbers of the padded input does "
            "this output see?"
        )
    return None


@exercise("transposed-and-dilated-recover", because="Three windows, three equations, one solution.")
def recover(answer: Any) -> str | None:
    """The filter that makes (−1, 4, 5) of (1, 2, 0, 1, 3)."""
    kernel = array(answer, 3)
    row, wanted = [1, 2, 0, 1, 3], np.array([-1, 4, 5])
    made = convolution_matrix(kernel, 5) @ row
    if np.allclose(made, wanted):
        return None
    if np.allclose(convolution_matrix(kernel[::-1], 5) @ row, wanted):
        return "These are the right weights in the wrong order: here, the filter is not flipped."
    return f"Your filter makes {', '.join(f'{value:g}' for value in made)}."


@exercise("transposed-and-dilated-unseen", because="Adding it to a filter changes nothing here.")
def unseen(answer: Any) -> str | None:
    """A filter, not all zeros, that makes zeros of 1, 2, 1, 2, 1, 2."""
    kernel = array(answer, 3)
    if not kernel.any():
        return "All zeros will do that to any row. There are others."
    made = convolution_matrix(kernel, 6) @ [1, 2, 1, 2, 1, 2]
    if not np.allclose(made, 0, atol=1e-9 * np.abs(kernel).max()):
        return f"Your filter makes {made[0]:g} and {made[1]:g} in turns."
    return None


@exercise("transposed-and-dilated-stamps", because="Two stamps, one place apart, and their sum.")
def stamps(answer: Any) -> str | None:
    """The transposed convolution of (2, −1) with (1, 3, −2), stride 1."""
    given = array(answer, None)
    right = conv_transpose2d([[2.0, -1]], [[1.0, 3, -2]])[0]
    if given.shape != right.shape:
        return (
            f"Your row has {len(given)} numbers. The first stamp covers three places; how many "
            "more does the second one reach?"
        )
    if np.allclose(given, conv_transpose2d([[2.0, -1]], [[-2.0, 3, 1]])[0]):
        return "You flipped the filter. A stamp shows it as it is."
    wrong = np.flatnonzero(~np.isclose(given, right))
    if wrong.size:
        return f"Place {wrong[0]}, counted from 0, is not right. Which stamps reach it?"
    return None


@exercise("transposed-and-dilated-undo", because="Stamps do not overlap, so w·w = 1 is enough.")
def undo(answer: Any) -> str | None:
    """Two weights with which a convolution undoes the transposed one, both of stride 2."""
    kernel = array(answer, 2)
    step = convolution_matrix(kernel, 8, stride=2)
    back = step @ step.T
    if np.allclose(back, np.eye(4)):
        return None
    return f"A 1 becomes two numbers, and your convolution makes {back[0, 0]:g} of them, not 1."


@exercise("transposed-and-dilated-return", because="The floor had swallowed one pixel.")
def back(answer: Any) -> str | None:
    """The output_padding that leads from 7 back to 14, with kernel 3, stride 2, padding 1."""
    added = integer(answer)
    if added not in (0, 1):
        return "It is at least 0 and less than the stride."
    length = transposed_output_size(7, 3, stride=2, padding=1, output_padding=added)
    return None if length == 14 else f"With {added}, the row is {length} long."


@exercise("transposed-and-dilated-turned", because="A stamp seen from the output is turned.")
def turned(answer: Any) -> str | None:
    """The kernel whose convolution, padded by 1, is the transposed one with ((1, 2), (3, 4))."""
    kernel = array(answer, 2, 2)
    x, w = np.array([[1.0, -2, 5], [0, 3, 1]]), np.array([[1.0, 2], [3, 4]])
    made = convolution_matrix(kernel, x.shape, padding=1) @ x.ravel()
    if np.allclose(made, conv_transpose2d(x, w).ravel()):
        return None
    if np.array_equal(kernel, w):
        return "Try a single 1 as the input: the stamp comes out turned. What undoes that?"
    if np.array_equal(kernel, w.T):
        return "That mirrors the kernel at its diagonal. Where should its first weight go?"
    if np.array_equal(kernel, w[::-1]) or np.array_equal(kernel, w[:, ::-1]):
        return "Along one axis that is right. A plane has two."
    return "Put a single 1 through both: what should the convolution make of it?"


@exercise("transposed-and-dilated-linear", because="Ramps of three overlap, and add up to 1.")
def linear(answer: Any) -> str | None:
    """A 1-D kernel that interpolates linearly when transposed with stride 3."""
    given = array(answer, None)
    reached = np.flatnonzero(~np.isclose(given, 0))
    kernel = given[reached[0] : reached[-1] + 1] if reached.size else given[:1]
    if len(kernel) < 3:
        return "So short a stamp leaves gaps, or cannot change between two pixels."
    if len(kernel) > 5:
        return "Your kernel reaches further than to the next pixels. A shorter one will do."
    inside = slice(len(kernel) - 1, 1 - len(kernel))  # where no stamp is missing
    row = conv_transpose2d(np.ones((1, 9)), kernel[None], stride=(1, 3))[0, inside]
    if not np.allclose(row, 1):
        return f"Equal pixels do not stay equal: of ones it makes {row[0]:g}, {row[1]:g}, …"
    ramp = conv_transpose2d(np.arange(9.0)[None], kernel[None], stride=(1, 3))[0, inside]
    steps = np.diff(ramp)
    if not np.allclose(steps, 1 / 3):
        return f"Of 0, 1, 2, … it makes steps of {steps[0]:.3g}, {steps[1]:.3g}, {steps[2]:.3g}, …"
    return None
