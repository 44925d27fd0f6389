"""Bands in one half of the image for training, in the other for testing: who still knows them?

Training bands lie in the first half: horizontal ones in the upper, vertical ones in the left. The
bands of validation and test lie in the second half. "Inside" is a new set of the first half.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from convbook.edges import SIDE
from convbook.experiments.sets import Sets, draw_sets
from convbook.models.small import Convolution, SmallCNN
from convbook.training import evaluate

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

FIRST, SECOND = (0.0, 0.5), (0.5, 1.0)  # which part of the image bands lie in
INSIDE = 3  # what a seed's draw is for: new images of the half that training has seen


def inside_of(seeds: Sequence[int], per_class: int = 50) -> Sets:
    """Each seed's new images of the first half: what a validation without a shift would show."""
    return draw_sets(seeds, INSIDE, per_class, places=FIRST)


def with_padding(networks: Sequence[nn.Module], mode: str) -> list[nn.Module]:
    """Copies of `SmallCNN` that pad another way, their weights as they were."""
    copies = deepcopy(list(networks))
    for copy in copies:
        for module in copy.modules():
            if isinstance(module, Convolution):
                module.border = mode
            elif isinstance(module, SmallCNN):
                module.padding_mode = mode
    return copies


@dataclass(frozen=True)
class Bands:
    """One image for each combination of class, place, width and intensity.

    Attributes
    ----------
    images, labels
        (1, n, 1, 28, 28) and (1, n), as one set that all networks share; 0 is horizontal.
    middle, width, intensity
        (n,): the row (column) of the band's middle, counted from 0, its width, its grey level. The
        background is at 0.1.
    """

    images: Float[np.ndarray, "1 n 1 side side"]
    labels: Int[np.ndarray, "1 n"]
    middle: Float[np.ndarray, " n"]
    width: Int[np.ndarray, " n"]
    intensity: Float[np.ndarray, " n"]


def every_band(
    widths: Sequence[int] = (1, 2, 3, 4), intensities: Sequence[float] = (0.3, 0.5, 0.7, 0.9)
) -> Bands:
    """Bands at all places: instead of drawing at random, every case once."""
    cases = np.array(
        [
            (label, start, width, intensity)
            for label in (0, 1)
            for width in widths
            for intensity in intensities
            for start in range(SIDE - width + 1)
        ]
    )
    labels, starts, all_widths = cases[:, :3].astype(int).T
    images = np.full((len(cases), SIDE, SIDE), 0.1, dtype=np.float32)
    for image, label, start, width, intensity in zip(
        images, labels, starts, all_widths, cases[:, 3], strict=True
    ):
        (image if label == 0 else image.T)[start : start + width] = intensity
    middle = starts + (all_widths - 1) / 2
    return Bands(images[None, :, None], labels[None], middle, all_widths, cases[:, 3])


def called(networks: Sequence[nn.Module], bands: Bands) -> dict[str, Float[np.ndarray, "seeds n"]]:
    """For each network and band, 1 under what it was called: "right", "swapped" or "none"."""
    said = evaluate(networks, bands.images, bands.labels).logits.argmax(-1)
    truth = bands.labels
    return {
        "right": (said == truth).astype(float),
        "swapped": (said == 1 - truth).astype(float),
        "none": (said == 2).astype(float),
    }


def votes(
    network: nn.Module,
    images: Float[np.ndarray, "n 1 h w"],
) -> Float[np.ndarray, "h w"]:
    """How much light on a pixel raises "horizontal" above "vertical".

    The gradient of the difference of the two scores by the pixels, its mean
    over the images (Simonyan et al. 2014, https://arxiv.org/abs/1312.6034, for
    one image).
    """
    x = torch.tensor(images, requires_grad=True)
    scores = network(x)  # n classes
    ahead = (scores[:, 0] - scores[:, 1]).sum()
    (gradient,) = torch.autograd.grad(ahead, x)
    return np.asarray(gradient.mean(0)[0].double().numpy())


def oriented(
    networks: Sequence[nn.Module], images: Float[np.ndarray, "sets n 1 h w"], labels: np.ndarray
) -> Float[np.ndarray, " seeds"]:
    """Leaving "none" aside: the share of bands whose own orientation scores above the other's."""
    logits = evaluate(networks, images, labels).logits
    right = np.where(labels == 0, 1, -1) * (logits[..., 0] - logits[..., 1]) > 0
    return np.array([one[own < 2].mean() for one, own in zip(right, labels, strict=True)])


def lit_by(
    images: Float[np.ndarray, "n h w"], labels: Int[np.ndarray, " n"], label: int
) -> Bool[np.ndarray, "h w"]:
    """Which pixels a band of this class lights in at least one of the images."""
    own = images[labels == label]
    return np.asarray((own > own.min((1, 2), keepdims=True) + 1e-6).any(0))
