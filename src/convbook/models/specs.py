"""Networks for torch from the notation of `convbook.shapes.notation`."""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise
from typing import assert_never

from torch import nn

from convbook.shapes import layer_table
from convbook.shapes.notation import Layer, parse


def from_spec(spec: str, input_shape: tuple[int, int, int]) -> nn.Sequential:
    """Build the network that a spec describes, with torch's usual first weights.

    Its layers are named by their place, ``"0"``, ``"1"`` and so on. A fully connected layer that
    gets a map of 1×1 from the layer before, as after GAP, has one more in front of it, named
    ``"flatten"``: torch wants a vector there.

    Parameters
    ----------
    spec
        Layers in the notation of `convbook.shapes.notation`, for instance
        ``"CONV3-10 RELU POOL2 FLATTEN FC-3"``.
    input_shape
        (height, width, channels) of an image. The network takes images (N, C, H, W), and where it
        has no fully connected layer, of other sizes too.

    Raises
    ------
    ValueError
        If the spec cannot be read, or a layer does not fit what it gets; the message names it.
    """
    table = layer_table(spec, input_shape)  # which checks that all fits
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    for place, (layer, (before, _)) in enumerate(zip(parse(spec), pairwise(table), strict=True)):
        if layer.kind == "Linear" and len(before.output_shape) > 1:
            modules["flatten"] = nn.Flatten()
        modules[str(place)] = _module(layer, before.output_shape[-1])
    return nn.Sequential(modules)


def _module(layer: Layer, channels: int) -> nn.Module:
    """One layer, for an input of so many channels, or of so many numbers."""
    kernel, stride, padding, dilation = layer.kernel, layer.stride, layer.padding, layer.dilation
    if layer.kind == "Conv2d":
        return nn.Conv2d(
            channels,
            layer.filters,
            kernel,
            stride,
            padding,
            dilation,
            layer.groups,
            layer.bias,
            padding_mode=layer.mode,
        )
    assert padding != "same"  # the notation has it for CONV alone
    match layer.kind:
        case "ConvTranspose2d":
            return nn.ConvTranspose2d(
                channels,
                layer.filters,
                kernel,
                stride,
                padding,
                layer.output_padding,
                layer.groups,
                layer.bias,
                dilation,
            )
        case "MaxPool2d":
            return nn.MaxPool2d(kernel, stride, padding, dilation, ceil_mode=layer.ceil)
        case "AvgPool2d":
            return nn.AvgPool2d(kernel, stride, padding, ceil_mode=layer.ceil)
        case "AdaptiveAvgPool2d":
            return nn.AdaptiveAvgPool2d(1)
        case "BatchNorm2d":
            return nn.BatchNorm2d(channels)
        case "Linear":
            return nn.Linear(channels, layer.filters, layer.bias)
        case "Flatten":
            return nn.Flatten()
        case "ReLU":
            return nn.ReLU()
        case _:
            assert_never(layer.kind)
