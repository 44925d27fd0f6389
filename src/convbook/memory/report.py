"""The report on a training step's memory, the same for a prediction and for a measurement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from convbook.memory.allocator import CachingAllocator, OutOfMemory
from convbook.memory.log import KINDS, Followed
from convbook.memory.step import PHASES
from convbook.tables import Table

if TYPE_CHECKING:
    from jaxtyping import Int

UNKNOWN = "—"
POINTS = 400  # of a timeline in a drawing; more would only make the file larger


@dataclass(frozen=True, eq=False)
class Timeline:
    """Memory after each event.

    Attributes
    ----------
    kinds
        For each kind of memory, the bytes requested and not yet given back.
    allocated, reserved
        Bytes of the allocator's blocks, and of its segments; None on the CPU, which has no such
        allocator.
    phase, step
        In which phase each event was, as an index of `PHASES`, and in which step, from 0; −1 is
        before the first.
    """

    kinds: dict[str, Int[np.ndarray, " events"]]
    allocated: Int[np.ndarray, " events"] | None
    reserved: Int[np.ndarray, " events"] | None
    phase: Int[np.ndarray, " events"]
    step: Int[np.ndarray, " events"]

    @property
    def requested(self) -> Int[np.ndarray, " events"]:
        """Bytes of all kinds."""
        total: Int[np.ndarray, " events"] = np.array(list(self.kinds.values())).sum(axis=0)
        return total


@dataclass(frozen=True)
class Report:
    """Memory of a training step, in bytes. What is not known is None.

    On CUDA torch's profiler is told the sizes of the allocator's blocks, not those of the requests
    that they serve. So in a measurement there ``activations``, ``temporaries``, ``at_peak``,
    ``requested_peak`` and the timeline's kinds are of blocks: multiples of 512 bytes, and somewhat
    more where a cached block was larger than the request.

    Attributes
    ----------
    source
        ``"predicted"`` or ``"measured"``.
    device
        Which one was measured; None for a prediction.
    parameters, buffers, gradients, optimizer_state, inputs
        All of each, by the sizes of the tensors.
    activations
        What forward pass and loss have kept for the backward pass when it begins, the most of any
        step; the scores and the loss are part of it.
    temporaries
        What else is there at the peak: results that nobody keeps, gradients of activations, scratch
        of the optimizer.
    workspace
        What libraries keep: cuBLAS's workspace. None in a prediction.
    context
        What the device has in use that the allocator does not know of: the CUDA context with its
        kernels. None in a prediction, and on the CPU.
    peak
        The most that is allocated at any time: of the caching allocator's blocks, or on the CPU of
        the bytes requested.
    reserved
        The most that the allocator's segments hold; None on the CPU.
    peak_phase
        When the peak occurs: ``"forward"``, ``"loss"``, ``"backward"`` or ``"step"``; ``"setup"``
        if memory is out before the first step.
    requested_peak
        The most bytes requested at any time, before the allocator rounds; on CUDA see above.
    at_peak
        What each kind holds when most is requested; they add up to ``requested_peak``.
    workspace_estimate
        In a prediction for a device of a given capability: what torch sets aside for cuBLAS there
        by default. It is part of the peak.
    timeline
        Memory after each event.
    seconds
        Of one step, measured; the median of several.
    out_of_memory
        Why the step could not be finished; peaks and timeline then end there. In a prediction the
        sizes of parameters, gradients and so on are those of the whole step all the same.
    """

    source: str
    device: str | None
    parameters: int
    buffers: int
    gradients: int
    optimizer_state: int
    activations: int
    inputs: int
    temporaries: int
    workspace: int | None
    context: int | None
    peak: int
    reserved: int | None
    peak_phase: str
    requested_peak: int
    at_peak: dict[str, int]
    workspace_estimate: int | None = None
    timeline: Timeline | None = field(default=None, repr=False, compare=False)
    seconds: float | None = field(default=None, compare=False)
    out_of_memory: str | None = None

    def __str__(self) -> str:
        """The breakdown for a terminal."""
        return repr(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()

    def table(self) -> Table:
        """Its numbers as `amount` tells them."""
        names, values = zip(*self.rows(), strict=True)
        return Table({f"memory, {self.source}": names, "size": values})

    def rows(self) -> list[tuple[str, str]]:
        """What a table shows: names, and amounts."""
        values: Sequence[tuple[str, int | None]] = [
            ("parameters", self.parameters),
            ("buffers", self.buffers),
            ("gradients", self.gradients),
            ("optimizer state", self.optimizer_state),
            ("inputs", self.inputs),
            ("activations", self.activations),
            ("temporaries at the peak", self.temporaries),
            (f"peak, in {self.peak_phase}", self.peak),
            ("reserved", self.reserved),
            ("workspace of cuBLAS", self.workspace),
            ("CUDA context", self.context),
        ]
        return [(name, amount(value)) for name, value in values]


def amount(size: int | None) -> str:
    """Bytes in the unit that suits them, kB, MB or GB, each 1000 of the one before.

    So that a network of the homework shows more than 0.0 MB. A dash for what is not known.
    """
    if size is None:
        return UNKNOWN
    if size < 1000:
        return f"{size} B"
    if size < 999_950:  # from here on it would be rounded to 1000.0 kB
        return f"{size / 1e3:.1f} kB"
    if size < 999_950_000:
        return f"{size / 1e6:.1f} MB"
    return f"{size / 1e9:,.2f} GB"


def report(
    followed: Followed,
    *,
    source: str,
    device: str | None = None,
    cached: bool = True,
    capacity: int | None = None,
) -> Report:
    """Sum a log up; ``cached`` sends its requests through the simulated allocator of CUDA.

    With a ``capacity``, in bytes of segments, the replay stops where a request does not fit.
    """
    timeline, failure = replay(followed, cached=cached, capacity=capacity)
    return summary(timeline, followed.named, source=source, device=device, failure=failure)


def summary(
    timeline: Timeline,
    named: Mapping[str, int],
    *,
    source: str,
    device: str | None = None,
    failure: str | None = None,
) -> Report:
    """The report on a timeline; ``named`` are the bytes of the tensors of each kind."""
    requested = timeline.requested
    most = timeline.allocated if timeline.allocated is not None else requested
    at, requested_at = int(np.argmax(most)), int(np.argmax(requested))
    at_peak = {kind: int(values[requested_at]) for kind, values in timeline.kinds.items()}
    named = {kind: named.get(kind, 0) for kind in KINDS}
    phases = np.array(PHASES)[timeline.phase]
    return Report(
        source=source,
        device=device,
        parameters=named["parameters"],
        buffers=named["buffers"],
        gradients=named["gradients"],
        optimizer_state=named["optimizer_state"],
        activations=_kept(timeline),
        inputs=named["inputs"],
        temporaries=at_peak["temporaries"],
        workspace=None,
        context=None,
        peak=int(most[at]),
        reserved=int(timeline.reserved.max()) if timeline.reserved is not None else None,
        peak_phase=str(phases[at]),
        requested_peak=int(requested[requested_at]),
        at_peak=at_peak,
        timeline=timeline,
        out_of_memory=failure,
    )


def _kept(timeline: Timeline) -> int:
    """The most activations when a backward pass begins; so far, if none has begun."""
    held = timeline.kinds["activations"]
    backward = timeline.phase == PHASES.index("backward")
    begins = np.flatnonzero(backward[1:] & ~backward[:-1])
    # In between the loop may hold more: the loss of the batch before, until the next one is there.
    return int(held[begins].max() if len(begins) else held.max(initial=0))


def replay(
    followed: Followed, *, cached: bool, capacity: int | None = None
) -> tuple[Timeline, str | None]:
    """The timeline of a log, and why it ended early, if it did."""
    events = followed.events
    counts: list[tuple[int, int]] = [event.counted or (0, 0) for event in events]
    failure = None
    if cached:
        counts, failure = served([(event.block, event.size) for event in events], capacity)
        events = events[: len(counts)]
    order = {phase: n for n, phase in enumerate(PHASES)}
    kind = np.array([KINDS.index(followed.blocks[event.block].kind) for event in events] or [0])
    # Where not even the first request is served, the timeline is a moment with nothing.
    size = np.array([event.size for event in events] or [0], dtype=np.int64)
    totals = np.array(counts or [(0, 0)], dtype=np.int64)
    allocates = cached or any(event.counted for event in events)
    timeline = Timeline(
        kinds=by_kind(kind, size),
        allocated=totals[:, 0] if allocates else None,
        reserved=totals[:, 1] if allocates else None,
        phase=np.array([order[event.phase] for event in events] or [0]),
        step=np.array([event.step for event in events] or [-1]),
    )
    return timeline, failure


def served(
    events: Iterable[tuple[int, int]], capacity: int | None = None
) -> tuple[list[tuple[int, int]], str | None]:
    """What the simulated allocator counts after each event, and why it ended early, if it did.

    An event is the number of a block and its size in bytes, below 0 where it is given back. What is
    counted are the bytes allocated and the bytes reserved.
    """
    allocator = CachingAllocator(capacity)
    counts: list[tuple[int, int]] = []
    for block, size in events:
        if size > 0:
            try:
                allocator.allocate(block, size)
            except OutOfMemory as error:
                return counts, str(error)
        else:
            allocator.release(block)
        counts.append((allocator.allocated, allocator.reserved))
    return counts, None


def by_kind(
    kind: Int[np.ndarray, " events"], size: Int[np.ndarray, " events"]
) -> dict[str, Int[np.ndarray, " events"]]:
    """For each of `KINDS` the bytes held after each event; ``kind`` are indices of it."""
    return {name: np.cumsum(np.where(kind == n, size, 0)) for n, name in enumerate(KINDS)}


def thinned(values: Int[np.ndarray, " events"], points: int = POINTS) -> Int[np.ndarray, " kept"]:
    """Indices of at most so many events, three at least, that keep the curve's upper outline.

    They are both ends, and the greatest of each stretch in between: no peak gets lower.
    """
    if len(values) <= points:
        return np.arange(len(values))
    edges = np.linspace(0, len(values), max(1, points - 2) + 1).astype(int)
    greatest = [start + int(np.argmax(values[start:end])) for start, end in pairwise(edges)]
    return np.unique([0, *greatest, len(values) - 1])
