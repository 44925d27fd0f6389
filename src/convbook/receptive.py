"""Which pixels an output really depends on, read off the gradient; for torch.

`convbook.shapes` derives receptive fields from sizes and strides. Here nothing is derived: the
output is differentiated by every pixel of the input.
"""

# To mypy, whatever a torch module returns is Any.
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from convbook._arguments import as_integer, as_pair

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

    Shape = tuple[int, int, int]  # (height, width, channels)


@dataclass(frozen=True)
class EffectiveField:
    """How the squared gradient of an output spreads over the input.

    Attributes
    ----------
    energy
        The share of every pixel, (H, W); all together 1.
    side
        Of the smallest square around the energy's centre that holds the fraction asked for, in
        pixels.
    """

    energy: Float[np.ndarray, "h w"]
    side: int


@torch.enable_grad()
def gradient_support(
    model: nn.Module,
    input_shape: Shape,
    position: tuple[int, int] | None = None,
    *,
    layer: str | None = None,
    generator: torch.Generator,
) -> Bool[np.ndarray, "h w"]:
    """Mark the pixels that an output can depend on: those with a non-zero gradient.

    A gradient can also be zero by chance: terms cancel, or another pixel is larger and wins in a
    max pooling. So it is taken on a copy in which neither happens. Its weights are drawn anew, all
    positive; its input is positive; and its maxima are averages over the same windows. The model
    itself stays as it is. Its weights are not read, so it may be on the meta device.

    Parameters
    ----------
    model
        Any network for images (N, C, H, W).
    input_shape
        (height, width, channels) of an image. It cuts a larger receptive field off.
    position
        (row, column) of the output; the middle if you name none. All channels count together. An
        output that is no map, as after a flattening, is taken as a whole.
    layer
        Whose output, as a path such as ``"layer1.0.conv1"``; the model's own if you name none. Of
        a module that is called again, it is the last call.
    generator
        Source of the weights and of the input.

    Returns
    -------
    support
        (H, W).

    Raises
    ------
    ValueError
        If the model has no such layer, refuses the image, or its output is no tensor or has no such
        position.
    """
    _check_model(model)
    network = _positive_copy(model, generator)
    # Small inputs stay below the bounds where some activation functions have no slope (ReLU6).
    height, width, channels = _checked(input_shape)
    image = _positive((1, channels, height, width), generator) * 2**-20
    with _Averages():
        output = _output(network, image.requires_grad_(), layer)
    gradient = _gradient(_at(output, position).sum(), image)
    return (gradient != 0).any(dim=(0, 1)).numpy()


@torch.enable_grad()
def effective_receptive_field(
    model: nn.Module,
    input_shape: Shape,
    *,
    layer: str | None = None,
    fraction: float = 0.95,
    draws: int,
    generator: torch.Generator,
) -> EffectiveField:
    """Measure how strongly an output depends on which pixels.

    The middle of the output is differentiated at images of standard normal noise, in evaluation
    mode, with the weights that the model has. The channels of the output are added with standard
    normal factors, drawn anew for each image: on average, the square of the sum's gradient is the
    sum of the squares of the channels' gradients.

    Parameters
    ----------
    model
        Any network for images (N, C, H, W).
    input_shape
        (height, width, channels) of an image.
    layer
        Whose output, as in `gradient_support`; an output that is no map is taken as a whole.
    fraction
        How much of the energy the square must hold, from 0 to 1.
    draws
        How many images to average over.
    generator
        Source of the images and of the factors.

    Raises
    ------
    ValueError
        If a number is out of its range; or the model has no such layer or no weights, refuses the
        image, or does not look at it, or its output is no tensor.

    References
    ----------
    Luo, Li, Urtasun, Zemel: Understanding the effective receptive field in deep convolutional
    neural networks, NIPS 2016. They judge pixels by the size of their gradient; here the energy
    within a square decides.
    """
    if not (isinstance(fraction, float | int) and 0 < fraction <= 1):
        raise ValueError(f"fraction is {fraction!r}; it must be above 0 and at most 1")
    _check_model(model)
    if any(parameter.is_meta for parameter in model.parameters()):
        raise ValueError("model is on the meta device; here it must have weights")
    height, width, channels = _checked(input_shape)
    network = copy.deepcopy(model).to("cpu", torch.float64).eval().requires_grad_(False)
    energy = torch.zeros(height, width, dtype=torch.float64)
    for _ in range(as_integer("draws", draws, least=1)):
        image = _normal((1, channels, height, width), generator).requires_grad_()
        output = _at(_output(network, image, layer), position=None)
        gradient = _gradient((_normal(output.shape, generator) * output).sum(), image)
        energy += gradient.square().sum(dim=(0, 1))
    if not energy.any():
        raise ValueError("model gives an output that depends on no pixel: its gradient is 0")
    shares = (energy / energy.sum()).numpy()
    return EffectiveField(shares, _centred_side(shares, fraction))


class _Averages(TorchFunctionMode):
    """While it is entered, torch takes averages where it was asked for maxima."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in _AVERAGES:
            kwargs.pop("return_indices", None)  # torch hands it on even where it is False
            func = _AVERAGES[func]
        return func(*args, **kwargs)


def _average_pool(
    x: Float[Tensor, "*n_c h w"],
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Float[Tensor, "*n_c h_out w_out"]:
    """The means over the windows of torch's max_pool2d, which unlike avg_pool2d has dilation."""
    size = F.max_pool2d(x, kernel_size, stride, padding, dilation, ceil_mode).shape[-2:]
    kernel, dilation = as_pair("kernel_size", kernel_size, 1), as_pair("dilation", dilation, 1)
    stride, padding = as_pair("stride", stride or kernel, 1), as_pair("padding", padding, 0)
    margins: list[int] = []  # as F.pad wants them: left, right, top, bottom
    for axis in (1, 0):
        extent = (size[axis] - 1) * stride[axis] + dilation[axis] * (kernel[axis] - 1) + 1
        # The last window may hang over the end, or leave a rest of the map that goes.
        margins += [padding[axis], extent - padding[axis] - x.shape[axis - 2]]
    padded = F.pad(x, margins)
    planes = padded.reshape(-1, 1, *padded.shape[-2:])
    weights = x.new_full((1, 1, *kernel), 1 / (kernel[0] * kernel[1]))
    return F.conv2d(planes, weights, stride=stride, dilation=dilation).reshape(*x.shape[:-2], *size)


_AVERAGES: dict[Callable[..., Any], Callable[..., Any]] = {
    F.max_pool2d: _average_pool,
    torch.max_pool2d: _average_pool,
    F.adaptive_max_pool2d: F.adaptive_avg_pool2d,
    torch.amax: torch.mean,
    Tensor.amax: torch.mean,
    torch.maximum: torch.add,
    Tensor.maximum: torch.add,
}


def _positive_copy(model: nn.Module, generator: torch.Generator) -> nn.Module:
    """The network in evaluation mode, with positive weights in float64, on the CPU."""
    replaced: dict[int, Any] = {}  # what deepcopy puts in the place of a tensor, by its id
    for name, parameter in model.named_parameters():
        values = _positive(parameter.shape, generator)
        if parameter.ndim > 1:
            values /= parameter[0].numel()  # so each output is of the size of the inputs
        elif name.endswith("bias"):
            values.zero_()
        replaced[id(parameter)] = nn.Parameter(values, requires_grad=False)
    for name, buffer in model.named_buffers():
        if name.endswith("running_mean"):
            replaced[id(buffer)] = torch.zeros(buffer.shape)
        elif buffer.is_meta:
            replaced[id(buffer)] = _positive(buffer.shape, generator).to(buffer.dtype)
    return copy.deepcopy(model, replaced).to("cpu", torch.float64).eval()


def _positive(shape: tuple[int, ...], generator: torch.Generator) -> Float[Tensor, "*shape"]:
    """Random numbers from 0.5 to 1.5."""
    return torch.rand(shape, generator=generator, dtype=torch.float64) + 0.5


def _normal(shape: tuple[int, ...], generator: torch.Generator) -> Float[Tensor, "*shape"]:
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def _check_model(model: object) -> None:
    if not isinstance(model, nn.Module):
        raise ValueError(f"model is {model!r}; it must be a torch.nn.Module")
    for name, parameter in model.named_parameters():
        if nn.parameter.is_lazy(parameter):
            raise ValueError(
                f"model has the parameter {name!r}, without a shape before a first run"
            )


def _checked(input_shape: Shape) -> Shape:
    try:
        height, width, channels = (as_integer("", size, least=1) for size in input_shape)
    except (TypeError, ValueError):
        raise ValueError(
            f"input_shape is {input_shape!r}; it must be (height, width, channels), three "
            "integers of at least 1"
        ) from None
    return height, width, channels


def _output(
    network: nn.Module, image: Float[Tensor, "1 c h w"], layer: str | None
) -> Float[Tensor, "*shape"]:
    """What a layer makes of an image."""
    outputs: list[Any] = []
    followed: list[bool] = []  # whether torch keeps what it needs for gradients, at each call
    try:
        module = network.get_submodule(layer or "")
    except AttributeError:
        raise ValueError(f"layer is {layer!r}; the model has no module of this name") from None

    # A copy, since the next layer may write its own result into the same memory. The input is
    # handed over as a copy for the same reason.
    def keep(_module: nn.Module, _given: Any, output: Any) -> None:
        outputs.append(output.clone() if isinstance(output, Tensor) else output)
        followed.append(torch.is_grad_enabled())

    hook = module.register_forward_hook(keep)
    try:
        network(image.clone())
    except (RuntimeError, TypeError) as error:
        shape = (*image.shape[2:], image.shape[1])
        raise ValueError(f"input_shape is {shape}; the model refuses it: {error}") from None
    finally:
        hook.remove()
    if not outputs:
        raise ValueError(f"layer is {layer!r}; the model has it, but does not call it")
    if not followed[-1]:
        raise ValueError(f"layer is {layer!r}; the model runs it with gradients switched off")
    if not isinstance(outputs[-1], Tensor):
        kind = type(outputs[-1]).__name__
        raise ValueError(f"layer is {layer!r}; it gives a {kind}, and must give one tensor")
    return outputs[-1]


def _at(output: Float[Tensor, "*shape"], position: tuple[int, int] | None) -> Tensor:
    """All channels of an output map at a position, or an output that is no map."""
    if output.ndim != 4:
        if position is not None:
            raise ValueError(
                f"position is {position!r}; the output has shape {tuple(output.shape[1:])} and no "
                "positions, so it must be None"
            )
        return output
    height, width = output.shape[-2:]
    row, column = (
        (height // 2, width // 2) if position is None else as_pair("position", position, 0)
    )
    if row >= height or column >= width:
        raise ValueError(
            f"position is {position!r}; the output has {height} rows and {width} columns"
        )
    return output[:, :, row, column]


def _gradient(output: Float[Tensor, ""], image: Float[Tensor, "1 c h w"]) -> Tensor:
    """The derivatives of one number by all of the image; zeros if it does not depend on it."""
    if output.requires_grad:
        # Not torch.autograd.grad, which refuses models with reentrant checkpoints.
        torch.autograd.backward(output)
    return torch.zeros_like(image) if image.grad is None else image.grad


def _centred_side(energy: Float[np.ndarray, "h w"], fraction: float) -> int:
    """The side of the smallest square about the energy's centre with this fraction of it."""
    rows, columns = np.indices(energy.shape)
    row, column = (energy * rows).sum(), (energy * columns).sum()
    distance = np.maximum(abs(rows - row), abs(columns - column)).ravel()
    order = np.argsort(distance)
    held = np.cumsum(energy.ravel()[order])
    last = order[np.searchsorted(held, fraction * held[-1])]
    return round(2 * distance[last] + 1)
