"""One image, or a plane, is treated as a batch of one: axes that come before and go after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convbook._arguments import as_array

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import ArrayLike


def with_all_axes(
    x: Float[np.ndarray, "*n_c h w"], w: Float[np.ndarray, "*f_c kh kw"], layout: str
) -> tuple[Float[np.ndarray, "n c h w"], Float[np.ndarray, "f c_g kh kw"]]:
    """Give one image its axis of batches, and a plane and its kernel those of channels too."""
    if (x.ndim, w.ndim) not in {(4, 4), (3, 4), (2, 2)}:
        raise ValueError(
            f"x has shape {x.shape} and w has shape {w.shape}; they must be (N, C, H, W) or "
            f"(C, H, W) with ({layout}, kh, kw), or (H, W) with (kh, kw)"
        )
    return with_batch(x), w.reshape((1,) * (4 - w.ndim) + w.shape)


def with_batch(x: Float[np.ndarray, "*n_c h w"]) -> Float[np.ndarray, "n c h w"]:
    """The images with four axes; those that were missing are 1 long."""
    return x.reshape((1,) * (4 - x.ndim) + x.shape)


def offset(
    bias: Float[ArrayLike, " f"] | None, filters: int, plane: bool
) -> Float[np.ndarray, "f 1 1"]:
    """The bias with axes for height and width; zeros where there is none."""
    if bias is None:
        return np.zeros((filters, 1, 1))
    values = as_array("bias", bias)
    if values.shape != (filters,) and not (plane and values.shape == ()):
        raise ValueError(f"bias has shape {values.shape}; it must be ({filters},)")
    return values.reshape(filters, 1, 1)


def gradient_like(
    dy: Float[ArrayLike, "*n_f h w"], shape: tuple[int, ...], like: int
) -> Float[np.ndarray, "n f h w"]:
    """The upstream gradient with all axes; it must have the shape of the output.

    Raises
    ------
    ValueError
        If it has another shape than the last ``like`` of the output's axes.
    """
    array = as_array("dy", dy)
    if array.shape != shape[-like:]:
        raise ValueError(
            f"dy has shape {array.shape}; it must have the output's, {shape[-like:]}"
        )
    return array.reshape(shape)
