"""Many networks of one architecture as one function of their stacked weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, vmap

from convbook import lowering
from convbook.models.small import MLP, SmallCNN, with_coordinates

if TYPE_CHECKING:
    from jaxtyping import Float

Weights = dict[str, Tensor]  # by name, each with a first axis over the networks

WIDE = 16  # with more channels, torch's own convolutions are as fast


@dataclass(frozen=True)
class Stack:
    """How to lay out images once, and how to score a batch of them.

    Attributes
    ----------
    arrange
        From images (S, N, C, H, W) to what ``scores`` takes: (S, N, …).
    scores
        From stacked weights and a batch to (S, N, classes).
    """

    arrange: Callable[[Tensor], Tensor]
    scores: Callable[[Weights, Tensor], Tensor]


def stack(network: nn.Module) -> Stack:
    """The fastest way that is known for networks like this one; `torch.func.vmap` for any other."""
    if type(network) is MLP:
        return Stack(lambda x: x.flatten(2), lambda weights, x: _mlp(network, weights, x))
    if type(network) is SmallCNN and network.sharing and network.width <= WIDE:
        return Stack(lambda x: _flat(network, x), lambda weights, x: _cnn(network, weights, x))

    def of_one(weights: Weights, x: Tensor) -> Tensor:
        made: Tensor = functional_call(network, weights, (x,))
        return made

    return Stack(lambda x: x, vmap(of_one))


def _mlp(network: MLP, weights: Weights, x: Float[Tensor, "S N pixels"]) -> Tensor:
    # Images go last: the gradients of the weights then come out as the weights lie in memory.
    last = len(network.layers) - 1
    x = x.mT
    for layer in range(last + 1):
        weight, bias = weights[f"layers.{layer}.weight"], weights[f"layers.{layer}.bias"]
        x = torch.baddbmm(bias[:, :, None], weight, x)  # S features N
        x = F.relu(x) if layer < last else x
    return x.mT


def _flat(network: SmallCNN, x: Float[Tensor, "S N C H W"]) -> Float[Tensor, "S N C*H*W"]:
    if x.ndim != 5 or x.shape[3] != x.shape[4]:
        raise ValueError(
            f"images have the shape {tuple(x.shape)}; it must be (S, N, C, side, side)"
        )
    if network.coordinates:
        x = with_coordinates(x.flatten(0, 1)).unflatten(0, x.shape[:2])
    return x.flatten(2)


def _cnn(network: SmallCNN, weights: Weights, x: Float[Tensor, "S N C*H*W"]) -> Tensor:
    depth, padding = len(network.convolutions), network.padding_mode
    maps = _first_layer(network, weights, x)
    for layer in range(1, depth):
        weight, bias = (weights[f"convolutions.{layer}.{name}"] for name in ("weight", "bias"))
        maps = F.relu(lowering.row_conv2d(maps, weight, bias, padding))
    if network.head == "flatten":
        features = maps.transpose(2, 3).flatten(2)  # the module's order: channels, rows, columns
    elif network.head == "average":
        features = maps.sum(2).sum(-1) / (maps.shape[2] * maps.shape[4])
    else:
        features = maps.amax((2, 4))
    return torch.baddbmm(weights["linear.bias"][:, None], features, weights["linear.weight"].mT)


def _first_layer(
    network: SmallCNN, weights: Weights, x: Float[Tensor, "S N C*H*W"]
) -> Float[Tensor, "S N rows F columns"]:
    weight, bias = weights["convolutions.0.weight"], weights["convolutions.0.bias"]
    filters, channels, kernel = weight.shape[1:4]
    side = math.isqrt(x.shape[-1] // channels)
    pooling = network.pooling if len(network.convolutions) > 1 else "none"
    pairs = pooling != "none"
    how = lowering.tiling(channels, side, side, kernel, network.padding_mode, pairs, x.device)
    made = lowering.tiled_conv2d(x.mT.contiguous(), weight, how, pairs)
    shift = bias[:, :, None]
    if pooling == "none":
        maps = made.view(len(x), filters, -1) + shift
        return F.relu(lowering.in_rows(maps.view(made.shape), filters, how, 1))
    four = made.view(len(x), 2, 2, -1)
    if pooling == "max":  # the ReLU comes behind it: of a quarter of the numbers, and the same
        best = lowering.max_pool(four).view(len(x), filters, -1) + shift
        return F.relu(lowering.in_rows(best.view(len(x), -1, x.shape[1]), filters, how, 2))
    lit = F.relu(made.view(len(x), 4, filters, -1) + shift[:, None])
    return lowering.in_rows(lit.mean(1).view(len(x), -1, x.shape[1]), filters, how, 2)
