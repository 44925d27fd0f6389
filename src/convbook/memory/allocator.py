"""torch's caching allocator for CUDA, simulated: what a program's requests cost the device.

The allocator asks the driver for segments and cuts blocks out of them. A block that is given back
stays with the allocator, and serves a later request. So the device shows what the segments hold,
`reserved`, not what the tensors need, `allocated`.

References
----------
``c10/cuda/CUDACachingAllocator.cpp`` of torch, with its default settings (no expandable segments);
"Memory management" in torch's notes on CUDA semantics.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sortedcontainers import SortedKeyList

MIB = 2**20
ROUNDING = 512  # a block's size is a multiple of it
SMALL = 1 * MIB  # requests up to it are served from small segments
SMALL_SEGMENT = 2 * MIB
LARGE_SEGMENT = 20 * MIB  # for requests below LARGE
LARGE = 10 * MIB  # requests from here on get a segment of their own …
LARGE_ROUNDING = 2 * MIB  # … rounded up to a multiple of it


class OutOfMemory(Exception):
    """The device has no room for a segment, even without the cached ones."""


def round_up(size: int, step: int) -> int:
    """The least multiple of ``step`` that is not below ``size``."""
    return -(-size // step) * step


def block_size(request: int) -> int:
    """Bytes of the block that serves a request, before any larger one is found: 512 or more."""
    return max(ROUNDING, round_up(request, ROUNDING))


def segment_size(size: int) -> int:
    """Bytes that the driver is asked for when no cached block fits one of this size."""
    if size <= SMALL:
        return SMALL_SEGMENT
    return LARGE_SEGMENT if size < LARGE else round_up(size, LARGE_ROUNDING)


@dataclass(eq=False)
class _Block:
    """A part of a segment, linked to its neighbours there."""

    address: int
    size: int
    small: bool
    free: bool = False
    before: _Block | None = None
    after: _Block | None = None


class CachingAllocator:
    """Serves requests as torch's allocator does on one stream.

    Attributes
    ----------
    allocated
        Bytes of the blocks that are taken, what ``torch.cuda.memory_allocated`` counts.
    reserved
        Bytes of the segments, what ``torch.cuda.memory_reserved`` counts.
    """

    def __init__(self, capacity: int | None = None) -> None:
        self.allocated = 0
        self.reserved = 0
        self._capacity = capacity  # bytes that segments may take in all
        self._taken: dict[Any, _Block] = {}
        self._next_address = 0
        # Best fit: the smallest block that is large enough, of these the one that comes first.
        self._free = {
            small: SortedKeyList(key=lambda block: (block.size, block.address))
            for small in (True, False)
        }

    def allocate(self, key: Any, request: int) -> None:
        """Serve a request; the key stands for its block until `release`.

        Raises
        ------
        OutOfMemory
            If a segment is needed, and the capacity is too small for it.
        """
        size = block_size(request)
        small = size <= SMALL
        place = self._free[small].bisect_key_left((size, -1))
        if place < len(self._free[small]):
            block: _Block = self._free[small].pop(place)
        else:
            block = self._new_segment(size, small)
        self._split(block, size)
        block.free = False
        self._taken[key] = block
        self.allocated += block.size

    def release(self, key: Any) -> None:
        """Give a block back; it joins the free blocks beside it."""
        block = self._taken.pop(key)
        self.allocated -= block.size
        free = self._free[block.small]
        for neighbour in (block.before, block.after):
            if neighbour is not None and neighbour.free:
                free.remove(neighbour)
                self._join(block, neighbour)
        block.free = True
        free.add(block)

    def empty_cache(self) -> None:
        """Return the segments that are free as a whole to the driver."""
        for free in self._free.values():
            for block in list(free):
                if block.before is None and block.after is None:
                    free.remove(block)
                    self.reserved -= block.size

    def _new_segment(self, size: int, small: bool) -> _Block:
        segment = segment_size(size)
        if self._capacity is not None and self.reserved + segment > self._capacity:
            self.empty_cache()
            if self.reserved + segment > self._capacity:
                raise OutOfMemory(
                    f"{segment:,} bytes do not fit beside {self.reserved:,} of {self._capacity:,}"
                )
        self.reserved += segment
        block = _Block(self._next_address, segment, small)
        self._next_address += segment
        return block

    def _split(self, block: _Block, size: int) -> None:
        """Cut off what the request does not need, if that is worth a block of its own."""
        rest = block.size - size
        if rest < ROUNDING if block.small else rest <= SMALL:
            return
        remainder = _Block(block.address + size, rest, block.small, True, block, block.after)
        if block.after is not None:
            block.after.before = remainder
        block.after = remainder
        block.size = size
        self._free[block.small].add(remainder)

    @staticmethod
    def _join(block: _Block, neighbour: _Block) -> None:
        """Let the block take its free neighbour in."""
        if neighbour is block.before:
            block.address = neighbour.address
            block.before = neighbour.before
            if block.before is not None:
                block.before.after = block
        else:
            block.after = neighbour.after
            if block.after is not None:
                block.after.before = block
        block.size += neighbour.size
