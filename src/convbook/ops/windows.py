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
    """Convolve: each output collects what its window shows, weighted by the kernel.

    Σ x[n, c, i·stride + a·dilation, …] · w[f, c, a, b] over c, a, b. A matrix product
    needs the overlapping windows side by side in memory, kh·kw times the image:
    hence some rows of the output at a time.
    """
    patches = windows(x, w.shape[-2:], stride, dilation)  # N C H W kh kw
    n, c, height, width, kh, kw = patches.shape
    k = c // groups * kh * kw
    matrix = w.reshape(groups, -1, k)  # G F/G K
    y = np.empty((n, groups, matrix.shape[1], height, width))
    rows = max(1, _BLOCK // (n * c * width * kh * kw))
    for top in range(0, height, rows):
        block = patches[:, :, top : top + rows]  # N C rows W kh kw
        sums = matrix @ _side_by_side(block, groups)  # N G F/G rows·W
        y[..., top : top + rows, :] = sums.reshape(*y.shape[:3], -1, width)
    return y.reshape(n, len(w), height, width)


def spread(
    y: Float[np.ndarray, "n f h_out w_out"],
    w: Float[np.ndarray, "f c_g kh kw"],
    sides: IntPair,
    stride: IntPair,
    dilation: IntPair,
    groups: int,
) -> Float[np.ndarray, "n c h w"]:
    """Convolve transposed: each number of y is spread over its window by the kernel.

    Σ y[n, f, i, j] · w[f, c, a, b] over f, added at (i·stride + a·dilation, …) of an
    image of the given sides. One entry of the kernel at a time: its pixels in
    different windows are different ones.
    """
    n, f, height, width = y.shape
    c_g, kh, kw = w.shape[1:]
    matrix = w.reshape(groups, f // groups, -1).swapaxes(1, 2)  # G K F/G
    x = np.zeros((n, groups * c_g, *sides))
    view = windows(x, (kh, kw), stride, dilation, writeable=True)
    view = view[:, :, :height, :width]  # N C H W kh kw
    rows = max(1, _BLOCK // (n * groups * c_g * width * kh * kw))
    for top in range(0, height, rows):
        block = y[:, :, top : top + rows]  # N F rows W
        stamps = matrix @ block.reshape(n, groups, f // groups, -1)  # N G K rows·W
        stamps = stamps.reshape(n, groups * c_g, kh, kw, -1, width)
        for a, b in np.ndindex(kh, kw):
            view[:, :, top : top + rows, :, a, b] += stamps[:, :, a, b]
    return x


def correlate(
    x: Float[np.ndarray, "n c h w"],
    y: Float[np.ndarray, "n f h_out w_out"],
    size: IntPair,
    stride: IntPair,
    dilation: IntPair,
    groups: int,
) -> Float[np.ndarray, "f c_g kh kw"]:
    """The gradient of a kernel: a convolution of x with y, where y is the kernel.

    Σ x[n, c, i·stride + a·dilation, …] · y[n, f, i, j] over n, i, j. So stride and
    dilation change places, and so do images and channels: the sum is over images.
    """
    n, c = x.shape[:2]
    used = [
        (out - 1) * s + (k - 1) * d + 1
        for out, s, k, d in zip(y.shape[2:], stride, size, dilation, strict=True)
    ]
    x = x[:, :, : used[0], : used[1]]  # the rest no window has reached
    x = x.reshape(n, groups, c // groups, *used)
    x = np.moveaxis(x, 2, 0).swapaxes(1, 2)  # C/G G N H W
    images = x.reshape(c // groups, groups * n, *used)  # C/G G·N H W
    kernels = y.swapaxes(0, 1)  # F N H_out W_out
    dw = collect(images, kernels, dilation, stride, groups)  # C/G F kh kw
    return np.ascontiguousarray(dw.swapaxes(0, 1))


def _side_by_side(
    block: Float[np.ndarray, "n c h w kh kw"], groups: int
) -> Float[np.ndarray, "n g k hw"]:
    """A copy of the windows as the columns of a matrix, in the order that copies faster."""
    n, c, height, width, kh, kw = block.shape
    block = block.reshape(n, groups, c // groups, height, width, kh, kw)
    if width >= kw:  # the longer axis last
        return block.transpose(0, 1, 2, 5, 6, 3, 4).reshape(n, groups, -1, height * width)
    rows = block.transpose(0, 1, 3, 4, 2, 5, 6).reshape(n, groups, height * width, -1)
    return rows.swapaxes(2, 3)
