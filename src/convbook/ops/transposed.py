"""Transposed convolution: convolution backwards, forwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convbook._arguments import as_array, as_integer, as_pair
from convbook.ops.axes import gradient_like, offset, with_all_axes
from convbook.ops.convolution import Gradients
from convbook.ops.padding import pad, pad_backward
from convbook.ops.windows import collect, correlate, spread
from convbook.shapes.sizes import transposed_output_size

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import ArrayLike

    from convbook.ops.padding import Pair


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
    images, kernels, sides, stride, margins, dilation, groups = _layer(
        x, w, stride, padding, output_padding, groups, dilation
    )
    added = offset(bias, kernels.shape[1] * groups, plane=np.ndim(x) == 2)  # F 1 1
    y = spread(images, kernels, sides, stride, dilation, groups)  # N F Hp Wp
    y = pad_backward(y, margins)  # N F H_out W_out
    y += added
    return y.reshape(y.shape[-np.ndim(x) :])  # an axis that x did not have is 1 long, and goes


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
    """The gradients by what went into `conv_transpose2d`, from that by what came out.

    That by x is the convolution of ``dy`` with the same kernels, that by w a convolution of ``dy``
    with x: x and the output have changed places.

    Raises
    ------
    ValueError
        As `conv_transpose2d`; and if ``dy`` has another shape than its output.
    """
    images, kernels, sides, stride, margins, dilation, groups = _layer(
        x, w, stride, padding, output_padding, groups, dilation
    )
    out = [side - before - after for side, (before, after) in zip(sides, margins, strict=True)]
    shape = (len(images), kernels.shape[1] * groups, *out)
    dy = gradient_like(dy, shape, np.ndim(x))  # N F H_out W_out

    padded = pad(dy, margins)  # N F Hp Wp
    height, width = images.shape[2:]
    dx = collect(padded, kernels, stride, dilation, groups)[:, :, :height, :width]  # N C H W
    dw = correlate(padded, images, kernels.shape[2:], stride, dilation, groups)  # C F/G kh kw
    db = dy.sum(axis=(0, 2, 3))  # F
    return Gradients(dx.reshape(np.shape(x)), dw.reshape(np.shape(w)), db)


def _layer(x, w, stride, padding, output_padding, groups, dilation):
    """The arguments that forward and backward share, checked and in full."""
    images, kernels = with_all_axes(as_array("x", x), as_array("w", w), "C, F / groups")
    stride, dilation = as_pair("stride", stride, least=1), as_pair("dilation", dilation, least=1)
    padding = as_pair("padding", padding, least=0)
    output_padding = as_pair("output_padding", output_padding, least=0)
    groups = as_integer("groups", groups, least=1)
    if images.shape[1] != len(kernels):
        raise ValueError(
            f"x has {images.shape[1]} channels, w takes {len(kernels)}; x must have as many"
        )
    if len(kernels) % groups:
        raise ValueError(f"groups is {groups}; it must divide the {len(kernels)} channels of x")
    sides = tuple(
        transposed_output_size(n, k, s, p, more, d) + 2 * p
        for n, k, s, p, more, d in zip(
            images.shape[2:], kernels.shape[2:], stride, padding, output_padding, dilation,
            strict=True,
        )
    )
    margins = tuple((p, p) for p in padding)
    return images, kernels, sides, stride, margins, dilation, groups
