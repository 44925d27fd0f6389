"""Implementations of one thing take turns, and are compared turn by turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Ratio:
    """The seconds of one implementation over another's in the same turn, over all turns."""

    median: float
    min: float
    max: float


@dataclass(frozen=True)
class Comparison:
    """What came of a comparison: median seconds by name, ratios by ``"ours / another"``."""

    case: str
    rounds: int
    seconds: dict[str, float]
    ratios: dict[str, Ratio]

    def __str__(self) -> str:
        """A table: the case, then the seconds, then the ratios with least and greatest."""
        lines = [f"{self.case} ({self.rounds} turns)"]
        lines += [f"  {name:<26} {1e3 * s:9.3f} ms" for name, s in self.seconds.items()]
        for name, r in self.ratios.items():
            lines.append(f"  {name:<26} {r.median:9.3f} ×   ({r.min:.3f} to {r.max:.3f})")
        return "\n".join(lines)


def take_turns(
    case: str, candidates: Mapping[str, Callable[[], Any]], ours: str, rounds: int
) -> Comparison:
    """Time the candidates one after the other, again and again; compare ``ours`` with the rest.

    Raises
    ------
    ValueError
        If there is not even one round.
    AssertionError
        If candidates that return numbers do not return the same, up to 1e-10.
    """
    if rounds < 1:
        raise ValueError(f"rounds is {rounds}; it must be at least 1")
    # What is loaded, allocated or planned once is no part of the comparison.
    results = {name: run() for name, run in candidates.items()}
    for name, result in results.items():
        _assert_same(result, results[ours], name)
    turns = [{name: _seconds(run) for name, run in candidates.items()} for _ in range(rounds)]
    ratios = {
        f"{ours} / {other}": [turn[ours] / turn[other] for turn in turns]
        for other in candidates
        if other != ours
    }
    return Comparison(
        case,
        rounds,
        seconds={name: median(turn[name] for turn in turns) for name in candidates},
        ratios={name: Ratio(median(r), min(r), max(r)) for name, r in ratios.items()},
    )


def _seconds(run: Callable[[], Any]) -> float:
    start = perf_counter()
    run()
    return perf_counter() - start


def _assert_same(actual: Any, expected: Any, name: str) -> None:
    """Compare arrays or tensors, or tuples of them; processes return None."""
    if isinstance(expected, tuple):
        for one, other in zip(actual, expected, strict=True):
            _assert_same(one, other, name)
    elif expected is not None:
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-10, err_msg=name)
