"""Measure the memory of a training step on a device, in a process of its own."""

from __future__ import annotations

import dataclasses
import gc
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from joblib.externals.loky import ProcessPoolExecutor

from convbook._arguments import as_integer
from convbook.machine import processor
from convbook.memory.device import is_out_of_memory, observe, seconds_per_step
from convbook.memory.predicting import largest, traced
from convbook.memory.report import Report, report
from convbook.memory.setting import Setting
from convbook.memory.step import without_weights

if TYPE_CHECKING:
    from torch import nn

    from convbook.memory.setting import Optimizer

Result = TypeVar("Result")


def measure(
    model: nn.Module,
    input_shape: tuple[int, int, int],
    batch_size: int,
    optimizer: Optimizer = "sgd",
    steps: int = 3,
    *,
    device: str | None = None,
    timed: bool = False,
    **options: Any,
) -> Report:
    """Train on the device for a few steps, and report the memory: `convbook.memory.predict` for real.

    It happens in a fresh process, so that nothing is left from what ran before. The model is
    copied there without its weights, which memory does not depend on.

    Parameters
    ----------
    model, input_shape, batch_size, optimizer, steps
        As in `convbook.memory.predict`.
    device
        ``"cuda"`` or ``"cpu"``; the GPU where there is one, unless given.
    timed
        Whether to take the time of a step, too, in a few more steps.
    options
        implementation, precision, channels_last, checkpoint, accumulate.

    Returns
    -------
    report
        On CUDA peak and reserved are torch's own counters. If the memory did not suffice,
        ``out_of_memory`` says so. On the CPU, ``peak`` counts what torch's allocator handed out.

    Raises
    ------
    ValueError
        If a setting is not valid, the device is not there, or the model cannot be trained on such
        images.
    RuntimeError
        If the device fails for another reason than its memory.
    """  # noqa: E501
    setting = Setting(input_shape, batch_size, optimizer, steps, **options)
    device = checked_device(device)
    twin = without_weights(model, setting)
    threads = torch.get_num_threads()
    try:
        return in_fresh_process(_measure, twin, setting, device, timed, threads)
    except (RuntimeError, TypeError):
        # A model that fails without a device, too, is a mistake of the user, and is told as one.
        traced(model, dataclasses.replace(setting, steps=1))
        raise


def largest_measured_batch(
    model: nn.Module,
    input_shape: tuple[int, int, int],
    optimizer: Optimizer = "sgd",
    *,
    device: str | None = None,
    **options: Any,
) -> int:
    """The largest batch that the device can train with, found by trying.

    Raises
    ------
    ValueError
        As `measure`; or if the device is the CPU, whose memory other programs would miss.
    """
    if checked_device(device) == "cpu":
        raise ValueError("device is 'cpu'; the largest batch is tried on a GPU alone")

    parts = as_integer("accumulate", options.get("accumulate", 1), least=1)

    def fits(count: int) -> bool:
        tried = measure(model, input_shape, count * parts, optimizer, device=device, **options)
        return tried.out_of_memory is None

    # From two on, since batch normalisation may refuse a single image.
    return largest(fits, near=2) * parts


def checked_device(device: str | None) -> str:
    """The device to measure on.

    Raises
    ------
    ValueError
        If it is neither "cpu" nor "cuda", or there is no such device.
    """
    if device is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device not in ("cpu", "cuda"):
        raise ValueError(f"device is {device!r}; it can be 'cpu' or 'cuda'")
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device is 'cuda'; torch finds no CUDA device here")
    return device


def in_fresh_process(function: Callable[..., Result], *arguments: Any) -> Result:
    """``function(*arguments)`` in a process that has done nothing else."""
    # Kineto would tell standard error that it starts and stops.
    with ProcessPoolExecutor(max_workers=1, env={"KINETO_LOG_LEVEL": "99"}) as pool:
        result: Result = pool.submit(function, *arguments).result()
    return result


def _measure(twin: nn.Module, setting: Setting, device: str, timed: bool, threads: int) -> Report:
    torch.set_num_threads(threads)
    on_device = _on_cpu if device == "cpu" else _on_cuda
    return on_device(twin, setting, timed)


def _on_cpu(twin: nn.Module, setting: Setting, timed: bool) -> Report:
    seen = observe(twin, setting, "cpu")
    found = report(seen.log.follow(), source="measured", device=processor(), cached=False)
    seconds = None
    if timed and seen.out_of_memory is None:
        seconds = seconds_per_step(twin, setting, "cpu")
    return dataclasses.replace(found, seconds=seconds, out_of_memory=seen.out_of_memory)


def _on_cuda(twin: nn.Module, setting: Setting, timed: bool) -> Report:
    others = used_by_others()
    torch.cuda.init()
    torch.cuda.reset_peak_memory_stats()
    seen = observe(twin, setting, "cuda")
    found = report(seen.log.follow(), source="measured", device=torch.cuda.get_device_name(),
                   cached=False)  # fmt: skip
    # torch's counters have the last word: the profiler may have missed an event.
    peak, reserved = torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved()
    free, total = torch.cuda.mem_get_info()
    context = total - free - torch.cuda.memory_reserved() - others
    seconds = None
    if timed and seen.out_of_memory is None:
        # The step has just fitted; it need not fit again between the pieces of the cache.
        torch.cuda.empty_cache()
        try:
            seconds = seconds_per_step(twin, setting, "cuda")
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
    twin.to_empty(device="meta")
    for parameter in twin.parameters():
        parameter.grad = None
    gc.collect()
    return dataclasses.replace(
        found,
        peak=peak,
        reserved=reserved,
        context=context,
        workspace=torch.cuda.memory_allocated(),  # what stays when all of ours is gone
        seconds=seconds,
        out_of_memory=seen.out_of_memory,
    )


def used_by_others() -> int:
    """Bytes in use on the first visible GPU before this process has a context on it.

    0 where the driver does not tell, as on a part of a GPU.
    """
    used = dict(line.split(", ") for line in nvidia_smi("uuid,memory.used"))
    name = f"GPU-{torch.cuda.get_device_properties(0).uuid}"
    told = used.get(name, next(iter(used.values()), ""))
    return int(told) * 2**20 if told.isdecimal() else 0


def nvidia_smi(query: str) -> list[str]:
    """What the driver's tool says of each GPU, a line each; none where it is missing or fails."""
    command = ["nvidia-smi", f"--query-gpu={query}", "--format=csv,noheader,nounits"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return []
    return run.stdout.splitlines() if run.returncode == 0 else []
