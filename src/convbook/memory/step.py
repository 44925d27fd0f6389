"""The training step whose memory is predicted and measured: one text for both.

`train` runs it with tensors that hold no numbers (`convbook.memory.symbolic`) and on a device
(`convbook.memory.device`). What happens in between is written down by a `Recorder`.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

if TYPE_CHECKING:
    from convbook.memory.setting import Setting

PHASES = ("setup", "forward", "loss", "backward", "step")


class Recorder(Protocol):
    """What writes down when memory is taken and given back."""

    def mark(self, phase: str) -> None:
        """From here on the step is in this phase."""

    def name(self, kind: str, tensors: Iterable[Tensor]) -> None:
        """The memory in which these tensors now lie is of this kind."""


def train(
    model: nn.Module,
    setting: Setting,
    recorder: Recorder,
    device: str,
    autocast: AbstractContextManager[object] | None = None,
) -> None:
    """Take ``setting.steps`` training steps with a model on the device.

    The batch stays the same: where the images come from is no concern of the
    memory here. ``autocast`` stands in for torch's own, which knows no meta
    device.
    """
    recorder.mark("setup")
    recorder.name("parameters", model.parameters())
    recorder.name("buffers", model.buffers())
    height, width, channels = setting.input_shape
    order = torch.contiguous_format
    if setting.channels_last:
        order = torch.channels_last
    shape = (setting.batch_size, channels, height, width)
    x = torch.empty(shape, device=device, memory_format=order).fill_(0.5)
    y = torch.zeros(setting.batch_size, dtype=torch.int64, device=device)
    recorder.name("inputs", (x, y))

    optimizer = setting.make_optimizer(model.parameters())
    parts = setting.accumulate
    for _ in range(setting.steps):
        optimizer.zero_grad()
        for images, labels in zip(x.chunk(parts), y.chunk(parts), strict=True):
            recorder.mark("forward")
            with autocast or _autocast(setting, device):
                scores = model(images)  # n classes
                check_scores(scores, len(labels))
                recorder.mark("loss")
                loss = F.cross_entropy(scores, labels)
                if parts > 1:
                    loss = loss / parts
            recorder.mark("backward")
            loss.backward()
        recorder.mark("step")
        recorder.name("gradients", gradients_of(model))
        optimizer.step()
        recorder.name("optimizer_state", state_tensors(optimizer))
    recorder.mark("end")


def check_scores(scores: object, batch: int) -> None:
    """Refuse what is no row of scores for each image.

    Raises
    ------
    ValueError
        If it has another shape, or is no tensor.
    """
    if not isinstance(scores, Tensor) or scores.dim() != 2 or len(scores) != batch:
        found = tuple(scores.shape) if isinstance(scores, Tensor) else type(scores).__name__
        raise ValueError(
            f"the model returned {found} for {batch} images; it must return scores, ({batch}, "
            "classes)"
        )


def gradients_of(model: nn.Module) -> list[Tensor]:
    """The gradients that the backward pass has left."""
    return [p.grad for p in model.parameters() if p.grad is not None]


def first_line(error: BaseException) -> str:
    """The first line of what an error says, or its type."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__


def state_tensors(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """The tensors that an optimizer keeps from step to step."""
    return [
        value
        for state in optimizer.state.values()
        for value in state.values()
        if isinstance(value, Tensor)
    ]


def without_weights(
    model: nn.Module,
    setting: Setting,
    again: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> nn.Module:
    """A copy of the model on the meta device, ready for the setting; no weight is copied.

    ``again`` makes the context in which a checkpointed block is computed again; torch's own
    autocast needs none.

    Raises
    ------
    ValueError
        If it is no module, or one without blocks that is to be checkpointed.
    """
    if not isinstance(model, nn.Module):
        raise ValueError(f"model is {model!r}; it must be a torch.nn.Module")
    meta: dict[int, object] = {}
    for parameter in model.parameters():
        empty = torch.empty_like(parameter, device="meta")
        meta[id(parameter)] = nn.Parameter(empty, requires_grad=parameter.requires_grad)
        if parameter.grad is not None:
            meta[id(parameter.grad)] = None
    for buffer in model.buffers():
        meta[id(buffer)] = torch.empty_like(buffer, device="meta")
    twin = copy.deepcopy(model, meta).train(model.training)
    return checkpointed(twin, again) if setting.checkpoint else twin


def checkpointed(
    model: nn.Module, again: Callable[[], AbstractContextManager[object]] = nullcontext
) -> nn.Module:
    """Let each block keep its input alone: a block is a module of several, within a sequence.

    Changes the model, and returns it. A block runs twice in a training step, so its batch
    normalisations update their running statistics twice.

    Raises
    ------
    ValueError
        If the model has no such block.

    References
    ----------
    Chen, Xu, Zhang, Guestrin: Training deep nets with sublinear memory cost, arXiv:1604.06174.
    """
    blocks = [
        block
        for sequence in model.modules()
        if isinstance(sequence, nn.Sequential | nn.ModuleList)
        for block in sequence
        if len(list(block.children())) > 1 and not isinstance(block, nn.Sequential)
    ]
    if not blocks:
        raise ValueError(
            f"checkpoint is True, and {type(model).__name__} has no block to recompute: a block is "
            "a module of several others, in an nn.Sequential"
        )
    for block in blocks:
        block.forward = functools.partial(_recompute, type(block).forward, block, again)
    return model


def _recompute(
    forward: Callable[..., object],
    block: nn.Module,
    again: Callable[[], AbstractContextManager[object]],
    *given: Tensor,
) -> object:
    # Random numbers play no part in what is kept; to save the generator's state would be a copy.
    return checkpoint(
        functools.partial(forward, block),
        *given,
        use_reentrant=False,
        preserve_rng_state=False,
        context_fn=lambda: (nullcontext(), again()),
    )


def _autocast(setting: Setting, device: str) -> AbstractContextManager[object]:
    if setting.precision == "float32":
        return nullcontext()
    return torch.autocast(torch.device(device).type, dtype=torch.bfloat16)
