"""Filters designed by hand, and the means to say what a filter does before it runs.

A kernel is a bare (kh, kw) array in float64, and it is never flipped. Rows count downwards and
columns to the right: axis 0 is down, axis 1 is across. A displacement is a pair (down, right) in
pixels; a frequency is a number of periods a pixel, ½ at most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from convbook._arguments import as_array, as_integer
from convbook.ops import conv2d, pad, windows

if TYPE_CHECKING:
    from jaxtyping import Complex, Float
    from numpy.typing import ArrayLike

    from convbook.ops.padding import PaddingMode

    Axis = Literal[0, 1]


# Kernels


def identity(size: int = 3) -> Float[np.ndarray, "k k"]:
    """The kernel that changes nothing: 1 in the middle of a square of odd side."""
    if as_integer("size", size, least=1) % 2 == 0:
        raise ValueError(f"size is {size}; a kernel with a middle has an odd one")
    kernel = np.zeros((size, size))
    kernel[size // 2, size // 2] = 1
    return kernel


def box(size: int) -> Float[np.ndarray, "k k"]:
    """The average of ``size`` × ``size`` pixels."""
    as_integer("size", size, least=1)
    return np.full((size, size), 1 / size**2)


def gaussian_1d(sigma: float, radius: int | None = None) -> Float[np.ndarray, " k"]:
    """A bell of standard deviation ``sigma`` pixels, cut off at ``radius``, with the sum 1.

    Without a radius it reaches to 4 ``sigma``, where the bell has fallen to a 3000th of its height.
    """
    if not sigma > 0:
        raise ValueError(f"sigma is {sigma!r}; it must be greater than 0")
    reach = int(np.ceil(4 * sigma)) if radius is None else as_integer("radius", radius, least=0)
    offsets = np.arange(-reach, reach + 1)
    bell = np.exp(-(offsets**2) / (2 * sigma**2))
    return np.asarray(bell / bell.sum())


def gaussian(sigma: float, radius: int | None = None) -> Float[np.ndarray, "k k"]:
    """The product of a bell down and a bell across, see `gaussian_1d`."""
    bell = gaussian_1d(sigma, radius)
    return np.outer(bell, bell)


def difference(axis: Axis = 1) -> Float[np.ndarray, "3 3"]:
    """Half of (the next pixel − the one before) along an axis: the slope in the middle."""
    return _across(np.array([0.0, 1.0, 0.0]), np.array([-0.5, 0.0, 0.5]), axis)


def prewitt(axis: Axis = 1) -> Float[np.ndarray, "3 3"]:
    """Three differences side by side, added. Axis 1 answers to vertical edges."""
    return _across(np.array([1.0, 1.0, 1.0]), np.array([-1.0, 0.0, 1.0]), axis)


def sobel(axis: Axis = 1) -> Float[np.ndarray, "3 3"]:
    """As `prewitt`, the middle one counted twice."""
    return _across(np.array([1.0, 2.0, 1.0]), np.array([-1.0, 0.0, 1.0]), axis)


def laplacian() -> Float[np.ndarray, "3 3"]:
    """The sum of the second differences down and across: four neighbours − 4 · middle."""
    return np.array([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]])


def laplacian_of_gaussian(sigma: float, radius: int | None = None) -> Float[np.ndarray, "k k"]:
    """A Gaussian blur and then the Laplacian, in one kernel."""
    return compose(gaussian(sigma, radius), laplacian())


def difference_of_gaussians(
    narrow: float, wide: float, radius: int | None = None
) -> Float[np.ndarray, "k k"]:
    """A narrow Gaussian minus a wide one, of the same size."""
    if not 0 < narrow < wide:
        raise ValueError(f"narrow is {narrow!r} and wide is {wide!r}; 0 < narrow < wide must hold")
    reach = int(np.ceil(4 * wide)) if radius is None else radius
    return np.asarray(gaussian(narrow, reach) - gaussian(wide, reach))


def _across(
    smooth: Float[np.ndarray, " k"], derive: Float[np.ndarray, " k"], axis: Axis
) -> Float[np.ndarray, "k k"]:
    if axis not in (0, 1):
        raise ValueError(f"axis is {axis!r}; it can be 0 (down) or 1 (across)")
    return np.outer(derive, smooth) if axis == 0 else np.outer(smooth, derive)


# Filtering


def filtered(
    image: Float[ArrayLike, "h w"],
    kernel: Float[ArrayLike, "kh kw"],
    border: PaddingMode = "reflect",
) -> Float[np.ndarray, "h w"]:
    """Slide a kernel over an image that is padded so that its size is kept."""
    return conv2d(image, kernel, padding="same", padding_mode=border)


def median(
    image: Float[ArrayLike, "h w"],
    size: int = 3,
    border: PaddingMode = "reflect",
) -> Float[np.ndarray, "h w"]:
    """The middle one of the sorted values in each window; ``size`` is odd."""
    image = as_array("image", image)
    if as_integer("size", size, least=1) % 2 == 0:
        raise ValueError(f"size is {size}; one with a middle is odd")
    margin = (size // 2, size // 2)
    padded = pad(image, (margin, margin), border)
    return np.asarray(np.median(windows(padded, (size, size)), axis=(-2, -1)))


def salt_and_pepper(
    image: Float[np.ndarray, "h w"], share: float, rng: np.random.Generator
) -> Float[np.ndarray, "h w"]:
    """A copy of the image in which a share of the pixels has become black or white by chance."""
    if not 0 <= share <= 1:
        raise ValueError(f"share is {share!r}; it must lie between 0 and 1")
    hit = rng.random(image.shape) < share
    return np.where(hit, rng.integers(0, 2, image.shape), image)


def gradient(
    image: Float[ArrayLike, "h w"], border: PaddingMode = "reflect"
) -> tuple[Float[np.ndarray, "h w"], Float[np.ndarray, "h w"]]:
    """The slope of the brightness (down, right), in units a pixel, by Sobel's kernels."""
    down = filtered(image, sobel(0) / 8, border)
    right = filtered(image, sobel(1) / 8, border)
    return down, right


def normalised_correlation(
    image: Float[ArrayLike, "h w"], template: Float[ArrayLike, "kh kw"]
) -> Float[np.ndarray, "h_out w_out"]:
    """How much each window of the image looks like the template: from −1 to 1, no padding.

    It is the correlation coefficient of the window's pixels with the template's. A window of one
    grey level has none; its value here is 0.

    Raises
    ------
    ValueError
        If the template has one grey level only, or is larger than the image.
    """
    picture, pattern = as_array("image", image), as_array("template", template)
    if np.ptp(pattern) == 0:
        raise ValueError("template has one grey level only; it must hold a pattern")
    # Means change no coefficient; taken off the whole image first, they cost no digits below.
    pattern, picture = pattern - pattern.mean(), picture - picture.mean()
    ones = np.ones_like(pattern)
    energy = conv2d(picture**2, ones) - conv2d(picture, ones) ** 2 / ones.size
    flat = energy <= 1e-12 * ones.size * np.max(picture**2)
    norm = np.sqrt(np.where(flat, 1.0, energy) * np.sum(pattern**2))
    return np.where(flat, 0.0, np.clip(conv2d(picture, pattern) / norm, -1, 1))


# Analysis


def compose(
    first: Float[ArrayLike, "ah aw"], second: Float[ArrayLike, "bh bw"]
) -> Float[np.ndarray, "h w"]:
    """The one kernel that does what ``first`` and then ``second`` do."""
    first, second = as_array("first", first), as_array("second", second)
    margin = (second.shape[0] - 1, second.shape[1] - 1)
    return conv2d(first, second[::-1, ::-1], padding=margin)


def separate(
    kernel: Float[ArrayLike, "kh kw"], tolerance: float = 1e-10
) -> tuple[Float[np.ndarray, " kh"], Float[np.ndarray, " kw"]]:
    """A column and a row whose product is the kernel, equally strong, by singular values.

    Raises
    ------
    ValueError
        If there are none: the kernel has a rank above 1, or is zero throughout.
    """
    kernel = as_array("kernel", kernel)
    columns, strengths, rows = np.linalg.svd(kernel)
    rank = int(np.sum(strengths > tolerance * max(strengths[0], np.finfo(float).tiny)))
    if rank != 1:
        raise ValueError(f"kernel has rank {rank}; only one of rank 1 is a column times a row")
    scale = np.sqrt(strengths[0])
    return columns[:, 0] * scale, rows[0] * scale


def displacement(kernel: Float[ArrayLike, "kh kw"]) -> tuple[float, float]:
    """How far a filter moves the picture (down, right), in pixels, slow changes taken.

    `filtered` sets the window's pixel (k − 1) // 2 on the output's pixel. Weights further on fetch
    what lies there, and so move the picture back: the displacement is minus the centroid of the
    weights.

    Raises
    ------
    ValueError
        If the weights add up to 0, as those of an edge detector do.
    """
    kernel = as_array("kernel", kernel)
    total = kernel.sum()
    if np.isclose(total, 0, atol=1e-12 * np.abs(kernel).sum()):
        raise ValueError("kernel has weights that add up to 0; it has no centroid")
    down, right = _offsets(kernel)
    # 0 − …, since −0.0 would puzzle a reader.
    return (
        float(0 - (kernel.sum(1) @ down) / total),
        float(0 - (kernel.sum(0) @ right) / total),
    )


def transfer(
    kernel: Float[ArrayLike, "kh kw"],
    down: Float[ArrayLike, "*shape"],
    right: Float[ArrayLike, "*shape"],
) -> Complex[np.ndarray, "*shape"]:
    """The factor by which a filter multiplies a wave of these frequencies.

    The wave ``exp(2πi (down · row + right · column))`` comes out as itself
    times this factor: its absolute value is the gain, its angle the phase.
    The two frequencies broadcast.
    """
    kernel = as_array("kernel", kernel)
    down, right = as_array("down", down), as_array("right", right)
    rows, columns = _offsets(kernel)
    waves_down = np.exp(2j * np.pi * down[..., None] * rows)
    waves_right = np.exp(2j * np.pi * right[..., None] * columns)
    return np.asarray(np.sum(waves_down @ kernel * waves_right, axis=-1))


def _offsets(
    kernel: Float[np.ndarray, "kh kw"],
) -> tuple[Float[np.ndarray, " kh"], Float[np.ndarray, " kw"]]:
    """Where the weights sit, seen from the pixel on which `filtered` sets the sum."""
    height, width = kernel.shape
    return np.arange(height) - (height - 1.0) // 2, np.arange(width) - (width - 1.0) // 2
