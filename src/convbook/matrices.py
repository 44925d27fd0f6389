"""A convolution, written out as the matrix that it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from convbook._arguments import as_array, as_integer
from convbook.ops.windows import windows
from convbook.shapes.sizes import output_size

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import ArrayLike


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

    # Number the pixels of the padded picture: a window then tells which it sees.
    padded = [side + 2 * padding for side in sides]
    numbers = np.arange(np.prod(padded)).reshape(padded)
    if kernel.ndim == 1:  # a row is a plane of height 1
        seen = windows(numbers[None], (1, kernel.size), (1, stride), (1, dilation))
    else:
        seen = windows(numbers, kernel.shape, (stride, stride), (dilation, dilation))

    matrix = np.zeros((int(np.prod(outputs)), numbers.size))
    np.put_along_axis(matrix, seen.reshape(len(matrix), -1), kernel.ravel(), axis=1)
    # The padding holds zeros, so its columns count for nothing.
    inside = tuple(slice(padding, padding + side) for side in sides)
    return matrix[:, numbers[inside].ravel()]
