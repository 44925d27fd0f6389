"""One image, or a plane, is treated as a batch of one: axes that come before and go after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convbook._arguments import as_array

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import ArrayLike


def as_images(x: Float[ArrayLike, "*n_c h w"]) -> Float[np.ndarray, "n c h w"]:
    """Images with all four axes, of which those that were missing are 1 long.

    Raises
    ------
    ValueError
        If x is no array of real numbers with two to four axes.
    """
    array = as_array("x", x)
    if array.ndim not in {2, 3, 4}:
        raise ValueError(f"x has shape {array.shape}; it must be (N, C, H, W), (C, H, W) or (H, W)")
    return array.reshape((1,) * (4 - array.ndim) + array.shape)


def as_images_and_kernels(
    x: Float[ArrayLike, "*n_c h w"], w: Float[ArrayLike, "*f_c kh kw"], layout: str
) -> tuple[Float[np.ndarray, "n c h w"], Float[np.ndarray, "f c_g kh kw"]]:
    """Images and kernels with all four axes; ``layout`` names a kernel's first two.

    Raises
    ------
    ValueError
        If one is no array of real numbers, or their axes do not fit.
    """
    images, kernels = as_array("x", x), as_array("w", w)
    if (images.ndim, kernels.ndim) not in {(4, 4), (3, 4), (2, 2)}:
        raise ValueError(
            f"x has shape {images.shape} and w has shape {kernels.shape}; they must be "
            f"(N, C, H, W) or (C, H, W) with ({layout}, kh, kw), or (H, W) with (kh, kw)"
        )
    return as_images(images), kernels.reshape((1,) * (4 - kernels.ndim) + kernels.shape)


def as_bias(
    bias: Float[ArrayLike, " f"] | None, filters: int, rank: int
) -> Float[np.ndarray, "f 1 1"]:
    """The bias with axes for height and width; zeros where there is none.

    Raises
    ------
    ValueError
        If it is not one number for each filter (for a plane, of ``rank`` 2, a number will do).
    """
    if bias is None:
        return np.zeros((filters, 1, 1))
    values = as_array("bias", bias)
    if values.shape != (filters,) and not (rank == 2 and values.shape == ()):
        raise ValueError(f"bias has shape {values.shape}; it must be ({filters},)")
    return values.reshape(filters, 1, 1)


def as_output(
    dy: Float[ArrayLike, "*n_f h_out w_out"], shape: tuple[int, ...], rank: int
) -> Float[np.ndarray, "n f h_out w_out"]:
    """The gradient by an output, with all four axes.

    Raises
    ------
    ValueError
        If it has another shape than the output: the last ``rank`` sides of ``shape``.
    """
    array = as_array("dy", dy)
    if array.shape != shape[-rank:]:
        raise ValueError(f"dy has shape {array.shape}; it must have the output's, {shape[-rank:]}")
    return array.reshape(shape)
