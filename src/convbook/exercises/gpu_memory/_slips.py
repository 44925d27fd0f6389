"""Tell the usual mistakes apart by the number that they lead to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def close(given: float, right: float) -> bool:
    """Equal but for the rounding of a calculation: bytes are many, and none may be missing."""
    return bool(np.isclose(given, right, rtol=1e-9, atol=0))


def slip(given: float, slips: Sequence[tuple[float, str]], otherwise: str) -> str:
    """The hint of the first mistake that leads to this number, of those that were foreseen."""
    return next((hint for value, hint in slips if close(given, value)), otherwise)
