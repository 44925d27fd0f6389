"""How well networks do on sets of images: many networks of one architecture at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import stack_module_state

from convbook.stacked import Stack, Weights, stack

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from numpy.typing import ArrayLike

EVALUATED = 200  # images at once, over all networks


@dataclass(frozen=True)
class Scores:
    """What networks make of a set of images: loss and accuracy as in `History`, and the scores."""

    loss: Float[np.ndarray, " networks"]
    accuracy: Float[np.ndarray, " networks"]
    logits: Float[np.ndarray, "networks images classes"]


def device() -> torch.device:
    """Where networks train: the GPU if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def evaluate(
    networks: Sequence[nn.Module],
    images: Float[ArrayLike, "sets images *shape"],
    labels: Int[ArrayLike, "sets images"],
) -> Scores:
    """Loss, accuracy and scores of each network on its own set, or on one that all share.

    Raises
    ------
    ValueError
        If the numbers of networks and sets do not agree.
    """
    how, weights = stack(networks[0]), stacked_state(networks)
    return scores_of(how, weights, *as_sets("images", images, labels, how, weights))


def confusion(
    logits: Float[np.ndarray, "networks images classes"], labels: Int[ArrayLike, "sets images"]
) -> Float[np.ndarray, "networks classes classes"]:
    """For each network and true class (row), the share of images it takes for each class."""
    classes = logits.shape[-1]
    said = np.eye(classes)[logits.argmax(-1)]  # networks images classes
    true = np.eye(classes)[np.broadcast_to(np.asarray(labels), said.shape[:2])]
    together = np.einsum("sit,sip->stp", true, said)
    return np.asarray(together / np.maximum(true.sum(axis=1)[..., None], 1))


def stacked_state(networks: Sequence[nn.Module]) -> Weights:
    """Weights and buffers by name, with a first axis over the networks: copies, on the device."""
    weights, buffers = stack_module_state(list(networks))
    return {name: each.detach().to(device()) for name, each in {**weights, **buffers}.items()}


def as_sets(
    name: str, images: ArrayLike, labels: ArrayLike, how: Stack, weights: Weights
) -> tuple[Tensor, Tensor]:
    """Images as the stack wants them, and labels; the first axis is over networks, or 1."""
    like = next(iter(weights.values()))
    count = len(like)
    x = torch.as_tensor(np.asarray(images), dtype=like.dtype, device=like.device)
    y = torch.as_tensor(np.asarray(labels), dtype=torch.int64, device=like.device)
    if x.shape[:2] != y.shape or len(x) not in (1, count):
        raise ValueError(
            f"{name}: images have the shape {tuple(x.shape)}, labels {tuple(y.shape)}; the first "
            f"two axes must agree, and the first be 1 or {count}, the number of networks"
        )
    return how.arrange(x), y


def losses_of(
    logits: Float[Tensor, "S N classes"], target: Int[Tensor, "S N"]
) -> Float[Tensor, "S N"]:
    """The cross-entropy of each image."""
    flat = F.cross_entropy(logits.flatten(0, 1), target.flatten(), reduction="none")
    return flat.view(target.shape)


def scores_of(how: Stack, weights: Weights, x: Tensor, y: Tensor) -> Scores:
    """Evaluate networks that are stacked already."""
    count = len(next(iter(weights.values())))
    chunk = max(1, EVALUATED // count)  # a share at a time, so that the maps stay in the cache
    with torch.no_grad():
        shares = [share.expand(count, *share.shape[1:]) for share in x.split(chunk, dim=1)]
        logits = torch.cat([how.scores(weights, share) for share in shares], 1)
        target = y.expand(count, -1)
        loss, right = losses_of(logits, target.contiguous()), logits.argmax(-1) == target
    return Scores(
        loss.double().mean(1).cpu().numpy(),
        right.double().mean(1).cpu().numpy(),
        logits.cpu().numpy(),
    )
