"""A kernel as the sum of what it sees of bands: its mean, its rows, its columns, and a rest.

A kernel under a picture whose rows are constant, as one with a horizontal band, meets the same
pixel with all weights of one of its rows. So the picture feels the sums of the kernel's rows and
nothing else; a vertical band feels the sums of its columns, and a flat picture the sum of all.
The four parts are those of a two-way analysis of variance (Fisher 1925, Statistical Methods for
Research Workers): they are orthogonal, so their energies, sums of squares, add up to the kernel's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convbook._arguments import as_array

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import ArrayLike

PARTS = ("mean", "rows", "columns", "rest")


def split(
    kernels: Float[ArrayLike, "*n k l"],
) -> dict[str, Float[np.ndarray, "*n k l"]]:
    """The four parts of each kernel, by their names; they add up to it.

    The mean is the same number everywhere. The rows are what the means of the kernel's rows add to
    it, the columns likewise. The rest has rows and columns that all sum to 0.

    Raises
    ------
    ValueError
        If there are fewer than two axes.
    """
    array = as_array("kernels", kernels)
    if array.ndim < 2:
        raise ValueError(f"kernels has the shape {array.shape}; the last two axes are a kernel's")
    mean = array.mean((-2, -1), keepdims=True)
    rows = array.mean(-1, keepdims=True) - mean
    columns = array.mean(-2, keepdims=True) - mean
    parts = (mean, rows, columns, array - mean - rows - columns)
    return {
        name: np.broadcast_to(part, array.shape) for name, part in zip(PARTS, parts, strict=True)
    }


def shares(kernels: Float[ArrayLike, "*n k l"]) -> Float[np.ndarray, "*n 4"]:
    """The shares of each kernel's energy in its parts, in the order of `PARTS`; they sum to 1.

    Raises
    ------
    ValueError
        If a kernel is all zero, which has no energy to share.
    """
    energies = np.stack([(part**2).sum((-2, -1)) for part in split(kernels).values()], axis=-1)
    whole = energies.sum(-1, keepdims=True)
    if not whole.all():
        raise ValueError("kernels holds one that is all zero; it has no energy to share")
    return np.asarray(energies / whole)


def without(kernels: Float[ArrayLike, "*n k l"], part: str) -> Float[np.ndarray, "*n k l"]:
    """The kernels with one of their parts taken away.

    Raises
    ------
    ValueError
        If there is no such part.
    """
    if part not in PARTS:
        raise ValueError(f"part is {part!r}; it can be {', '.join(PARTS)}")
    return np.asarray(kernels - split(kernels)[part])
