"""Transposed convolution, which is what leads a gradient back through a convolution; and its own.

Names, arguments and meaning follow ``torch.nn.functional``, which the tests compare them with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convbook._arguments import as_integer, as_pair, check_room
from convbook.ops.axes import as_bias, as_images_and_kernels, as_output
from convbook.ops.convolution import Gradients
from convbook.ops.padding import pad, pad_backward
from convbook.ops.sums import collect, correlate, spread
from convbook.shapes.sizes import transposed_output_size

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import ArrayLike

    from convbook.ops.padding import Margins, Pair
    from convbook.ops.sums import IntPair

    # images, kernels, sides with the padding, margins, and the steps: stride, dilation, groups
    Layer = tuple[
        Float[np.ndarray, "n c h w"],
        Float[np.ndarray, "c f_g kh kw"],
        IntPair,
        Margins,
        tuple[IntPair, IntPair, int],
    ]


def conv_transpose2d(
    x: Float[ArrayLike, "*n_c h w"],
    w: Float[ArrayLike, "*c_f kh kw"],
    bias: Float[ArrayLike, " f"] | None = None,
    stride: Pair = 1,
    padding: Pair = 0,
    output_padding: Pair = 0,
    groups: int = 1,
    dilation: Pair = 1,
) -> Float[np.ndarray, "*n_f h_out w_out"]:
    """Stamp the kernels onto the output, one stamp for each number of the input.

    Parameters
    ----------
    x
        Images (N, C, H, W), one image (C, H, W), or one plane (H, W).
    w
        Kernels (C, F / groups, kh, kw); a bare kernel (kh, kw) for a plane. They are those of the
        convolution that leads from the output's shape back to the input's.
    bias
        One number for each channel of the output, (F,); for a plane a number will do.
    stride, dilation
        Steps between stamps, and between the entries of a stamp: an integer, or a pair
        (down, across).
    padding
        Rows and columns cut off on both sides: an integer or a pair.
    output_padding
        Rows and columns more at the bottom and at the right, fewer than ``stride`` or than
        ``dilation``: which of the sizes that a convolution with this stride takes to the input's.
    groups
        Split the channels of input and output into so many groups, in order.

    Returns
    -------
    y
        (N, F, H_out, W_out), (F, H_out, W_out) or (H_out, W_out), in float64.

    Raises
    ------
    ValueError
        If a shape or a size does not fit; the message names it and says what would.
    """
    images, kernels, sides, margins, steps = _layer(
        x, w, stride, padding, output_padding, groups, dilation
    )
    offset = as_bias(bias, kernels.shape[1] * steps[2], rank=np.ndim(x))  # F 1 1
    y = spread(images, kernels, sides, *steps)  # N F Hp Wp
    y = pad_backward(y, margins)  # cuts them off: N F H_out W_out
    y += offset
    # An axis that x did not have is 1 long, and goes.
    return y.reshape(y.shape[-np.ndim(x) :])


def conv_transpose2d_backward(
    dy: Float[ArrayLike, "*n_f h_out w_out"],
    x: Float[ArrayLike, "*n_c h w"],
    w: Float[ArrayLike, "*c_f kh kw"],
    stride: Pair = 1,
    padding: Pair = 0,
    output_padding: Pair = 0,
    groups: int = 1,
    dilation: Pair = 1,
) -> Gradients:
    """The gradients of a loss by what went into `conv_transpose2d`, from that by what came out.

    Input and output of a convolution have changed places. So the gradient by x is the convolution
    of ``dy`` with the same kernels; that by w is a convolution of ``dy`` with x; and that by the
    bias is the sum of ``dy``.

    Parameters
    ----------
    dy
        The gradient by the output, and of its shape.
    x, w, stride, padding, output_padding, groups, dilation
        As given to `conv_transpose2d`.

    Returns
    -------
    dx, dw, db
        Of the shapes of x, w and the bias, (F,); in float64.

    Raises
    ------
    ValueError
        As `conv_transpose2d`; and if ``dy`` has another shape than its output.
    """
    images, kernels, sides, margins, steps = _layer(
        x, w, stride, padding, output_padding, groups, dilation
    )
    (height, width), size = images.shape[2:], kernels.shape[2:]
    out = (side - sum(margin) for side, margin in zip(sides, margins, strict=True))
    shape = (len(images), kernels.shape[1] * steps[2], *out)
    dy = as_output(dy, shape, rank=np.ndim(x))  # N F H_out W_out

    padded = pad(dy, margins)  # N F Hp Wp
    dx = collect(padded, kernels, *steps)[:, :, :height, :width]  # N C H W
    dw = correlate(padded, images, size, *steps)  # C F/G kh kw
    db = dy.sum(axis=(0, 2, 3))  # F
    return Gradients(dx.reshape(np.shape(x)), dw.reshape(np.shape(w)), db)


def _layer(
    x: Float[ArrayLike, "*n_c h w"],
    w: Float[ArrayLike, "*c_f kh kw"],
    stride: Pair,
    padding: Pair,
    output_padding: Pair,
    groups: int,
    dilation: Pair,
) -> Layer:
    """The arguments that forward and backward share, checked and in full."""
    images, kernels = as_images_and_kernels(x, w, "C, F / groups")
    stride, dilation = as_pair("stride", stride, least=1), as_pair("dilation", dilation, least=1)
    padding = as_pair("padding", padding, least=0)
    added = as_pair("output_padding", output_padding, least=0)
    groups = as_integer("groups", groups, least=1)
    channels = images.shape[1]
    if channels != len(kernels):
        raise ValueError(f"x has {channels} channels, w takes {len(kernels)}; x must have as many")
    if channels % groups:
        raise ValueError(f"groups is {groups}; it must divide the {channels} channels of x")
    height, width = (
        transposed_output_size(n, k, s, p, more, d) + 2 * p
        for n, k, s, p, more, d in zip(
            images.shape[2:], kernels.shape[2:], stride, padding, added, dilation, strict=True
        )
    )
    made = (len(images), kernels.shape[1] * groups, height, width)
    check_room("stride", f"{stride} and dilation {dilation}", made)
    rows, columns = padding
    margins = ((rows, rows), (columns, columns))
    return images, kernels, (height, width), margins, (stride, dilation, groups)
