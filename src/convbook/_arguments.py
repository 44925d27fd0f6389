"""What the operations take: arrays of numbers, counts, pairs; one clear sentence for the rest."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float


def as_array(name: str, value: Any) -> Float[np.ndarray, "*shape"]:
    """The argument as an array of float64; a truth value counts as 0 or 1.

    Raises
    ------
    ValueError
        If it is no array of real numbers, or an empty one.
    """
    import numpy as np  # here, so that what takes integers alone starts without it

    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{name} is no array of numbers: {error}") from None
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} has dtype {array.dtype}; it must hold real numbers")
    if array.size == 0:
        raise ValueError(f"{name} has shape {array.shape}; no axis may be empty")
    return array.astype(np.float64, copy=False)


def as_integer(name: str, value: Any, least: int) -> int:
    """The argument as an int.

    Raises
    ------
    ValueError
        If it is no integer (a bool is none) or below ``least``.
    """
    if not _is_integer(value, least):
        raise ValueError(f"{name} is {value!r}; it must be an integer of at least {least}")
    return operator.index(value)


def as_pair(name: str, value: Any, least: int) -> tuple[int, int]:
    """The argument as (for the height, for the width); one integer stands for both.

    Raises
    ------
    ValueError
        If it is neither an integer nor a pair of integers, or one is below ``least``.
    """
    is_pair = isinstance(value, Sequence) and len(value) == 2
    first, second = value if is_pair else (value, value)
    if not (_is_integer(first, least) and _is_integer(second, least)):
        raise ValueError(
            f"{name} is {value!r}; it must be an integer of at least {least}, or a pair of them"
        )
    return operator.index(first), operator.index(second)


def as_flag(name: str, value: Any) -> bool:
    """The argument as a bool.

    Raises
    ------
    ValueError
        If it is neither True nor False.
    """
    if not isinstance(value, bool):
        raise ValueError(f"{name} is {value!r}; it must be True or False")
    return value


def check_room(name: str, value: Any, shape: tuple[int, ...]) -> None:
    """Refuse a size that asks for an array which is a slip rather than a wish.

    Raises
    ------
    ValueError
        If an array of this shape would hold 2**31 numbers, 16 GiB of float64, or more.
    """
    if math.prod(shape) >= 2**31:
        raise ValueError(
            f"{name} is {value}; that makes an array of shape {shape}, which must hold fewer than "
            "2**31 numbers"
        )


def _is_integer(value: Any, least: int) -> bool:
    # True is an integer to Python, and a mistake here. (NumPy's is none to `operator.index`.)
    if isinstance(value, bool):
        return False
    try:
        return operator.index(value) >= least
    except TypeError:
        return False
