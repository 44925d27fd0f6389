"""The log of a training step's memory, and what becomes of it: kinds, a timeline, peaks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
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


@dataclass(frozen=True)
class Followed:
    """A log with every block named by its kind."""

    blocks: list[Block]
    events: list[Event]

    def totals(self) -> dict[str, int]:
        """Bytes of each kind: the most at any time, of activations at the start of backward."""
        now: Counter[str] = Counter()
        most: Counter[str] = Counter()
        for event in self.events:
            kind = self.blocks[event.block].kind
            now[kind] += event.size
            most[kind] = max(most[kind], now[kind])
        return {kind: most[kind] for kind in KINDS}


@dataclass
class Log:
    """What happened, in order. A key stands for a piece of memory as long as it is taken.

    Entries are ("allocate", key, bytes), ("release", key), ("mark", phase), ("name", kind, keys).
    """

    entries: list[tuple[str, object, object]] = field(default_factory=list)

    def allocate(self, key: int, size: int) -> None:
        """So many bytes are taken."""
        if size:
            self.entries.append(("allocate", key, size))

    def release(self, key: int) -> None:
        """They are given back."""
        self.entries.append(("release", key, None))

    def mark(self, phase: str) -> None:
        """A phase begins."""
        self.entries.append(("mark", phase, None))

    def name(self, kind: str, keys: Iterable[int]) -> None:
        """What these keys now stand for is of this kind."""
        self.entries.append(("name", kind, tuple(keys)))

    def follow(self) -> Followed:
        """Name every block by its fate.

        What nobody named and is alive when a backward pass begins was kept for it: an activation.
        The rest are temporaries.
        """
        sizes: list[int] = []
        kinds: dict[int, str] = {}  # of blocks
        alive: dict[int, int] = {}  # block by key
        events: list[Event] = []
        phase, step = "setup", -1
        for what, subject, value in self.entries:
            if what == "allocate":
                block = len(sizes)
                sizes.append(int(value))  # type: ignore[call-overload]
                alive[subject] = block  # type: ignore[index]
                events.append(Event(block, sizes[block], phase, step))
            elif what == "release":
                # What was taken before the log began is no part of it.
                block = alive.pop(subject, None)  # type: ignore[assignment,call-overload]
                if block is not None:
                    events.append(Event(block, -sizes[block], phase, step))
            elif what == "name":
                for key in value:  # type: ignore[attr-defined]
                    if key in alive:
                        # A gradient that was there when backward began is no activation.
                        kinds[alive[key]] = str(subject)
            else:
                if subject == "forward" and phase in ("setup", "step"):
                    step += 1
                phase = str(subject)
                if phase == "backward":
                    for block in alive.values():
                        kinds.setdefault(block, "activations")
        blocks = [Block(size, kinds.get(n, "temporaries")) for n, size in enumerate(sizes)]
        return Followed(blocks, events)
