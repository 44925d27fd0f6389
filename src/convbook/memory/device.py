"""A training step on a device, every allocation of it written down by torch's profiler.

The CPU's allocator and CUDA's caching allocator both tell the profiler what they hand out and take
back, with addresses. So one text serves both, and what is measured on a GPU is tested on a CPU.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile, record_function

from convbook.memory.log import Log, Name
from convbook.memory.setting import Setting
from convbook.memory.step import first_line, train

TIMED_STEPS = 5
MARK = "convbook mark "


@dataclass(frozen=True)
class Observed:
    """What came of the step: its log, and the failure that ended it early."""

    log: Log
    out_of_memory: str | None


def observe(model: nn.Module, setting: Setting, device: str) -> Observed:
    """Train a model of the meta device on a device, and write its memory down.

    The weights are small numbers: memory does not depend on them.
    """
    recorder = ProfilerRecorder(device)
    failure = None
    with recorder:
        try:
            materialise(model, setting, device)
            train(model, setting, recorder, device)
            synchronise(device)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            failure = first_line(error)
    return Observed(recorder.log(complete=failure is None), failure)


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether the device had no room: for torch, for CUDA itself, or for a library of it."""
    # Only torch's allocator has an exception of its own; the others say it in words.
    words = ("out of memory", "ALLOC_FAILED")
    return isinstance(error, torch.OutOfMemoryError) or any(word in str(error) for word in words)


def materialise(model: nn.Module, setting: Setting, device: str) -> None:
    """Give every tensor of a meta model its memory on the device, and small numbers to hold."""
    shared: dict[int, nn.Parameter | None] = {}
    places = [
        (module, name, parameter)
        for module in model.modules()
        for name, parameter in module._parameters.items()
    ]
    model.to_empty(device=device)
    for module, name, parameter in places:  # what modules share has become each one's own
        module._parameters[name] = shared.setdefault(id(parameter), module._parameters[name])
    if setting.channels_last:
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            # A variance of 0 or a denormal number would make arithmetic slow.
            tensor.fill_(0.01 if tensor.is_floating_point() else 0)


def seconds_per_step(model: nn.Module, setting: Setting, device: str) -> float:
    """The median time of a training step, without the profiler; the first ones warm up."""
    clock = _Clock(device)
    again = Setting(**{**vars(setting), "steps": TIMED_STEPS + 2})
    train(model, again, clock, device)
    synchronise(device)
    times = [*clock.starts, time.perf_counter()]
    durations = [after - before for before, after in pairwise(times)]
    return statistics.median(durations[2:])


class _Clock:
    """A recorder that notes when each step begins."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._last = "setup"
        self.starts: list[float] = []

    def mark(self, phase: str) -> None:
        if phase == "forward" and self._last in ("setup", "step"):
            synchronise(self._device)
            self.starts.append(time.perf_counter())
        self._last = phase

    def name(self, kind: str, tensors: Iterable[Tensor]) -> None:
        """Nothing to do."""


class ProfilerRecorder:
    """Notes marks and names while the profiler notes allocations; `log` merges them by time."""

    def __init__(self, device: str) -> None:
        self._device = torch.device(device)
        self._profile = profile(activities=[ProfilerActivity.CPU], profile_memory=True)
        self._notes: list[tuple[str, str, dict[int, int]]] = []

    def __enter__(self) -> ProfilerRecorder:
        """Begin to write down."""
        self._profile.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        """Stop writing down."""
        self._profile.__exit__(*error)

    def mark(self, phase: str) -> None:
        """From here on the step is in this phase."""
        self._note("mark", phase, {})

    def name(self, kind: str, tensors: Iterable[Tensor]) -> None:
        """The memory in which these tensors now lie is of this kind."""
        storages = [t.untyped_storage() for t in tensors if t.device.type == self._device.type]
        self._note("name", kind, {s.data_ptr(): s.nbytes() for s in storages})

    def _note(self, what: str, subject: str, keys: dict[int, int]) -> None:
        with record_function(f"{MARK}{len(self._notes)}"):  # its place among the allocations
            self._notes.append((what, subject, keys))

    def log(self, complete: bool = True) -> Log:
        """All in the order in which it happened.

        On CUDA, what nobody named and nobody gave back is a library's workspace, unless the step
        was not completed, whose failure may keep more alive.
        """
        log = Log()
        alive: dict[int, int] = {}  # bytes by address
        named: set[int] = set()  # the addresses of these that have a name
        end = 0  # where the last mark is
        counted = None
        for event in sorted(_events(self._profile), key=lambda event: event.start_time_ns):
            if event.name.startswith(MARK):
                what, subject, keys = self._notes[int(event.name.removeprefix(MARK))]
                if what == "mark":
                    end = len(log.entries)
                    log.mark(subject)
                else:
                    log.name(subject, keys)
                    named.update(keys)
            elif event.name == "[memory]":
                fields = event.typed[1]
                if fields.device.type != self._device.type:
                    continue
                if fields.alloc_size > 0 and fields.ptr in alive:
                    # A thread that the profiler does not see gave it back.
                    log.release(fields.ptr, counted)
                if self._device.type == "cuda":
                    counted = (fields.total_allocated, fields.total_reserved)
                named.discard(fields.ptr)
                if fields.alloc_size > 0:
                    alive[fields.ptr] = fields.alloc_size
                    log.allocate(fields.ptr, fields.alloc_size, counted)
                else:
                    alive.pop(fields.ptr, None)
                    log.release(fields.ptr, counted)
        kept = {address: size for address, size in alive.items() if address not in named}
        if self._device.type == "cuda" and complete and kept:
            log.entries.insert(end, Name("workspace", kept))
        return log


def _events(run: profile) -> Iterator[Any]:
    """All events of a profile, the nested ones too."""
    waiting = list(run.profiler.kineto_results.experimental_event_tree())  # type: ignore[union-attr]
    while waiting:
        event = waiting.pop()
        waiting.extend(event.children)
        yield event


def synchronise(device: str) -> None:
    """Wait until the device has done what it was told."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize()
