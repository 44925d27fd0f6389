"""What the caching allocator makes of a request."""

from __future__ import annotations

from typing import Any

import numpy as np

from convbook.exercises import exercise, integer, result_of

ROUNDING = 512  # bytes
MIB = 2**20


@exercise("gpu-memory-round", because="Small tensors cost more than they hold.")
def rounded(answer: Any) -> str | None:
    """Bytes of the block that serves a request."""
    edges = [each + off for each in (512, 1024, 2**20) for off in (-1, 0, 1)]
    some = np.random.default_rng(0).integers(1, 10**10, 10).tolist()
    for request in (1, 300, *edges, *some):
        given = integer(result_of(answer, request))
        right = next_multiple(request, ROUNDING)
        if given == right:
            continue
        where = f"For {request:,} bytes, your {given:,} "
        if given < request:
            return where + "are fewer than were asked for."
        if given % ROUNDING:
            return where + f"are no multiple of {ROUNDING}."
        if request % ROUNDING == 0:
            return where + "are more than it takes: what was asked for is a multiple already."
        return where + "are more than it takes: a smaller multiple is enough."
    return None


@exercise("gpu-memory-segment", because="The device sees segments, whatever is in them.")
def segment(answer: Any) -> str | None:
    """Bytes that the driver is asked for when a block fits nowhere."""
    edges = [each * MIB + off for each in (1, 2, 10, 12, 20) for off in (-512, 0, 512)]
    some = np.random.default_rng(1).integers(1, 10**10 // 512, 10) * 512
    for size in (512, *edges, 5 * MIB, 11 * MIB, 45 * MIB, *some.tolist()):
        given = integer(result_of(answer, size))
        right = 2 * MIB if size <= MIB else 20 * MIB
        if size >= 10 * MIB:
            right = next_multiple(size, 2 * MIB)
        if given == right:
            continue
        where = f"For a block of {size:,} bytes ({_mib(size)}), "
        if given in (2, 20, right // MIB):
            return f"{where}give bytes."
        if given and given % 10**6 == 0:
            return f"{where}your {given:,} bytes are a whole number of MB. The rules are in MiB."
        if given < size:
            return f"{where}your {given:,} bytes do not hold it."
        if size in (MIB, 10 * MIB):
            return f"{where}mind the border: to which of the three cases does it belong?"
        if given == size:
            return f"{where}that is the block itself. What does it lie in?"
        if MIB < size < 10 * MIB and given == next_multiple(size, 2 * MIB):
            return f"{where}the allocator takes more than this block needs, and keeps the rest."
        if size > 10 * MIB and given % (2 * MIB):
            return f"{where}your {given:,} bytes are no multiple of 2 MiB."
        if size > 10 * MIB:
            return f"{where}your {_mib(given)} are more than it takes."
        return f"{where}your {_mib(given)} are not it. Which of the three cases is this?"
    return None


def next_multiple(size: int, step: int) -> int:
    """The least multiple of ``step`` that is not below ``size``."""
    return -(-size // step) * step


def _mib(size: int) -> str:
    return f"{size / MIB:.5g} MiB"
