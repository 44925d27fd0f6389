"""How far a mean over seeds can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import t

from convbook._arguments import as_array

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import ArrayLike


def mean_interval(
    values: Float[ArrayLike, "*n_shape"], level: float = 0.95
) -> tuple[Float[np.ndarray, "*shape"], Float[np.ndarray, "*shape"]]:
    """The confidence interval (low, high) of the mean over the first axis, by Student's t.

    Parameters
    ----------
    values
        One row for each independent repetition (a seed), two or more.
    level
        The share of such intervals that hold the true mean, between 0 and 1.

    Raises
    ------
    ValueError
        If there are fewer than two rows, or the level is not between 0 and 1.
    """
    array = as_array("values", values)
    n = len(array) if array.ndim else 1
    if n < 2:
        raise ValueError(f"values has {n} row; an interval needs two or more")
    if not 0 < level < 1:
        raise ValueError(f"level is {level!r}; it must lie between 0 and 1")
    error = array.std(axis=0, ddof=1) / np.sqrt(n)
    reach = t.ppf((1 + level) / 2, n - 1) * error
    return np.asarray(array.mean(axis=0) - reach), np.asarray(array.mean(axis=0) + reach)


def summary(values: Float[ArrayLike, " n"], level: float = 0.95) -> dict[str, Any]:
    """Mean, standard deviation (of the seeds, n - 1), number of seeds, and `mean_interval`.

    Raises
    ------
    ValueError
        As `mean_interval`.
    """
    array = as_array("values", values)
    low, high = mean_interval(array, level)
    return {
        "mean": float(array.mean()),
        "std": float(array.std(ddof=1)),
        "seeds": len(array),
        "ci95": [float(low), float(high)],
    }
