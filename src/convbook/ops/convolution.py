"""Convolution, in one and two dimensions, and its gradients.

Names, arguments and meaning follow ``torch.nn.functional``, which the tests compare them with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from convbook._arguments import as_array, as_integer, as_pair
from convbook.ops.axes import as_bias, as_images_and_kernels, as_output
from convbook.ops.padding import margins_of, pad, pad_backward
from convbook.ops.sums import collect, correlate, spread, windows

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import ArrayLike

    from convbook.ops.padding import Margins, PaddingMode, Pair, Word
    from convbook.ops.sums import IntPair

    # images, kernels, margins, and the steps: stride, dilation, groups
    Layer = tuple[
        Float[np.ndarray, "n c h w"],
        Float[np.ndarray, "f c_g kh kw"],
        Margins,
        tuple[IntPair, IntPair, int],
    ]


class Gradients(NamedTuple):
    """What a loss changes by, for each number of the input, the weights and the bias."""

    dx: Float[np.ndarray, "*x_shape"]
    dw: Float[np.ndarray, "*w_shape"]
    db: Float[np.ndarray, " f"]


def conv2d(
    x: Float[ArrayLike, "*n_c h w"],
    w: Float[ArrayLike, "*f_c kh kw"],
    bias: Float[ArrayLike, " f"] | None = None,
    stride: Pair = 1,
    padding: Pair | Word = 0,
    dilation: Pair = 1,
    groups: int = 1,
    padding_mode: PaddingMode = "zeros",
) -> Float[np.ndarray, "*n_f h_out w_out"]:
    """Slide the kernels over the images and take the weighted sum of what each window shows.

    The kernel is *never flipped*: ``y[i, j] = Σ x[i + a, j + b] · w[a, b]``, as in all neural
    networks (strictly, a cross-correlation). ``scipy.signal.convolve2d`` and
    ``scipy.ndimage.convolve`` flip it; ``scipy.signal.correlate2d`` and ``scipy.ndimage.correlate``
    do not. SciPy's ``ndimage`` also keeps the size and mirrors the image at its border (its mode
    "reflect" repeats the outermost pixel, the one here does not); here nothing is padded unless
    you ask for it.

    Parameters
    ----------
    x
        Images (N, C, H, W), one image (C, H, W), or one plane (H, W).
    w
        Kernels (F, C / groups, kh, kw); a bare kernel (kh, kw) for a plane.
    bias
        One number for each kernel, (F,); for a plane a number will do.
    stride, dilation
        Steps between windows, and between the entries of a kernel: an integer, or a pair
        (down, across).
    padding
        Rows and columns added on both sides: an integer, a pair (rows, columns), ``"valid"``
        (none), or ``"same"`` (as many as keep the size, for stride 1; where their number is odd,
        the last one goes to the bottom or to the right).
    groups
        Split the channels of ``x`` and the kernels of ``w`` into so many groups, in order;
        each group of kernels sees its own group of channels.
    padding_mode
        What the added pixels hold: ``"zeros"``; the image again (``"circular"``); its mirror
        image without the outermost pixel (``"reflect"``); its outermost pixel (``"replicate"``).

    Returns
    -------
    y
        (N, F, H_out, W_out), (F, H_out, W_out) or (H_out, W_out), in float64.

    Raises
    ------
    ValueError
        If a shape, a size or a mode does not fit; the message names it and says what would.
    """
    images, kernels, margins, steps = _layer(x, w, stride, padding, dilation, groups)
    offset = as_bias(bias, len(kernels), rank=np.ndim(x))  # F 1 1
    images = pad(images, margins, padding_mode)  # N C Hp Wp
    y = collect(images, kernels, *steps)  # N F H_out W_out
    y += offset
    # An axis that x did not have is 1 long, and goes.
    return y.reshape(y.shape[-np.ndim(x) :])


def conv2d_backward(
    dy: Float[ArrayLike, "*n_f h_out w_out"],
    x: Float[ArrayLike, "*n_c h w"],
    w: Float[ArrayLike, "*f_c kh kw"],
    stride: Pair = 1,
    padding: Pair | Word = 0,
    dilation: Pair = 1,
    groups: int = 1,
    padding_mode: PaddingMode = "zeros",
) -> Gradients:
    """The gradients of a loss by what went into `conv2d`, from its gradient by what came out.

    That by x is the transposed convolution of ``dy`` with the same kernels; where x was padded,
    the margins give back what they got. That by w is a convolution of x with ``dy``. That by the
    bias is the sum of ``dy``.

    Parameters
    ----------
    dy
        The gradient by the output, and of its shape.
    x, w, stride, padding, dilation, groups, padding_mode
        As given to `conv2d`.

    Returns
    -------
    dx, dw, db
        Of the shapes of x, w and the bias, (F,); in float64.

    Raises
    ------
    ValueError
        As `conv2d`; and if ``dy`` has another shape than its output.
    """
    images, kernels, margins, steps = _layer(x, w, stride, padding, dilation, groups)
    images = pad(images, margins, padding_mode)  # N C Hp Wp
    sides, size = images.shape[2:], kernels.shape[2:]
    out = windows(images, size, *steps[:2]).shape[2:4]
    shape = (len(images), len(kernels), *out)
    dy = as_output(dy, shape, rank=np.ndim(x))  # N F H_out W_out

    dx = spread(dy, kernels, sides, *steps)  # N C Hp Wp
    dx = pad_backward(dx, margins, padding_mode)  # N C H W
    dw = correlate(images, dy, size, *steps)  # F C/G kh kw
    db = dy.sum(axis=(0, 2, 3))  # F
    return Gradients(dx.reshape(np.shape(x)), dw.reshape(np.shape(w)), db)


def conv1d(
    x: Float[ArrayLike, "*n_c l"],
    w: Float[ArrayLike, "*f_c k"],
    bias: Float[ArrayLike, " f"] | None = None,
    stride: int = 1,
    padding: int | Word = 0,
    dilation: int = 1,
    groups: int = 1,
    padding_mode: PaddingMode = "zeros",
) -> Float[np.ndarray, "*n_f l_out"]:
    """`conv2d` of signals: images of height one.

    Parameters
    ----------
    x
        Signals (N, C, L), one signal (C, L), or a bare one (L,).
    w
        Kernels (F, C / groups, k); a bare kernel (k,) for a bare signal.
    bias, stride, padding, dilation, groups, padding_mode
        As for `conv2d`, with one integer in place of a pair.

    Returns
    -------
    y
        (N, F, L_out), (F, L_out) or (L_out,), in float64.

    Raises
    ------
    ValueError
        If a shape, a size or a mode does not fit; the message names it and says what would.
    """
    rows, kernels, sizes = _of_height_one(x, w, stride, padding, dilation)
    y = conv2d(rows, kernels, bias, *sizes, groups, padding_mode)
    return y[..., 0, :]


def conv1d_backward(
    dy: Float[ArrayLike, "*n_f l_out"],
    x: Float[ArrayLike, "*n_c l"],
    w: Float[ArrayLike, "*f_c k"],
    stride: int = 1,
    padding: int | Word = 0,
    dilation: int = 1,
    groups: int = 1,
    padding_mode: PaddingMode = "zeros",
) -> Gradients:
    """The gradients of a loss by what went into `conv1d`; see `conv2d_backward`.

    Parameters
    ----------
    dy
        The gradient by the output, and of its shape.
    x, w, stride, padding, dilation, groups, padding_mode
        As given to `conv1d`.

    Returns
    -------
    dx, dw, db
        Of the shapes of x, w and the bias, (F,); in float64.

    Raises
    ------
    ValueError
        As `conv1d`; and if ``dy`` has another shape than its output.
    """
    rows, kernels, sizes = _of_height_one(x, w, stride, padding, dilation)
    dy = as_array("dy", dy)
    if dy.ndim != np.ndim(x):
        raise ValueError(f"dy has shape {dy.shape}; it must have as many axes as x, {np.ndim(x)}")
    dx, dw, db = conv2d_backward(dy[..., None, :], rows, kernels, *sizes, groups, padding_mode)
    return Gradients(dx[..., 0, :], dw[..., 0, :], db)


def _layer(
    x: Float[ArrayLike, "*n_c h w"],
    w: Float[ArrayLike, "*f_c kh kw"],
    stride: Pair,
    padding: Pair | Word,
    dilation: Pair,
    groups: int,
) -> Layer:
    """The arguments that forward and backward share, checked and in full."""
    images, kernels = as_images_and_kernels(x, w, "F, C / groups")
    stride, dilation = as_pair("stride", stride, least=1), as_pair("dilation", dilation, least=1)
    groups = as_integer("groups", groups, least=1)
    channels, (filters, seen) = images.shape[1], kernels.shape[:2]
    if channels != groups * seen:
        raise ValueError(
            f"x has {channels} channels, w sees {seen} in each of groups={groups}; "
            f"x must have {groups * seen}"
        )
    if filters % groups:
        raise ValueError(f"groups is {groups}; it must divide the {filters} kernels of w")
    margins = margins_of(padding, kernels.shape[2:], stride, dilation)
    return images, kernels, margins, (stride, dilation, groups)


def _of_height_one(
    x: Float[ArrayLike, "*n_c l"],
    w: Float[ArrayLike, "*f_c k"],
    stride: int,
    padding: int | Word,
    dilation: int,
) -> tuple[
    Float[np.ndarray, "*n_c 1 l"],
    Float[np.ndarray, "*f_c 1 k"],
    tuple[IntPair, IntPair | Word, IntPair],
]:
    """Signals as images, and the sizes of `conv1d` as those of `conv2d`."""
    signals, kernels = as_array("x", x), as_array("w", w)
    if (signals.ndim, kernels.ndim) not in {(3, 3), (2, 3), (1, 1)}:
        raise ValueError(
            f"x has shape {signals.shape} and w has shape {kernels.shape}; they must be "
            "(N, C, L) or (C, L) with (F, C / groups, k), or (L,) with (k,)"
        )
    step = as_integer("stride", stride, least=1)
    gap = as_integer("dilation", dilation, least=1)
    if not isinstance(padding, str):
        margin = as_integer("padding", padding, least=0)
    sizes = (1, step), padding if isinstance(padding, str) else (0, margin), (1, gap)
    return signals[..., None, :], kernels[..., None, :], sizes
