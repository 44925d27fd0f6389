"""The border of an image: what is added around it, and the way back for gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from convbook._arguments import as_pair, check_room
from convbook.shapes import sizes

if TYPE_CHECKING:
    from jaxtyping import Float

    Pair = int | tuple[int, int]
    Word = Literal["valid", "same"]
    PaddingMode = Literal["zeros", "circular", "reflect", "replicate"]
    Margins = tuple[tuple[int, int], tuple[int, int]]  # (top, bottom), (left, right)

# What torch calls a way of padding → what NumPy calls it.
PADDING_MODES: dict[str, Literal["constant", "wrap", "reflect", "edge"]] = {
    "zeros": "constant",
    "circular": "wrap",
    "reflect": "reflect",
    "replicate": "edge",
}


def pad(
    x: Float[np.ndarray, "*n_c h w"],
    margins: Margins,
    mode: PaddingMode = "zeros",
) -> Float[np.ndarray, "*n_c hp wp"]:
    """Add margins ((top, bottom), (left, right)) to an image, or to each of many.

    Raises
    ------
    ValueError
        If the mode is unknown; if the image is too small for it (``"reflect"`` needs a side longer
        than its margin, ``"circular"`` one as long); or if the result would hold 2**31 numbers.
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
    padded = (side + sum(margin) for side, margin in zip(x.shape[-2:], margins, strict=True))
    check_room("padding", margins, (*x.shape[:-2], *padded))
    rest = [(0, 0)] * (x.ndim - 2)
    return np.pad(x, [*rest, *margins], PADDING_MODES[mode])


def pad_backward(
    dy: Float[np.ndarray, "*n_c hp wp"],
    margins: Margins,
    mode: PaddingMode = "zeros",
) -> Float[np.ndarray, "*n_c h w"]:
    """The gradient by an image, from that by the padded one: `pad`'s adjoint.

    A pixel of the margin hands its gradient to the pixel that it copied; a zero
    is no copy, and its gradient goes nowhere: zeros are cut off.
    """
    for axis, (before, after) in zip((-2, -1), margins, strict=True):
        if before == after == 0:
            continue
        padded = np.moveaxis(dy, axis, 0)  # the padded axis first
        side = len(padded) - before - after
        dx = padded[before : before + side].copy(order="K")
        if mode != "zeros":
            around = (before, after)
            source = np.pad(np.arange(side), around, PADDING_MODES[mode])
            margin = np.r_[:before, before + side : len(padded)]
            np.add.at(dx, source[margin], padded[margin])
        dy = np.moveaxis(dx, 0, axis)
    return dy


def margins_of(
    padding: Pair | Word,
    size: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
) -> Margins:
    """What a padding means for a kernel: ((top, bottom), (left, right)).

    Raises
    ------
    ValueError
        If it is an unknown word, "same" with a stride, or no count nor a pair of counts.
    """
    counts = (padding,) * 2 if isinstance(padding, str) else as_pair("padding", padding, least=0)
    extents = (d * (k - 1) + 1 for d, k in zip(dilation, size, strict=True))
    rows, columns = (sizes.margins(*axis) for axis in zip(counts, extents, stride, strict=True))
    return rows, columns
