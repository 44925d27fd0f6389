"""Where the windows of a pooling layer lie, and how many numbers each of them averages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from convbook._arguments import as_flag, as_integer, as_pair, check_room
from convbook.ops.sums import windows
from convbook.shapes.sizes import check_pooling, output_size

if TYPE_CHECKING:
    from jaxtyping import Float

    from convbook.ops.padding import Margins, Pair
    from convbook.ops.sums import IntPair


@dataclass(frozen=True)
class Pools:
    """The windows on images of the given sides, (height, width); pairs are (down, across)."""

    sides: IntPair
    size: IntPair
    stride: IntPair
    padding: IntPair
    dilation: IntPair
    out: IntPair  # how many windows

    @property
    def margins(self) -> Margins:
        """What all windows need around the image: behind it, as far as the last one reaches."""
        (top, bottom), (left, right) = (
            (p, max(0, (out - 1) * s + d * (k - 1) + 1 - n - p))
            for n, k, s, p, d, out in zip(
                self.sides,
                self.size,
                self.stride,
                self.padding,
                self.dilation,
                self.out,
                strict=True,
            )
        )
        return (top, bottom), (left, right)

    @property
    def padded(self) -> IntPair:
        """The sides of the image with its margins."""
        (height, width), (rows, columns) = self.sides, self.margins
        return height + sum(rows), width + sum(columns)

    def surround(
        self, images: Float[np.ndarray, "n c h w"], value: float
    ) -> Float[np.ndarray, "n c hp wp"]:
        """The images with margins of one value."""
        if not np.any(self.margins):
            return images
        return np.pad(images, [(0, 0), (0, 0), *self.margins], constant_values=value)

    def windows(
        self, padded: Float[np.ndarray, "n c hp wp"], writeable: bool = False
    ) -> Float[np.ndarray, "n c h_out w_out kh kw"]:
        """What the windows show of images with margins."""
        return windows(padded, self.size, self.stride, self.dilation, writeable)

    def count(self, include_pad: bool) -> Float[np.ndarray, "h_out w_out"]:
        """How many numbers lie within each window (without gaps), with the padding or without.

        What hangs over the padding never counts.
        """
        down, across = (
            _lengths(n, k, s, p, out, include_pad)
            for n, k, s, p, out in zip(
                self.sides, self.size, self.stride, self.padding, self.out, strict=True
            )
        )
        return np.outer(down, across)


def pools_on(
    images: Float[np.ndarray, "n c h w"],
    kernel_size: Pair,
    stride: Pair | None,
    padding: Pair,
    dilation: Pair,
    ceil_mode: bool,
) -> Pools:
    """The windows on some images, as the arguments of a pooling layer have them.

    Raises
    ------
    ValueError
        If an argument is out of its range, or no window fits.
    """
    size = as_pair("kernel_size", kernel_size, least=1)
    stride = size if stride is None else as_pair("stride", stride, least=1)
    padding = as_pair("padding", padding, least=0)
    dilation = as_pair("dilation", dilation, least=1)
    ceil_mode = as_flag("ceil_mode", ceil_mode)
    for p, k in zip(padding, size, strict=True):
        check_pooling(p, k)
    height, width = images.shape[2:]
    try:
        out = (
            output_size(height, size[0], stride[0], padding[0], dilation[0], ceil_mode),
            output_size(width, size[1], stride[1], padding[1], dilation[1], ceil_mode),
        )
    except ValueError as error:
        raise ValueError(
            f"kernel_size is {size}, for images of {height}×{width}: {error}"
        ) from None
    pools = Pools((height, width), size, stride, padding, dilation, out)
    check_room("padding", padding, (*images.shape[:2], *pools.padded))
    return pools


def divisor(
    pools: Pools, count_include_pad: bool, divisor_override: int | None
) -> Float[np.ndarray, "h_out w_out"]:
    """What average pooling divides the sum of each window by.

    Raises
    ------
    ValueError
        If ``count_include_pad`` is no bool, or ``divisor_override`` no integer of at least 1.
    """
    count = pools.count(as_flag("count_include_pad", count_include_pad))
    if divisor_override is None:
        return count
    return np.full_like(count, as_integer("divisor_override", divisor_override, least=1))


def _lengths(
    n: int, kernel: int, stride: int, padding: int, out: int, include_pad: bool
) -> Float[np.ndarray, " out"]:
    """How much of each window lies within an axis of ``n`` pixels."""
    start = np.array(range(0, out * stride, stride), dtype=np.intp) - padding
    end = np.minimum(start + kernel, n + padding)
    if not include_pad:
        start, end = np.maximum(start, 0), np.minimum(end, n)
    return (end - start).astype(np.float64)
