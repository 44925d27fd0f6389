"""A convolution, written out as the matrix that it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from convbook._arguments import as_array, as_integer, check_room
from convbook.ops.sums import windows
from convbook.shapes.sizes import output_size

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import ArrayLike

    from convbook.ops.sums import IntPair


def convolution_matrix(
    w: Float[ArrayLike, "*kernel"],
    input_shape: int | Sequence[int],
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
) -> Float[np.ndarray, "outputs inputs"]:
    """The matrix M of a convolution of one channel: ``y.ravel() == M @ x.ravel()``.

    Row r says which inputs make output r, and with which weights; both are counted in reading
    order. Its transpose is the matrix of the transposed convolution with the same arguments
    (Dumoulin and Visin 2016, section 4.1).

    Parameters
    ----------
    w
        The kernel, (k,) or (kh, kw); it is not flipped.
    input_shape
        Of what is convolved: L or (L,) for a kernel (k,), (H, W) for a kernel (kh, kw).
    stride, padding, dilation
        As for `convbook.ops.conv2d`, the same along all axes; padding is with zeros.

    Returns
    -------
    M
        (outputs, inputs), in float64.

    Raises
    ------
    ValueError
        If a shape, a size or a step does not fit; the message names it and says what would.
    """
    kernel = as_array("w", w)
    shape = tuple(input_shape) if isinstance(input_shape, Sequence) else (input_shape,)
    if kernel.ndim not in {1, 2} or len(shape) != kernel.ndim:
        raise ValueError(
            f"w has shape {kernel.shape} and input_shape is {shape}; "
            "they must be (k,) and (L,), or (kh, kw) and (H, W)"
        )
    padding = as_integer("padding", padding, least=0)
    sides = [as_integer("input_shape", side, least=1) for side in shape]
    outputs = [
        output_size(side, k, stride, padding, dilation)
        for side, k in zip(sides, kernel.shape, strict=True)
    ]
    for made in ([side + 2 * padding for side in sides], [*outputs, *sides]):
        check_room("input_shape", f"{shape} and padding {padding}", tuple(made))
    # A row is a plane of height 1, which is not padded above and below.
    margins = (padding if kernel.ndim == 2 else 0, padding)
    plane = (sides[0] if kernel.ndim == 2 else 1, sides[-1])
    return _matrix_of_plane(np.atleast_2d(kernel), plane, margins, stride, dilation)


def _matrix_of_plane(
    kernel: Float[np.ndarray, "kh kw"],
    sides: IntPair,
    padding: IntPair,
    stride: int,
    dilation: int,
) -> Float[np.ndarray, "outputs inputs"]:
    # Number the pixels; the padding is no input and gets -1.
    numbers = np.arange(sides[0] * sides[1]).reshape(sides)
    margins = [(padding[0], padding[0]), (padding[1], padding[1])]
    numbers = np.pad(numbers, margins, constant_values=-1)
    # So a window holds the numbers of the pixels that it sees.
    steps = (stride, stride), (dilation, dilation)
    seen = windows(numbers, kernel.shape, *steps)
    seen = seen.reshape(-1, kernel.size)  # a row for each output
    # Put the kernel into these columns; that of -1 is the last, and goes.
    matrix = np.zeros((len(seen), sides[0] * sides[1] + 1))
    np.put_along_axis(matrix, seen, kernel.ravel(), axis=1)
    return matrix[:, :-1]
