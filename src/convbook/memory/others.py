"""What other tools predict of the memory of a training step, in bytes, beside `predict`.

None of them needs a GPU. Each is asked as its own documentation asks it, and counts what it counts:
one the layers' outputs, one the weights, one every tensor.
"""

# torch's modes have no types.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from convbook.memory.predicting import predict
from convbook.memory.setting import Setting
from convbook.memory.step import first_line, without_weights

if TYPE_CHECKING:
    from torch import nn

STEPS = 2  # momentum has its full size from the second step on


def torchinfo_estimate(model: nn.Module, input_shape: tuple[int, int, int], batch_size: int) -> int:
    """torchinfo's "Estimated Total Size": input, forward/backward pass, parameters.

    It adds the batch (with the 64 bytes or so of Python's object around it), twice the outputs of
    all layers that have parameters ("x2 for gradients"), and those parameters. So it counts neither
    what ReLU and pooling return, nor the gradients of the weights, nor the optimizer, and takes
    outputs that nobody keeps for kept.

    Raises
    ------
    ValueError
        If a setting is not valid, or the model cannot take such images.

    References
    ----------
    ``torchinfo.summary``; ``ModelStatistics.__init__`` and ``__repr__`` in its
    ``model_statistics.py``.
    """
    setting = Setting(input_shape, batch_size)
    twin = without_weights(model, setting)
    import torchinfo

    height, width, channels = setting.input_shape
    size = (batch_size, channels, height, width)
    try:
        found = torchinfo.summary(twin, input_size=size, device="meta", verbose=0)
    except RuntimeError as error:
        raise ValueError(
            f"the model does not take images (n, {channels}, {height}, {width}), as torchinfo "
            f"finds: {first_line(error.__cause__ or error)}"
        ) from error
    return int(found.total_input + found.total_output_bytes + found.total_param_bytes)


def accelerate_estimate(model: nn.Module) -> int:
    """Accelerate's "Training using Adam" for float32: four times the model.

    The model is its parameters and buffers; the four are weights, gradients and Adam's two states.
    It counts no activations, "for a batch size of 1" as its text says, and so depends neither on
    the batch nor on the image.

    Raises
    ------
    ValueError
        If ``model`` is no module.

    References
    ----------
    ``accelerate estimate-memory``; ``gather_data`` and ``estimate_training_usage`` in
    ``accelerate/commands/estimate.py``, and ``calculate_maximum_sizes``.
    """
    twin = without_weights(model, Setting((1, 1, 1), 1))
    with warnings.catch_warnings():
        # In a notebook without widgets, tqdm tells standard error that it would like some.
        warnings.filterwarnings("ignore", "IProgress not found")
        from accelerate.commands.estimate import (  # type: ignore[import-untyped]
            calculate_maximum_sizes,
            estimate_training_usage,
        )

    size, _ = calculate_maximum_sizes(twin)
    # The command takes the largest of the parts, which is the step's.
    return int(max(estimate_training_usage(size, "float32").values()))


def mem_tracker_estimate(
    model: nn.Module,
    input_shape: tuple[int, int, int],
    batch_size: int,
    optimizer: str = "adam",
) -> int:
    """The peak of two training steps by torch's own MemTracker, on the meta device.

    It follows the storages of all tensors, as `predict` does, but neither the allocator's blocks
    and segments nor any workspace. (It rounds to blocks of 512 bytes where the device is CUDA.)

    Raises
    ------
    ValueError
        If a setting is not valid, or the model cannot be trained on such images.

    References
    ----------
    ``torch/distributed/_tools/mem_tracker.py``, class ``MemTracker``, "Example usage".
    """
    setting = Setting(input_shape, batch_size, optimizer, STEPS)
    twin = without_weights(model, setting)
    from torch.distributed._tools.mem_tracker import MemTracker

    height, width, channels = setting.input_shape
    images = torch.empty((batch_size, channels, height, width), device="meta")
    labels = torch.empty(batch_size, dtype=torch.int64, device="meta")
    stepper = setting.make_optimizer(twin.parameters())
    tracker = MemTracker()
    tracker.track_external(twin, stepper, images, labels)
    try:
        with tracker:
            for _ in range(STEPS):
                loss = F.cross_entropy(twin(images), labels)
                loss.backward()
                stepper.step()
                stepper.zero_grad()
                tracker.reset_mod_stats()  # it would not take the modules twice otherwise
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f"the model cannot be trained on images (n, {channels}, {height}, {width}): "
            f"{first_line(error)}"
        ) from error
    peak = tracker.get_tracker_snapshot("peak")
    return int(peak[torch.device("meta")]["Total"])


def compare(
    model: nn.Module,
    input_shape: tuple[int, int, int],
    batch_size: int,
    optimizer: str = "adam",
) -> dict[str, int]:
    """What each tool expects of the same training step, and `predict`, in bytes.

    Raises
    ------
    ValueError
        If a setting is not valid, or the model cannot be trained on such images.
    """
    ours = predict(model, input_shape, batch_size, optimizer)
    return {
        "convbook": ours.requested_peak,  # like the others', before an allocator rounds
        "MemTracker": mem_tracker_estimate(model, input_shape, batch_size, optimizer),
        "torchinfo": torchinfo_estimate(model, input_shape, batch_size),
        "accelerate": accelerate_estimate(model),
    }
