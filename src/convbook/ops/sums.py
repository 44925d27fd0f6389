"""What a kernel sees, and the sums over it that convolutions and their gradients consist of.

Images x, kernels w and a gradient (or an input of a transposed convolution) y meet in one number:

    Σ x[n, c, i·stride + a·dilation, j·stride + b·dilation] · w[f, c, a, b] · y[n, f, i, j]

It is linear in each of the three. What stands beside y is the convolution of x with w (`collect`);
what stands beside x is the transposed convolution of y with w (`spread`); and what stands beside w
is again a convolution, of x with y (`correlate`). So each is the gradient of the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jaxtyping import Float

    IntPair = tuple[int, int]

# How many numbers are copied at once: 2 MB, which a processor's cache still holds.
_BLOCK = 2**18


def windows(
    x: Float[np.ndarray, "*n_c h w"],
    size: IntPair,
    stride: IntPair = (1, 1),
    dilation: IntPair = (1, 1),
    writeable: bool = False,
) -> Float[np.ndarray, "*n_c h_out w_out kh kw"]:
    """All that a kernel of the given size sees on its way over the image: a view, no copy.

    Windows overlap, so it is read-only unless you ask; then write to one entry (a, b) of all
    windows at a time.

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
    view = sliding_window_view(x, extent, axis=(-2, -1), writeable=writeable)
    return view[..., :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]


def collect(
    x: Float[np.ndarray, "n c h w"],
    w: Float[np.ndarray, "f c_g kh kw"],
    stride: IntPair,
    dilation: IntPair,
    groups: int,
) -> Float[np.ndarray, "n f h_out w_out"]:
    """Convolve: each output collects what its window shows, weighted.

    Sums x · w over c, a and b. A matrix product needs the overlapping windows
    side by side in memory, kh·kw times the image: hence a few rows at a time.
    """
    patches = windows(x, w.shape[2:], stride, dilation)  # N C H W kh kw
    n, _, height, width, _, _ = patches.shape
    matrix = w.reshape(groups, len(w) // groups, -1)  # G F/G K
    y = np.empty((n, len(w), height, width))
    for band in _bands(patches):
        columns = _columns(patches[:, :, band], groups)  # N G K rows·W
        sums = matrix @ columns  # N G F/G rows·W
        y[:, :, band] = sums.reshape(n, len(w), -1, width)
    return y


def spread(
    y: Float[np.ndarray, "n f h_out w_out"],
    w: Float[np.ndarray, "f c_g kh kw"],
    sides: IntPair,
    stride: IntPair,
    dilation: IntPair,
    groups: int,
) -> Float[np.ndarray, "n c h w"]:
    """Convolve transposed: each number of y stamps the kernel onto an image.

    Sums w · y over f, and over the windows that share a pixel. One entry (a, b)
    of all stamps at a time: these lie on different pixels, so none is lost.
    """
    n, f, height, width = y.shape
    c_g, kh, kw = w.shape[1:]
    matrix = w.reshape(groups, f // groups, -1).swapaxes(1, 2)  # G K F/G
    x = np.zeros((n, groups * c_g, *sides))
    patches = windows(x, (kh, kw), stride, dilation, writeable=True)
    patches = patches[:, :, :height, :width]  # N C H W kh kw
    for band in _bands(patches):
        numbers = y[:, :, band].reshape(n, groups, f // groups, -1)
        stamps = matrix @ numbers  # N G K rows·W
        stamps = stamps.reshape(n, groups * c_g, kh, kw, -1, width)
        for a, b in np.ndindex(kh, kw):
            patches[:, :, band, :, a, b] += stamps[:, :, a, b]
    return x


def correlate(
    x: Float[np.ndarray, "n c h w"],
    y: Float[np.ndarray, "n f h_out w_out"],
    size: IntPair,
    stride: IntPair,
    dilation: IntPair,
    groups: int,
) -> Float[np.ndarray, "f c_g kh kw"]:
    """The gradient by the kernels: a convolution of x with y as the kernel.

    Sums x · y over n, i and j. So entry (a, b) looks at every ``stride``-th
    pixel, and the next one starts ``dilation`` further: they changed places.
    """
    n, f, height, width = y.shape
    patches = windows(x, size, stride, dilation)
    patches = patches[:, :, :height, :width]  # N C H W kh kw
    dw: Float[np.ndarray, "g f_g k"] = np.zeros(())
    for band in _bands(patches):
        columns = _columns(patches[:, :, band], groups)  # N G K rows·W
        numbers = y[:, :, band].reshape(n, groups, f // groups, -1)
        products = numbers @ columns.swapaxes(2, 3)  # N G F/G K
        dw = dw + products.sum(axis=0)
    return dw.reshape(f, -1, *size)


def _bands(patches: Float[np.ndarray, "n c h w kh kw"]) -> Iterator[slice]:
    """The rows of windows, as many at a time as make a block."""
    rows = max(1, _BLOCK // patches[:, :, 0].size)
    height = patches.shape[2]
    return (slice(top, top + rows) for top in range(0, height, rows))


def _columns(
    patches: Float[np.ndarray, "n c h w kh kw"], groups: int
) -> Float[np.ndarray, "n g k hw"]:
    """A copy of the windows, side by side as the columns of a matrix for each group."""
    n, _, height, width, _, _ = patches.shape
    return np.moveaxis(patches, (4, 5), (2, 3)).reshape(n, groups, -1, height * width)
