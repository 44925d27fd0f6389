"""One convolution, computed three ways: by loops, by one matrix product, by Fourier transforms.

Each takes x of shape (C, H, W) and w of shape (F, C, kh, kw) and gives what
``convbook.ops.conv2d(x, w)`` gives, (F, H − kh + 1, W − kw + 1): no flip of the kernel, no padding.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from convbook._arguments import as_integer

if TYPE_CHECKING:
    from jaxtyping import Float

    Images = Float[np.ndarray, "c h w"]
    Kernels = Float[np.ndarray, "f c kh kw"]
    Maps = Float[np.ndarray, "f h_out w_out"]
    Columns = Float[np.ndarray, "c*kh*kw windows"]


def by_loops(x: Images, w: Kernels) -> Maps:
    """The definition, word for word: six loops around a product and a sum.

    Raises
    ------
    ValueError
        If the channels differ, or the kernel is larger than the image.
    """
    filters, height, width = _output_shape(x, w)
    _, channels, rows, columns = w.shape
    y = np.zeros((filters, height, width))
    for f in range(filters):
        for i in range(height):
            for j in range(width):
                for c in range(channels):
                    for a in range(rows):
                        for b in range(columns):
                            y[f, i, j] += x[c, i + a, j + b] * w[f, c, a, b]
    return y


def by_matrix(x: Images, w: Kernels) -> Maps:
    """Each window as a column of a matrix, times a matrix of the kernels.

    The columns hold each pixel up to kh·kw times: memory is the price of the
    fast product (Chellapilla, Puri, Simard 2006).

    Raises
    ------
    ValueError
        As `by_loops`.
    """
    shape = _output_shape(x, w)
    columns = as_columns(x, w.shape[2], w.shape[3])
    return np.asarray((w.reshape(len(w), -1) @ columns).reshape(shape))


def as_columns(x: Images, rows: int, columns: int) -> Columns:
    """Make a column of each window of ``rows`` × ``columns`` pixels."""
    windows = sliding_window_view(x, (rows, columns), axis=(1, 2))
    ordered = windows.transpose(0, 3, 4, 1, 2)  # C kh kw H_out W_out
    return np.ascontiguousarray(ordered).reshape(len(x) * rows * columns, -1)


def by_fft(x: Images, w: Kernels) -> Maps:
    """Products of Fourier transforms, which convolve around a torus.

    The product of two transforms belongs to a convolution that flips the
    kernel. The conjugate of the kernel's transform takes the flip back. The
    last kh − 1 rows and kw − 1 columns mix both ends of the image; the result
    leaves them out (Mathieu, Henaff, LeCun 2014).

    Raises
    ------
    ValueError
        As `by_loops`.
    """
    _, height, width = _output_shape(x, w)
    size = x.shape[1:]
    image = np.fft.rfft2(x)  # C H W/2+1
    kernels = np.fft.rfft2(w, size)  # F C H W/2+1, zeros added
    product = (image * kernels.conj()).sum(axis=1)  # F H W/2+1
    return np.fft.irfft2(product, size)[:, :height, :width]


WAYS: dict[str, Callable[[Images, Kernels], Maps]] = {
    "loops": by_loops,
    "matrix": by_matrix,
    "FFT": by_fft,
}


def direct_operations(side: int, kernel: int, channels: int, filters: int) -> int:
    """Multiplications and additions of loops and of the matrix product, for a square image."""
    return 2 * filters * channels * kernel**2 * (side - kernel + 1) ** 2


def fft_operations(side: int, channels: int, filters: int) -> float:
    """Multiplications and additions by Fourier transforms, whatever the kernel's size.

    A transform of n real numbers counts 2.5 n log₂ n, half of the convention for complex ones
    (Frigo and Johnson 2005), and there is one for each channel, each kernel and each filter. A
    complex product, with its addition, counts 8, for half of the frequencies.
    """
    pixels = side**2
    transforms = channels + filters * channels + filters
    return transforms * 2.5 * pixels * math.log2(pixels) + 8 * filters * channels * pixels / 2


def seconds(
    way: Callable[[Images, Kernels], Maps], x: Images, w: Kernels, repeats: int = 5
) -> float:
    """The shortest of several runs: whatever else the machine does only adds to it."""
    taken = []
    for _ in range(as_integer("repeats", repeats, least=1)):
        start = time.perf_counter()
        way(x, w)
        taken.append(time.perf_counter() - start)
    return min(taken)


def _output_shape(x: Images, w: Kernels) -> tuple[int, int, int]:
    if x.ndim != 3 or w.ndim != 4 or x.shape[0] != w.shape[1]:
        raise ValueError(
            f"x has the shape {x.shape} and w {w.shape}; they must be (C, H, W) and (F, C, kh, kw)"
        )
    height, width = (n - k + 1 for n, k in zip(x.shape[1:], w.shape[2:], strict=True))
    if min(height, width) < 1:
        raise ValueError(f"w has kernels of {w.shape[2:]}; x has only {x.shape[1:]} pixels")
    return len(w), height, width
