"""Whether two numbers are the same, and how far one may move from the other."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from statistics import NormalDist

Interval = tuple[float, float]

ROUNDING = 1e-6  # of a number; the tables hold 10 digits
NOISE = 1e-12  # of the largest number of a column: what rounding leaves where 0 should be

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?inf|nan", re.IGNORECASE | re.ASCII)
WHOLE = re.compile(r"[+-]?\d+", re.ASCII)


def value(cell: str) -> float | str:
    """The number that a cell holds, NaN if it is empty; else its text."""
    if not cell:
        return math.nan
    return float(cell) if NUMBER.fullmatch(cell) else cell


def numbers(name: str, cells: Iterable[str]) -> list[float]:
    """The numbers in cells that are not empty.

    Raises
    ------
    ValueError
        If a cell holds text; ``name`` tells in which column.
    """
    values = []
    for number in map(value, cells):
        if isinstance(number, str):
            raise ValueError(f"column {name!r} has an interval, but holds {number!r}, no number")
        if not math.isnan(number):
            values.append(number)
    return values


def mean(sample: Sequence[float]) -> float:
    """The mean; NaN of nothing."""
    return sum(sample) / len(sample) if sample else math.nan


def largest(cells: Iterable[str]) -> float:
    """The largest finite magnitude in a column, 0 if it holds no number."""
    finite = (abs(v) for v in map(value, cells) if isinstance(v, float) and math.isfinite(v))
    return max(finite, default=0.0)


def same_cells(old: str, new: str, scale: float) -> bool:
    """Whether two cells hold the same: as `same`, but whole numbers and texts exactly."""
    if WHOLE.fullmatch(old) and WHOLE.fullmatch(new):
        return int(old) == int(new)  # a count that is one more is no rounding
    was, now = value(old), value(new)
    if isinstance(was, str) or isinstance(now, str):
        return was == now
    return same(was, now, scale)


def same(old: float, new: float, scale: float) -> bool:
    """Whether numbers differ by no more than rounding; NaN equals NaN.

    That is `ROUNDING` of the larger one, or `NOISE` of ``scale``, the largest number beside them: a
    column may span decades, and what should be 0 is seldom exactly that.
    """
    if math.isnan(old) or math.isnan(new):
        return math.isnan(old) and math.isnan(new)
    if old == new or math.isinf(old) or math.isinf(new):
        return old == new
    return abs(new - old) <= max(ROUNDING * max(abs(old), abs(new)), NOISE * scale)


def welch_reach(old: Sequence[float], new: Sequence[float], chance: float) -> float:
    """How far the means of two samples may differ: half of Welch's t interval of the difference.

    B. L. Welch, The generalization of "Student's" problem when several different population
    variances are involved, Biometrika 34 (1947), 28–35; with his approximate degrees of freedom.

    Parameters
    ----------
    old, new
        Independent draws. Where one has a single draw, or neither varies, nothing is allowed: 0.
    chance
        That the difference is farther from the true one than this, to either side.
    """
    # In units of the largest number, where no square under- or overflows.
    unit = max(map(abs, (*old, *new)), default=0.0)
    if min(len(old), len(new)) < 2 or not 0 < unit < math.inf:
        return 0.0
    errors = [_squared_error([x / unit for x in sample]) for sample in (old, new)]
    whole = sum(errors)
    if not whole:
        return 0.0
    from scipy.special import stdtrit

    sizes = (len(old), len(new))
    freedom = 1 / sum((e / whole) ** 2 / (n - 1) for e, n in zip(errors, sizes, strict=True))
    return float(-stdtrit(freedom, chance / 2)) * math.sqrt(whole) * unit


def _squared_error(sample: Sequence[float]) -> float:
    """Of the sample's mean; exactly 0 where all draws are equal."""
    if min(sample) == max(sample):
        return 0.0
    middle = mean(sample)
    return sum((x - middle) ** 2 for x in sample) / (len(sample) - 1) / len(sample)


def around(was: float, now: float, old: Interval, new: Interval, chance: float) -> Interval:
    """Where a number may lie that was ``was``, from the ends of both 95 % intervals.

    It may move by sqrt(h_old² + h_new²), of the half-widths on the sides that face each other,
    widened from 95 % to 1 − ``chance`` as for a normal distribution.
    """
    normal = NormalDist()
    wider = normal.inv_cdf(1 - chance / 2) / normal.inv_cdf(0.975)
    down = math.hypot(max(was - old[0], 0), max(new[1] - now, 0))
    up = math.hypot(max(old[1] - was, 0), max(now - new[0], 0))
    return was - wider * down, was + wider * up


def share_moved(was: float, now: float, allowed: Interval) -> float:
    """The distance moved as a share of what is allowed on that side; infinite where none is."""
    reach = allowed[1] - was if now > was else was - allowed[0]
    return _share(abs(now - was), reach)


def share_of_factor(was: float, now: float, factor: float) -> float:
    """The same for a number that may be so many times more or less: by the logarithms."""
    if not was or not 0 < now / was < math.inf:
        return math.inf
    return _share(abs(math.log(now / was)), math.log(factor))


def _share(distance: float, reach: float) -> float:
    if not reach > 0 or not distance < math.inf:  # NaN too: a number is missing on one side
        return math.inf
    share = distance / reach
    return 1.0 if 1 < share < 1 + 1e-9 else share  # 0.9 is 3 times 0.3, whatever its last bit
