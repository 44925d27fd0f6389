"""One trace for many predictions: a network's training step for any batch, side and optimizer.

`convbook.memory.predict` traces every step anew, which takes seconds. But for images whose side is
a multiple of `STRIDE`, a network that halves its maps so often makes the same requests in the same
order, whatever the batch and the side. Only their sizes differ: a request holds a fixed part, one
that is proportional to the images, and one to their pixels. Three traces tell these parts, exactly.
And an optimizer's own requests depend on the parameters alone, and lie where plain SGD, which makes
none, takes its step.
"""

# torch's modes have no types.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from convbook.memory.log import KINDS, Allocate, Followed, Log, Mark, Name, Release
from convbook.memory.report import Report, Timeline, by_kind, served, summary
from convbook.memory.setting import Setting
from convbook.memory.step import PHASES, state_tensors, without_weights
from convbook.memory.symbolic import SymbolicRecorder, trace

if TYPE_CHECKING:
    from jaxtyping import Int
    from torch import nn

STRIDE = 32  # pixels: how far apart two neighbours of the last map are in the image
# Batch and side, in strides, of the traces. No map of theirs is a single pixel.
POINTS = ((2, 2), (4, 2), (2, 3))


@dataclass(frozen=True, eq=False)
class Step:
    """The events of a training step's log, for any batch and side.

    Attributes
    ----------
    block, taken, kind, phase, step
        For each event: the block's number, whether it is taken (1) or given back (−1), its kind and
        the phase as indices of `KINDS` and `PHASES`, and the step.
    parts
        Bytes of each block: the fixed part, that of each image, and that of each image and square
        of ``STRIDE`` × ``STRIDE`` pixels.
    named
        Bytes of the tensors of each kind, for the first of `POINTS`.
    """

    block: Int[np.ndarray, " events"]
    taken: Int[np.ndarray, " events"]
    kind: Int[np.ndarray, " events"]
    phase: Int[np.ndarray, " events"]
    step: Int[np.ndarray, " events"]
    parts: Int[np.ndarray, "blocks 3"]
    named: dict[str, int]

    def sizes(self, batch: int, side: int) -> Int[np.ndarray, " events"]:
        """Bytes that each event takes, or gives back (below 0).

        Raises
        ------
        ValueError
            If ``STRIDE`` does not divide the side.
        """
        if side % STRIDE:
            raise ValueError(f"side is {side}; it must be a multiple of {STRIDE} pixels")
        sizes = self.parts @ _features(batch, side // STRIDE)
        found: Int[np.ndarray, " events"] = self.taken * sizes[self.block]
        return found

    def predict(self, batch: int, side: int) -> Report:
        """What `convbook.memory.predict` reports, to the byte."""
        sizes = self.sizes(batch, side)
        counts, _ = served(zip(self.block.tolist(), sizes.tolist(), strict=True))
        allocated, reserved = np.array(counts, dtype=np.int64).T
        timeline = Timeline(
            by_kind(self.kind, sizes), allocated, reserved, phase=self.phase, step=self.step
        )
        # The inputs are there throughout; the other kinds with names are of one size.
        held = int(timeline.kinds["inputs"].max())
        return summary(timeline, {**self.named, "inputs": held}, source="predicted")

    def fits(self, batch: int, side: int, capacity: int) -> bool:
        """Whether the step can be taken with so many bytes of segments.

        Cached segments are given back where that helps, as by torch.
        """
        sizes = self.sizes(batch, side).tolist()
        _, failure = served(zip(self.block.tolist(), sizes, strict=True), capacity)
        return failure is None


def steps_of(model: nn.Module, precision: str, logs: dict[str, Log]) -> dict[str, Step]:
    """A network's step with each optimizer of the `optimizer_logs`; ``precision`` as in `Setting`.

    Raises
    ------
    ValueError
        If the traces show that the network's requests are not of three such parts. They cannot
        always: three traces tell three parts of any size. The tests predict other sizes anew.
    """
    settings = [
        Setting((side * STRIDE, side * STRIDE, 3), batch, "sgd", precision=precision)
        for batch, side in POINTS
    ]
    base = trace(model, settings[0])
    # The first step tells how sizes grow; the later ones are alike, as `_parts` checks.
    grown = [trace(model, replace(setting, steps=1)) for setting in settings[1:]]
    parts = _parts(_requests(base), [_requests(log)[:2] for log in grown])
    return {name: _step(base, parts, own) for name, own in logs.items()}


def optimizer_logs(model: nn.Module, names: tuple[str, ...], steps: int = 3) -> dict[str, Log]:
    """What each of the optimizers allocates and releases in its steps, each with a mark "step"."""
    logs = {}
    for name in names:
        setting = Setting((STRIDE, STRIDE, 3), 1, name)
        recorder = SymbolicRecorder()
        twin = without_weights(model, setting)
        with recorder:
            twin._apply(torch.empty_like)
            for parameter in twin.parameters():
                parameter.grad = torch.empty_like(parameter)
            optimizer = setting.make_optimizer(twin.parameters())
            for _ in range(steps):
                recorder.mark("step")
                optimizer.step()
                recorder.name("optimizer_state", state_tensors(optimizer))
            recorder.mark("end")
        logs[name] = recorder.log
    return logs


def _features(batch: int, side: int) -> Int[np.ndarray, " 3"]:
    """What the three parts of a size are multiplied by; the side is in strides."""
    return np.array([1, batch, batch * side**2], dtype=np.int64)


def _requests(log: Log) -> list[list[int]]:
    """The sizes that are asked for, in order: before the first step, then in each step."""
    found: list[list[int]] = [[]]
    phase = "setup"
    for entry in log.entries:
        if isinstance(entry, Mark):
            if entry.phase == "forward":
                found.append([])
            phase = entry.phase
        elif isinstance(entry, Allocate):
            if phase == "step":
                raise ValueError("plain SGD asks for memory in its step; it should need none")
            found[-1].append(entry.size)
    return found


def _parts(base: list[list[int]], grown: list[list[list[int]]]) -> Int[np.ndarray, "requests 3"]:
    """The three parts of each request of the base, from those of all `POINTS`."""
    setup, first, *later = base
    if any(step != first for step in later) or any(
        [len(group) for group in log] != [len(setup), len(first)] for log in grown
    ):
        raise ValueError("the network asks for other memory in another step, batch or side")
    sizes = np.array([[*setup, *first], *([*log[0], *log[1]] for log in grown)], dtype=np.int64)
    features = np.array([_features(*point) for point in POINTS])
    parts = np.rint(np.linalg.solve(features, sizes)).astype(np.int64)
    if not (features @ parts == sizes).all() or (parts < 0).any():
        raise ValueError("a size is not a fixed part, one of images, and one of their pixels")
    of_setup, of_step = np.split(parts.T, [len(setup)])
    return np.concatenate([of_setup, *[of_step] * (len(base) - 1)])


def _step(base: Log, parts: Int[np.ndarray, "requests 3"], own: Log) -> Step:
    """The base's log with an optimizer's own put where that takes its step."""
    log = Log()
    rows: list[Int[np.ndarray, " 3"]] = []
    requests, pieces = iter(parts), _pieces(own)
    for entry in base.entries:
        if isinstance(entry, Name) and entry.kind == "optimizer_state":
            piece = next(pieces)
            rows += [np.array([e.size, 0, 0]) for e in piece if isinstance(e, Allocate)]
            log.entries += piece
            continue
        log.entries.append(entry)
        if isinstance(entry, Allocate):
            rows.append(next(requests))
    return _arrays(log.follow(), np.array(rows, dtype=np.int64))


def _pieces(own: Log) -> Iterator[list[Allocate | Release | Mark | Name]]:
    """An optimizer's entries, step by step, under keys that no other log has."""
    piece: list[Allocate | Release | Mark | Name] | None = None
    for entry in own.entries:
        match entry:
            case Mark():
                if piece is not None:
                    yield piece
                piece = []
                continue
            case Allocate(key, size, counted):
                entry = Allocate(-key, size, counted)
            case Release(key, counted):
                entry = Release(-key, counted)
            case Name(kind, sizes):
                entry = Name(kind, {-key: size for key, size in sizes.items()})
        if piece is not None:  # what comes before the first step are parameters and gradients
            piece.append(entry)


def _arrays(followed: Followed, parts: Int[np.ndarray, "blocks 3"]) -> Step:
    events = followed.events
    return Step(
        block=np.array([event.block for event in events]),
        taken=np.array([1 if event.size > 0 else -1 for event in events]),
        kind=np.array([KINDS.index(followed.blocks[event.block].kind) for event in events]),
        phase=np.array([PHASES.index(event.phase) for event in events]),
        step=np.array([event.step for event in events]),
        parts=parts,
        named=followed.named,
    )
