"""Images for the experiments on batch size: three sets a seed, and what a network sees of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from convbook.cifar import Images
from convbook.training_images import even_draw, training_images

if TYPE_CHECKING:
    from jaxtyping import Float, Int, UInt8
    from torch import Tensor

TRAIN, VALIDATION, TEST = 1024, 256, 512  # images
POOL = (10_000, 2_000)  # training and test images of CIFAR-10 of which every seed draws its own
IMAGES = 1  # of a seed's generators, the one that draws images


@dataclass(frozen=True)
class Sets:
    """Images for training, for choosing a learning rate, and for the final test."""

    train: Images
    validation: Images
    test: Images


def draw_sets(seeds: Sequence[int]) -> list[Sets]:
    """Images for each seed: 1,024 for training, 256 for validation, 512 for the test.

    Of CIFAR-10 or, where that is not available, of scikit-learn's digits: as `training_images`
    says. No image is in two sets of a seed.
    """
    generators = [np.random.default_rng([seed, IMAGES]) for seed in seeds]
    try:
        # Read once for all seeds: the whole of CIFAR-10 takes seconds to unpack.
        everything = training_images(*POOL, np.random.default_rng(IMAGES))
    except ValueError:  # so many digits there are not; but they are read in no time
        return [_split(*training_images(TRAIN + VALIDATION, TEST, rng)) for rng in generators]
    return [_drawn(*everything, rng) for rng in generators]


class Preparation:
    """What is done to bytes before the network sees them: resized, and brought to mean 0, std 1.

    Mean and standard deviation are of the images that it is made with, for each channel.
    """

    def __init__(
        self, images: UInt8[Tensor, "n h w 3"], side: int, layout: torch.memory_format
    ) -> None:
        pixels = images.double().flatten(0, 2)  # n·h·w 3
        self.mean = pixels.mean(0).float()[:, None, None]  # 3 1 1
        self.std = pixels.std(0, correction=0).clamp(min=1).float()[:, None, None]  # grey levels
        self.side, self.layout = side, layout

    def __call__(
        self,
        images: UInt8[Tensor, "n h w 3"],
    ) -> Float[Tensor, "n 3 side side"]:
        """The images as the network takes them."""
        x = images.permute(0, 3, 1, 2).float()  # n 3 h w
        if x.shape[-2:] != (self.side, self.side):
            size = (self.side, self.side)
            x = F.interpolate(x, size, mode="bilinear", antialias=True)
        x = (x - self.mean) / self.std
        return x.contiguous(memory_format=self.layout)

    def batches(
        self, images: UInt8[Tensor, "n h w 3"], size: int = 256
    ) -> Iterator[Float[Tensor, "size 3 side side"]]:
        """All images, some at a time, as memory is finite; the last part may be smaller."""
        for some in images.split(size):
            yield self(some)


def on_device(
    images: Images, device: torch.device
) -> tuple[UInt8[Tensor, "n h w 3"], Int[Tensor, " n"]]:
    """Bytes and labels as tensors. They are copied: a worker's arrays cannot be written to."""
    return torch.tensor(images.images, device=device), torch.tensor(images.labels, device=device)


def _drawn(train: Images, test: Images, rng: np.random.Generator) -> Sets:
    """A seed's own images of a pool."""
    return _split(
        _some(train, even_draw(train.labels, TRAIN + VALIDATION, rng)),
        _some(test, even_draw(test.labels, TEST, rng)),
    )


def _split(train: Images, test: Images) -> Sets:
    """The last of the training images become those for validation: their order is random."""
    return Sets(_some(train, np.arange(TRAIN)), _some(train, np.arange(TRAIN, len(train))), test)


def _some(images: Images, places: Int[np.ndarray, " count"]) -> Images:
    return Images(images.images[places], images.labels[places], images.classes, images.source)
