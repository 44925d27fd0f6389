"""A label for every pixel: rooms in drawings, and three small networks that look for them.

A drawing shows the walls of one rectangular room among stray lines. Inside and outside look the
same, empty: whoever wants to tell them apart has to look as far as the walls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from convbook._arguments import as_integer
from convbook.training import train

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

SIDE = 24  # of a drawing, in pixels
SHORTEST, LONGEST = 10, 17  # of a wall or a stray line
STRAY = 2  # lines in a drawing that belong to no room
NOISE = 0.1  # standard deviation; a line has the brightness 1

CHANNELS = 8
Network = Callable[[], nn.Sequential]


@dataclass(frozen=True)
class Rooms:
    """Drawings of rooms.

    Attributes
    ----------
    images
        (n, 24, 24): lines of brightness 1 on 0, with noise.
    depth
        (n, 24, 24): how many pixels away the nearest wall is, for a pixel inside the room; 0 on
        the walls and outside.
    """

    images: Float[np.ndarray, "n 24 24"]
    depth: Int[np.ndarray, "n 24 24"]

    @property
    def inside(self) -> Bool[np.ndarray, "n 24 24"]:
        """The label of each pixel: whether it lies inside the room."""
        return self.depth > 0


def draw_rooms(rng: np.random.Generator, count: int) -> Rooms:
    """Draw rooms of random sizes at random places, with stray lines that end at their walls.

    Raises
    ------
    ValueError
        If the count is below 1.
    """
    images = np.zeros((as_integer("count", count, least=1), SIDE, SIDE))
    depth = np.zeros(images.shape, dtype=int)
    for image, deep in zip(images, depth, strict=True):
        for _ in range(STRAY):
            length = int(rng.integers(SHORTEST, LONGEST + 1))
            row, start = int(rng.integers(SIDE)), int(rng.integers(SIDE - length + 1))
            lines = image if rng.random() < 0.5 else image.T
            lines[row, start : start + length] = 1
        height, width = rng.integers(SHORTEST, LONGEST + 1, size=2).tolist()
        top, left = (int(rng.integers(SIDE - length + 1)) for length in (height, width))
        room = (slice(top, top + height), slice(left, left + width))
        rows, columns = np.indices((height, width))
        deep[room] = np.minimum.reduce([rows, height - 1 - rows, columns, width - 1 - columns])
        image[room] = deep[room] == 0
    return Rooms(images + NOISE * rng.normal(size=images.shape), depth)


def stack(dilations: Sequence[int]) -> nn.Sequential:
    """3×3 convolutions with these dilations that keep the size, a ReLU behind each, and a 1×1."""
    layers: list[nn.Module] = []
    for n, dilation in enumerate(dilations):
        entering = CHANNELS if n else 1
        layers += [nn.Conv2d(entering, CHANNELS, 3, padding=dilation, dilation=dilation), nn.ReLU()]
    return nn.Sequential(*layers, nn.Conv2d(CHANNELS, 1, 1))


def pooled() -> nn.Sequential:
    """The layers of `stack`, the middle ones on maps of half and of a quarter of the size."""
    first, second, third, fourth, fifth = list(stack([1] * 5))[:-1:2]  # the convolutions
    return nn.Sequential(
        first, nn.ReLU(), nn.MaxPool2d(2), second, nn.ReLU(), nn.MaxPool2d(2),
        third, nn.ReLU(), fourth, nn.ReLU(),
        nn.Upsample(scale_factor=4, mode="bilinear"), fifth, nn.ReLU(),
        nn.Conv2d(CHANNELS, 1, 1),
    )  # fmt: skip


NETWORKS: dict[str, Network] = {
    "plain": lambda: stack([1, 1, 1, 1, 1]),
    "dilated": lambda: stack([1, 2, 4, 2, 1]),
    "pooled": pooled,
}


def labeller(kind: str, generator: torch.Generator) -> nn.Sequential:
    """An untrained network from drawings (N, 1, H, W) to one number a pixel: inside if above 0.

    All kinds have the same convolutions, five of 3×3 and one of 1×1. The weights are normal, with a
    variance that keeps the size of the numbers (He et al. 2015); the biases are 0.

    Raises
    ------
    ValueError
        If there is no such kind.
    """
    if kind not in NETWORKS:
        raise ValueError(f"kind is {kind!r}; it can be {', '.join(map(repr, NETWORKS))}")
    network = NETWORKS[kind]()
    for layer in network:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
            assert layer.bias is not None  # for mypy
            nn.init.zeros_(layer.bias)
    return network


def teach(
    networks: Sequence[nn.Module],
    rngs: Sequence[np.random.Generator],
    *,
    steps: int,
    batch: int = 8,
) -> Float[Tensor, "steps seeds"]:
    """Train networks, each on drawings from its own generator that it sees once; the losses.

    The loss is the mean of the pixels' cross-entropies.

    Raises
    ------
    ValueError
        If there is not one generator for each network.
    """
    if not len(networks) == len(rngs) > 0:
        raise ValueError(f"there are {len(networks)} networks and {len(rngs)} rngs: one each")
    drawn = [draw_rooms(rng, steps * batch) for rng in rngs]
    shape = (len(networks), steps, batch, 1, SIDE, SIDE)
    images = _tensor(np.stack([rooms.images for rooms in drawn])).reshape(shape)
    labels = _tensor(np.stack([rooms.inside for rooms in drawn])).reshape(shape)
    batches: Iterator[tuple[Tensor, Tensor]] = zip(images.unbind(1), labels.unbind(1), strict=True)
    loss = F.binary_cross_entropy_with_logits
    return train(networks, batches, loss, learning_rate=0.01, steps=steps)


@torch.no_grad()
def labels(network: nn.Module, rooms: Rooms) -> Bool[np.ndarray, "n 24 24"]:
    """The pixels that a network takes to be inside."""
    output = network(_tensor(rooms.images)[:, None])  # N 1 H W
    return np.asarray(output[:, 0].numpy() > 0)


def overlap(found: Bool[np.ndarray, "n h w"], wanted: Bool[np.ndarray, "n h w"]) -> float:
    """Pixels in both sets, as a share of those in at least one: intersection over union."""
    return float(np.sum(found & wanted) / max(np.sum(found | wanted), 1))


def found_at_depth(
    found: Bool[np.ndarray, "n h w"], depth: Int[np.ndarray, "n h w"], deepest: int
) -> Float[np.ndarray, " deepest"]:
    """Which share of the pixels inside is found, at 1, 2, … pixels from the nearest wall.

    Raises
    ------
    ValueError
        If no pixel is so deep.
    """
    if depth.max() < deepest:
        raise ValueError(f"deepest is {deepest}; no pixel is deeper than {depth.max()}")
    return np.array([found[depth == d].mean() for d in range(1, deepest + 1)])


def _tensor(values: Float[np.ndarray, "*shape"] | Bool[np.ndarray, "*shape"]) -> Tensor:
    return torch.tensor(values, dtype=torch.float32)
