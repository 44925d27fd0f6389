"""Many networks of one architecture as one function of their stacked weights."""

from __future__ import annotations

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
    if isinstance(network, MLP):
        return Stack(lambda x: x.flatten(2), lambda weights, x: _mlp(network, weights, x))
    if isinstance(network, SmallCNN) and network.sharing:
        return Stack(
            lambda x: _with_rows_first(network, x), lambda weights, x: _cnn(network, weights, x)
        )

    def of_one(weights: Weights, x: Tensor) -> Tensor:
        return functional_call(network, weights, (x,))

    return Stack(lambda x: x, vmap(of_one))


def _mlp(network: MLP, weights: Weights, x: Float[Tensor, "S N pixels"]) -> Tensor:
    last = len(network.layers) - 1
    for layer in range(last + 1):
        weight, bias = weights[f"layers.{layer}.weight"], weights[f"layers.{layer}.bias"]
        x = torch.baddbmm(bias[:, None], x, weight.transpose(1, 2))
        x = F.relu(x) if layer < last else x
    return x


def _with_rows_first(network: SmallCNN, x: Float[Tensor, "S N C H W"]) -> Tensor:
    if network.coordinates:
        x = with_coordinates(x.flatten(0, 1)).unflatten(0, x.shape[:2])
    return x.transpose(2, 3).contiguous()  # S N H C W


def _cnn(network: SmallCNN, weights: Weights, x: Float[Tensor, "S N H C W"]) -> Tensor:
    depth = len(network.convolutions)
    for layer in range(depth):
        weight, bias = (weights[f"convolutions.{layer}.{name}"] for name in ("weight", "bias"))
        pools = layer == 0 and depth > 1 and network.pooling != "none"
        x = lowering.conv2d(x, weight, bias, network.padding_mode, halves=pools)
        x = _pooled(x, network.pooling) if pools else F.relu(x)
    if network.head == "flatten":
        features = x.transpose(2, 3).flatten(2)  # the module's order: channels, rows, columns
    else:
        features = x.mean((2, 4)) if network.head == "average" else x.amax((2, 4))
    return torch.baddbmm(
        weights["linear.bias"][:, None], features, weights["linear.weight"].transpose(1, 2)
    )


def _pooled(x: Float[Tensor, "S N h 2 F w"], pooling: str) -> Float[Tensor, "S N h/2 F w"]:
    """ReLU and 2×2 pooling; of an odd number of rows the last is left out, as torch does."""
    pairs = x[:, :, : x.shape[2] // 2 * 2].unflatten(2, (-1, 2))  # S N h/2 2 2 F w
    if pooling == "average":
        return F.relu(pairs).mean((3, 4))
    made: Tensor = lowering.MaxPool.apply(pairs)
    return F.relu(made)  # behind the maximum, of a quarter of the numbers: the result is the same
