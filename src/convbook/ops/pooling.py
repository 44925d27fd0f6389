"""Max and average pooling, and their gradients.

Names, arguments and meaning follow ``torch.nn.functional``, which the tests compare them with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convbook.ops.axes import as_images, as_output
from convbook.ops.padding import pad_backward
from convbook.ops.pools import Pools, divisor, pools_on
from convbook.ops.sums import windows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jaxtyping import Bool, Float
    from numpy.typing import ArrayLike

    from convbook.ops.padding import Pair
    from convbook.ops.sums import IntPair


def max_pool2d(
    x: Float[ArrayLike, "*n_c h w"],
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
) -> Float[np.ndarray, "*n_c h_out w_out"]:
    """Take the greatest number that each window shows; one that is no number (NaN) wins.

    Parameters
    ----------
    x
        Images (N, C, H, W), one image (C, H, W), or one plane (H, W).
    kernel_size
        Height and width of a window: a pair, or an integer for both.
    stride, dilation
        Steps between windows (by default ``kernel_size``: they touch), and between the numbers
        that a window shows: an integer, or a pair (down, across).
    padding
        Rows and columns of −∞ added on both sides, half a window at most.
    ceil_mode
        Let a last window hang over the end, if it starts within the image or the padding
        before it.

    Returns
    -------
    y
        (N, C, H_out, W_out), (C, H_out, W_out) or (H_out, W_out), in float64.

    Raises
    ------
    ValueError
        If a shape or a size does not fit; the message names it and says what would.
    """
    images = as_images(x)  # N C H W
    pools = pools_on(images, kernel_size, stride, padding, dilation, ceil_mode)
    y = _maxima(pools.windows(pools.surround(images, -np.inf)))
    return y.reshape(y.shape[-np.ndim(x) :])


def max_pool2d_backward(
    dy: Float[ArrayLike, "*n_c h_out w_out"],
    x: Float[ArrayLike, "*n_c h w"],
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
) -> Float[np.ndarray, "*n_c h w"]:
    """The gradient by what went into `max_pool2d`, from that by what came out.

    Each window hands all of its gradient to its greatest number; of equal ones, to the first in
    reading order, as torch does (of NaNs, to the last). The derivative does not exist at a tie,
    and this is one of its subgradients. Where windows overlap, what a number gets adds up.

    Parameters
    ----------
    dy
        The gradient by the output, and of its shape.
    x, kernel_size, stride, padding, dilation, ceil_mode
        As given to `max_pool2d`.

    Returns
    -------
    dx
        Of the shape of x, in float64.

    Raises
    ------
    ValueError
        As `max_pool2d`; and if ``dy`` has another shape than its output.
    """
    images = as_images(x)  # N C H W
    pools = pools_on(images, kernel_size, stride, padding, dilation, ceil_mode)
    n, c = images.shape[:2]
    dy = as_output(dy, (n, c, *pools.out), np.ndim(x))  # N C H_out W_out
    dx = np.zeros((n, c, *pools.padded))
    shown = pools.windows(dx, writeable=True)  # N C H_out W_out kh kw
    for (a, b), won in _winners(images, pools):
        shown[..., a, b] += np.where(won, dy, 0)
    return pad_backward(dx, pools.margins).reshape(np.shape(x))


def avg_pool2d(
    x: Float[ArrayLike, "*n_c h w"],
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Float[np.ndarray, "*n_c h_out w_out"]:
    """Take the average of what each window shows.

    Parameters
    ----------
    x, kernel_size, stride, padding, ceil_mode
        As for `max_pool2d`; but the padding is 0.
    count_include_pad
        Count the padding among the numbers averaged. What hangs over it (``ceil_mode``) never
        counts.
    divisor_override
        Divide each sum by this, an integer of 1 or more, whatever the count. (torch takes negative
        ones, too; here they are a mistake.)

    Returns
    -------
    y
        (N, C, H_out, W_out), (C, H_out, W_out) or (H_out, W_out), in float64.

    Raises
    ------
    ValueError
        If a shape or a size does not fit; the message names it and says what would.
    """
    images = as_images(x)  # N C H W
    pools = pools_on(images, kernel_size, stride, padding, 1, ceil_mode)
    counts = divisor(pools, count_include_pad, divisor_override)  # H_out W_out
    y = _add_up(pools.surround(images, 0), pools)  # N C H_out W_out
    y /= counts
    return y.reshape(y.shape[-np.ndim(x) :])


def avg_pool2d_backward(
    dy: Float[ArrayLike, "*n_c h_out w_out"],
    x: Float[ArrayLike, "*n_c h w"],
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Float[np.ndarray, "*n_c h w"]:
    """The gradient by what went into `avg_pool2d`, from that by what came out.

    Each window hands its gradient to all of its numbers, in equal shares; where windows overlap,
    what a number gets adds up. Of x, the shape alone matters.

    Parameters
    ----------
    dy
        The gradient by the output, and of its shape.
    x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
        As given to `avg_pool2d`.

    Returns
    -------
    dx
        Of the shape of x, in float64.

    Raises
    ------
    ValueError
        As `avg_pool2d`; and if ``dy`` has another shape than its output.
    """
    images = as_images(x)  # N C H W
    pools = pools_on(images, kernel_size, stride, padding, 1, ceil_mode)
    counts = divisor(pools, count_include_pad, divisor_override)  # H_out W_out
    shape = (*images.shape[:2], *pools.out)
    shares = as_output(dy, shape, np.ndim(x)) / counts  # N C H_out W_out
    dx = _share_out(shares, pools)  # N C Hp Wp
    return pad_backward(dx, pools.margins).reshape(np.shape(x))


def _maxima(
    shown: Float[np.ndarray, "n c h_out w_out kh kw"],
) -> Float[np.ndarray, "n c h_out w_out"]:
    """The greatest number in each window, or NaN where it shows one."""
    y = shown[..., 0, 0].copy()
    for a, b in np.ndindex(shown.shape[4:]):
        np.maximum(y, shown[..., a, b], out=y)
    return y


def _winners(
    images: Float[np.ndarray, "n c h w"], pools: Pools
) -> Iterator[tuple[IntPair, Bool[np.ndarray, "n c h_out w_out"]]]:
    """For each entry (a, b) of the windows: in which of them it is the maximum.

    Each window has one such entry, or none if it shows padding alone.
    """
    shown = pools.windows(pools.surround(images, -np.inf))
    y = _maxima(shown)
    # NaN equals nothing: no margin is mistaken for a maximum that is −∞ itself.
    numbers = pools.windows(pools.surround(images, np.nan))
    free = np.ones(y.shape, dtype=bool)  # windows without a winner so far
    entries = list(np.ndindex(pools.size))
    for a, b in entries:
        won = free & (numbers[..., a, b] == y)
        free ^= won
        yield (a, b), won
    if not free.any():
        return
    for a, b in reversed(entries):  # of NaNs, the last
        won = free & np.isnan(shown[..., a, b])
        free ^= won
        yield (a, b), won


def _add_up(
    x: Float[np.ndarray, "n c hp wp"], pools: Pools
) -> Float[np.ndarray, "n c h_out w_out"]:
    """What each window shows, added up: down its columns, then across."""
    (kh, kw), (sh, sw) = pools.size, pools.stride
    columns = windows(x, (kh, 1), (sh, 1))  # N C H_out Wp kh 1
    x = columns[..., 0, 0].copy()
    for a in range(1, kh):
        x += columns[..., a, 0]
    rows = windows(x, (1, kw), (1, sw))  # N C H_out W_out 1 kw
    y = rows[..., 0, 0].copy()
    for b in range(1, kw):
        y += rows[..., 0, b]
    return y


def _share_out(
    y: Float[np.ndarray, "n c h_out w_out"], pools: Pools
) -> Float[np.ndarray, "n c hp wp"]:
    """The adjoint: each number goes to all that its window shows."""
    (kh, kw), (sh, sw) = pools.size, pools.stride
    n, c, height, _ = y.shape
    rows = np.zeros((n, c, height, pools.padded[1]))
    shown = windows(rows, (1, kw), (1, sw), writeable=True)
    for b in range(kw):
        shown[..., 0, b] += y
    x = np.zeros((n, c, *pools.padded))
    shown = windows(x, (kh, 1), (sh, 1), writeable=True)
    for a in range(kh):
        shown[..., a, 0] += rows
    return x
