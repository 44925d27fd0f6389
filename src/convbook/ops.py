"""The operations of convolutional networks in NumPy, in double precision, made to be read.

Names, arguments and meaning follow ``torch.nn.functional``, which the tests compare them with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from convbook._arguments import as_array, as_integer, as_pair

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import ArrayLike

    Pair = int | tuple[int, int]
    PaddingMode = Literal["zeros", "circular", "reflect", "replicate"]
    Margins = tuple[tuple[int, int], tuple[int, int]]  # (top, bottom), (left, right)

# What torch calls a way of padding → what NumPy calls it.
PADDING_MODES: dict[str, Literal["constant", "wrap", "reflect", "edge"]] = {
    "zeros": "constant",
    "circular": "wrap",
    "reflect": "reflect",
    "replicate": "edge",
}

# How many numbers `_weighted_sums` may copy at once: 2 MB, which a processor's cache still holds.
_BLOCK = 2**18


def conv2d(
    x: Float[ArrayLike, "*n_c h w"],
    w: Float[ArrayLike, "*f_c kh kw"],
    bias: Float[ArrayLike, " f"] | None = None,
    stride: Pair = 1,
    padding: Pair | Literal["valid", "same"] = 0,
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
    images, kernels = _with_all_axes(as_array("x", x), as_array("w", w))  # N C H W, F C/G kh kw
    stride, dilation = as_pair("stride", stride, least=1), as_pair("dilation", dilation, least=1)
    groups = as_integer("groups", groups, least=1)
    _check_channels(images, kernels, groups)
    offset = _offset(bias, len(kernels), plane=np.ndim(x) == 2)  # F 1 1

    size = kernels.shape[-2:]
    images = pad(images, _margins(padding, size, stride, dilation), padding_mode)
    patches = windows(images, size, stride, dilation)  # N C H_out W_out kh kw
    y = _weighted_sums(patches, kernels, groups)  # N F H_out W_out
    y += offset
    return y.reshape(y.shape[-np.ndim(x) :])  # an axis that x did not have is 1 long, and goes


def pad(
    x: Float[np.ndarray, "*n_c h w"], margins: Margins, mode: PaddingMode = "zeros"
) -> Float[np.ndarray, "*n_c hp wp"]:
    """Add margins ((top, bottom), (left, right)) to an image, or to each of many.

    Raises
    ------
    ValueError
        If the mode is unknown, or the image too small for it: ``"reflect"`` needs a side longer
        than its margin, ``"circular"`` one as long.
    """
    if not (isinstance(mode, str) and mode in PADDING_MODES):
        raise ValueError(f"padding_mode is {mode!r}; it can be {', '.join(PADDING_MODES)}")
    most = {"reflect": -1, "circular": 0}
    for axis, side, margin in zip(("height", "width"), x.shape[-2:], margins, strict=True):
        if mode in most and max(margin) > side + most[mode]:
            raise ValueError(
                f"padding is {max(margin)} along the {axis}; with padding_mode {mode!r} and an "
                f"input of {axis} {side} it can be {side + most[mode]} at most"
            )
    if not np.any(margins):
        return x
    rest = [(0, 0)] * (x.ndim - 2)
    return np.pad(x, [*rest, *margins], PADDING_MODES[mode])


def windows(
    x: Float[np.ndarray, "*n_c h w"],
    size: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
) -> Float[np.ndarray, "*n_c h_out w_out kh kw"]:
    """All that a kernel of the given size sees on its way over the image: a view, no copy.

    Raises
    ------
    ValueError
        If the kernel with its gaps is larger than ``x``.
    """
    extent = (dilation[0] * (size[0] - 1) + 1, dilation[1] * (size[1] - 1) + 1)
    for axis, needed, side in zip(("height", "width"), extent, x.shape[-2:], strict=True):
        if needed > side:
            raise ValueError(
                f"the kernel of size {size} with dilation {dilation} spans {extent}; the input "
                f"with its padding is {x.shape[-2:]}, and its {axis} must be {needed} or more"
            )
    view = sliding_window_view(x, extent, axis=(-2, -1))
    return view[..., :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]


def _weighted_sums(
    patches: Float[np.ndarray, "n c h w kh kw"],
    kernels: Float[np.ndarray, "f c_g kh kw"],
    groups: int,
) -> Float[np.ndarray, "n f h w"]:
    """Σ patches[n, c, i, j, a, b] · kernels[f, c, a, b] over c, a, b.

    A matrix product needs the overlapping windows side by side in memory,
    kh·kw times the image: hence some rows of the output at a time.
    """
    n, c, height, width, kh, kw = patches.shape
    k = c // groups * kh * kw
    matrix = kernels.reshape(groups, -1, k)  # G F/G K
    y = np.empty((n, groups, matrix.shape[1], height, width))
    rows = max(1, _BLOCK // (n * c * width * kh * kw))
    for top in range(0, height, rows):
        block = patches[:, :, top : top + rows]  # N C rows W kh kw
        block = np.moveaxis(block, (4, 5), (2, 3))  # N C kh kw rows W
        columns = block.reshape(n, groups, k, -1)  # N G K rows·W
        sums = matrix @ columns  # N G F/G rows·W
        sums = sums.reshape(n, groups, -1, block.shape[4], width)
        y[..., top : top + rows, :] = sums  # N G F/G rows W
    return y.reshape(n, len(kernels), height, width)


def _margins(
    padding: Pair | str, size: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int]
) -> Margins:
    """What a padding means for a kernel: ((top, bottom), (left, right))."""
    if not isinstance(padding, str):
        rows, columns = as_pair("padding", padding, least=0)
        return (rows, rows), (columns, columns)
    if padding == "valid":
        return (0, 0), (0, 0)
    if padding != "same":
        raise ValueError(f"padding is {padding!r}; as a word it can be 'valid' or 'same'")
    if stride != (1, 1):
        raise ValueError(f"stride is {stride}; with padding 'same' it must be 1")
    rows, columns = (d * (k - 1) for d, k in zip(dilation, size, strict=True))
    return (rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2)


def _with_all_axes(
    x: Float[np.ndarray, "*n_c h w"], w: Float[np.ndarray, "*f_c kh kw"]
) -> tuple[Float[np.ndarray, "n c h w"], Float[np.ndarray, "f c_g kh kw"]]:
    """Give one image its axis of batches, and a plane and its kernel those of channels too."""
    if (x.ndim, w.ndim) not in {(4, 4), (3, 4), (2, 2)}:
        raise ValueError(
            f"x has shape {x.shape} and w has shape {w.shape}; they must be (N, C, H, W) or "
            "(C, H, W) with (F, C / groups, kh, kw), or (H, W) with (kh, kw)"
        )
    return x.reshape((1,) * (4 - x.ndim) + x.shape), w.reshape((1,) * (4 - w.ndim) + w.shape)


def _check_channels(
    x: Float[np.ndarray, "n c h w"], w: Float[np.ndarray, "f c_g kh kw"], groups: int
) -> None:
    channels, (filters, seen) = x.shape[1], w.shape[:2]
    if channels != groups * seen:
        raise ValueError(
            f"x has {channels} channels, w sees {seen} in each of groups={groups}; "
            f"x must have {groups * seen}"
        )
    if filters % groups:
        raise ValueError(f"groups is {groups}; it must divide the {filters} kernels of w")


def _offset(
    bias: Float[ArrayLike, " f"] | None, filters: int, plane: bool
) -> Float[np.ndarray, "f 1 1"]:
    """The bias with axes for height and width; zeros where there is none."""
    if bias is None:
        return np.zeros((filters, 1, 1))
    values = as_array("bias", bias)
    if values.shape != (filters,) and not (plane and values.shape == ()):
        raise ValueError(f"bias has shape {values.shape}; it must be ({filters},)")
    return values.reshape(filters, 1, 1)
