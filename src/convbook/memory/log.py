"""The log of a training step's memory, and what becomes of it: kinds, a timeline, peaks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

KINDS = (
    "parameters",
    "buffers",
    "optimizer_state",
    "gradients",
    "inputs",
    "activations",
    "temporaries",
    "workspace",
)


@dataclass(frozen=True)
class Block:
    """One piece of memory, from when it is taken to when it is given back."""

    size: int  # bytes, as requested
    kind: str


@dataclass(frozen=True)
class Event:
    """One moment: a block is taken (``size`` above 0) or given back (below 0)."""

    block: int  # its number in `Followed.blocks`
    size: int
    phase: str
    step: int  # counted from 0; −1 before the first
    counted: tuple[int, int] | None = None  # what the device counts then: allocated, reserved


@dataclass(frozen=True)
class Followed:
    """A log with every block named by its kind.

    ``named`` are the bytes of the tensors of each kind, the most at any time.
    """

    blocks: list[Block]
    events: list[Event]
    named: dict[str, int]


@dataclass(frozen=True)
class Allocate:
    """Bytes are taken; the key stands for them from now on."""

    key: int
    size: int
    counted: tuple[int, int] | None


@dataclass(frozen=True)
class Release:
    """What the key stands for is given back."""

    key: int
    counted: tuple[int, int] | None


@dataclass(frozen=True)
class Mark:
    """A phase begins."""

    phase: str


@dataclass(frozen=True)
class Name:
    """What these keys stand for is of this kind; with the bytes of their tensors."""

    kind: str
    sizes: Mapping[int, int]


@dataclass
class Log:
    """What happened, in order. A key stands for a piece of memory as long as it is taken."""

    entries: list[Allocate | Release | Mark | Name] = field(default_factory=list)

    def allocate(self, key: int, size: int, counted: tuple[int, int] | None = None) -> None:
        """So many bytes are taken."""
        if size:
            self.entries.append(Allocate(key, size, counted))

    def release(self, key: int, counted: tuple[int, int] | None = None) -> None:
        """They are given back."""
        self.entries.append(Release(key, counted))

    def mark(self, phase: str) -> None:
        """A phase begins."""
        self.entries.append(Mark(phase))

    def name(self, kind: str, sizes: Mapping[int, int]) -> None:
        """What these keys now stand for is of this kind; the values are bytes of their tensors."""
        self.entries.append(Name(kind, sizes))

    def follow(self) -> Followed:
        """Name every block by its fate.

        What nobody named and is alive when a backward pass begins was kept for it: an activation.
        The rest are temporaries.
        """
        sizes: list[int] = []
        kinds: dict[int, str] = {}  # of blocks
        alive: dict[int, int] = {}  # block by key
        events: list[Event] = []
        named: Counter[str] = Counter()
        phase, step = "setup", -1
        for entry in self.entries:
            match entry:
                case Allocate(key, size, counted):
                    alive[key] = len(sizes)
                    events.append(Event(len(sizes), size, phase, step, counted))
                    sizes.append(size)
                case Release(key, counted):
                    # What was taken before the log began is no part of it.
                    if key in alive:
                        block = alive.pop(key)
                        events.append(Event(block, -sizes[block], phase, step, counted))
                case Name(kind, tensors):
                    # To a later backward pass, a gradient of an earlier one looked kept.
                    kinds.update({alive[key]: kind for key in tensors if key in alive})
                    named[kind] = max(named[kind], sum(tensors.values()))
                case Mark("end"):
                    break  # what is given back when the program ends is no part of a step
                case Mark(begun):
                    if begun == "forward" and phase in ("setup", "step"):
                        step += 1
                    phase = begun
                    if phase == "backward":
                        for block in alive.values():
                            kinds.setdefault(block, "activations")
        blocks = [Block(size, kinds.get(n, "temporaries")) for n, size in enumerate(sizes)]
        return Followed(blocks, events, dict(named))
