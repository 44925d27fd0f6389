"""Predict the memory of a training step, and the largest batch that fits."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from convbook._arguments import as_integer, as_pair
from convbook.memory.report import Report, report
from convbook.memory.setting import Setting
from convbook.memory.step import first_line
from convbook.memory.symbolic import trace

if TYPE_CHECKING:
    from torch import nn

    from convbook.memory.log import Log
    from convbook.memory.setting import Optimizer

MEBIBYTE = 2**20
LIMIT = 2**20  # no larger batch is tried
# What torch sets aside for cuBLAS when it first multiplies matrices, unless
# CUBLAS_WORKSPACE_CONFIG says otherwise: two pieces of 4 MiB and eight of 16 KiB, or 32 MiB.
CUBLAS_WORKSPACE = 2 * 4 * MEBIBYTE + 8 * 16 * 1024
CUBLAS_WORKSPACE_HOPPER = 32 * MEBIBYTE


def predict(
    model: nn.Module,
    input_shape: tuple[int, int, int],
    batch_size: int,
    optimizer: Optimizer = "sgd",
    steps: int = 3,
    *,
    implementation: str = "foreach",
    precision: str = "float32",
    channels_last: bool = False,
    checkpoint: bool = False,
    accumulate: int = 1,
    capability: tuple[int, int] | None = None,
    capacity: int | None = None,
) -> Report:
    """Predict the memory of training, without a GPU and without weights.

    Parameters
    ----------
    model
        Any module that maps images (n, channels, height, width) to scores (n, classes). It may be
        on the meta device. It is copied without its weights, and stays as it is.
    input_shape, batch_size, optimizer, steps, implementation, precision, channels_last, checkpoint, accumulate
        As `convbook.memory.setting.Setting` has them.
    capability
        The compute capability of a device, such as (8, 0) for an A100: with it, what torch sets
        aside for cuBLAS there is part of the peak.
    capacity
        Bytes that the allocator may take of the device; the report then says where they do not
        suffice, in ``out_of_memory``.

    Returns
    -------
    report
        ``workspace`` and ``context`` are None: only the device can tell. Nor is cuDNN's scratch
        known.

    Raises
    ------
    ValueError
        If a setting is not valid, or the model cannot take such images.
    """  # noqa: E501
    setting = Setting(
        input_shape, batch_size, optimizer, steps, implementation, precision, channels_last,
        checkpoint, accumulate,
    )  # fmt: skip
    workspace = 0 if capability is None else cublas_workspace(capability)
    if capacity is not None:
        as_integer("capacity", capacity, least=1)
    followed = traced(model, setting, workspace).follow()
    summed = report(followed, source="predicted", capacity=capacity)
    if capability is None or summed.timeline is None:
        return summed
    set_aside = int(summed.timeline.kinds["workspace"].max(initial=0))
    return dataclasses.replace(summed, workspace_estimate=set_aside)


def cublas_workspace(capability: tuple[int, int]) -> int:
    """Bytes that torch sets aside for each handle of cuBLAS, on a device of this capability.

    That is its default: 32 MiB from compute capability 9 (Hopper) on, 8.125 MiB before. A thread
    that multiplies matrices has a handle of its own. Above 9 it depends on torch's version: 10 and
    12 (Blackwell) got their 32 MiB in February 2026, 11 in July 2026, and had 8.125 MiB before.
    Later sources of torch keep none unless ``TORCH_CUBLAS_WORKSPACE_CACHE`` is set. Where there is
    a GPU, ``torch.backends.cuda.cublas_workspace_size()`` of torch 2.13 tells the size.

    Raises
    ------
    ValueError
        If the capability is no pair of integers.

    References
    ----------
    ``parseChosenWorkspaceSize`` in ``aten/src/ATen/cuda/CublasHandlePool.cpp`` of torch; its pull
    requests 91564 (Hopper), 175344 (Blackwell) and 189312 (11.0).
    """
    if not isinstance(capability, tuple | list):  # a number would stand for a pair to `as_pair`
        raise ValueError(f"capability is {capability!r}; it must be a pair such as (8, 0)")
    major, _ = as_pair("capability", capability, least=0)
    return CUBLAS_WORKSPACE_HOPPER if major >= 9 else CUBLAS_WORKSPACE


def largest_batch(
    model: nn.Module,
    input_shape: tuple[int, int, int],
    memory: int,
    optimizer: Optimizer = "sgd",
    **options: Any,
) -> int:
    """The largest batch whose training step fits into so many bytes of segments; 0 if none does.

    The context and cuDNN's scratch come on top: take them off ``memory`` where they are known.
    Options are those of `predict`; with ``accumulate`` the result is a multiple of it.

    Raises
    ------
    ValueError
        As `predict`; or if ``memory`` is below 1.
    """
    as_integer("memory", memory, least=1)
    parts = as_integer("accumulate", options.get("accumulate", 1), least=1)

    @functools.cache
    def peak(count: int) -> int:
        return predict(model, input_shape, count * parts, optimizer, **options).peak

    def fits(count: int) -> bool:
        try:
            found = predict(
                model, input_shape, count * parts, optimizer, capacity=memory, **options
            )
        except ValueError:
            if count > 1:
                raise
            return False  # with two the model was trained; batch normalisation may refuse one
        return found.out_of_memory is None

    return largest(fits, near=guess(peak, memory)) * parts


def guess(peak: Callable[[int], int], memory: int) -> int:
    """About where the peak reaches ``memory``: from some batch on it grows in proportion."""
    low, high = 2, 32
    for _ in range(2):
        slope = (peak(high) - peak(low)) / (high - low)
        if slope <= 0:
            break
        reached = max(2, min(LIMIT, int(high + (memory - peak(high)) / slope)))
        if reached in (low, high):
            return reached
        low, high = high, reached
    return high


def largest(fits: Callable[[int], bool], limit: int = LIMIT, near: int = 1, step: int = 1) -> int:
    """The largest batch that fits; 0 if not even one image does.

    Tries ``near`` first, goes on from there in steps that double from ``step`` on, and bisects the
    last of them. If every batch below a fitting one fits too, that is the largest up to ``limit``.
    """
    near = min(near, limit)
    if fits(near):
        low, high = near, near + step
        while high <= limit and fits(high):
            step *= 2
            low, high = high, high + step
        high = min(high, limit + 1)
    else:
        low, high = near - step, near
        while low > 0 and not fits(low):
            step *= 2
            low, high = low - step, low
        low = max(low, 0)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def traced(model: nn.Module, setting: Setting, workspace: int = 0) -> Log:
    """The log of the step without numbers, as `convbook.memory.symbolic.trace` writes it.

    Raises
    ------
    ValueError
        If torch refuses to train the model on such images.
    """
    try:
        return trace(model, setting, workspace)
    except (RuntimeError, TypeError) as error:
        height, width, channels = setting.input_shape
        raise ValueError(
            f"the model cannot be trained on images of input_shape {setting.input_shape}, (height, "
            f"width, channels), that is (n, {channels}, {height}, {width}) to torch: "
            f"{first_line(error)}"
        ) from error
