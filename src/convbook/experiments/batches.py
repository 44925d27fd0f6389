"""Training with batches of different sizes: what becomes of the accuracy, and of the time.

One network at a time, in a plain loop, on the CPU or on a GPU. The images lie on the device as
bytes. Each batch is gathered, resized and normalised there, so that the way the images take from
the disk does not decide which batch is fast, and the clock tells that work from the arithmetic of
the network.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from convbook._arguments import as_integer
from convbook.cifar import Images
from convbook.experiments.batch_images import Preparation, on_device
from convbook.experiments.batch_statistics import renew
from convbook.models import resnet10

if TYPE_CHECKING:
    from jaxtyping import Float, Int, UInt8
    from torch import Tensor

BATCHES = (4, 16, 64, 256, 1024)
SIDE = 12  # pixels, of the images that the small network sees: its last map is 2×2
MOMENTUM = 0.9
ORDER = 2  # of a seed's generators, the one that draws the order of the images


@dataclass(frozen=True)
class Run:
    """How one training went.

    Attributes
    ----------
    batch, rate, seed
        Images of a step, learning rate, and what the weights and the order came from.
    steps
        Updates of the weights in all epochs.
    training
        Share of the training images that were right when their turn came, before the step that
        used them, (epochs,).
    held_out
        Share of the held-out images that are right after each epoch, in evaluation mode, (epochs,);
        of length 1, the end, where only that was asked for.
    renewed
        The last of these with the statistics of batch norm estimated anew: see `renew`.
    lag
        How far the running means of batch norm were from those estimated anew, in standard
        deviations of what they normalise: the median over all channels of the network; NaN if it
        has no batch norm.
    data, arithmetic
        Seconds since the start, after each epoch, (epochs,): spent on gathering, resizing and
        normalising batches; and on forward pass, backward pass and step. Evaluation counts in
        neither. Their sum is the wall time.
    """

    batch: int
    rate: float
    seed: int
    steps: int
    training: Float[np.ndarray, " epochs"]
    held_out: Float[np.ndarray, " looks"]
    renewed: float
    lag: float
    data: Float[np.ndarray, " epochs"]
    arithmetic: Float[np.ndarray, " epochs"]


def small_network() -> nn.Module:
    """ResNet-10 with 8 channels in its first stage, for ten classes: small enough for a CPU."""
    return resnet10(10, width=8, stem="small")


def train(
    batch: int,
    rate: float,
    seed: int,
    images: Images,
    held_out: Images,
    *,
    epochs: int = 10,
    network: Callable[[], nn.Module] = small_network,
    side: int = SIDE,
    device: torch.device | str | None = None,
    every_epoch: bool = False,
) -> Run:
    """Train a new network with SGD with momentum 0.9, and take the time.

    Each epoch uses every image once, in an order of its own. If ``batch`` does not divide their
    number, the last step of an epoch has fewer. A first step of a copy of the network, which is
    thrown away, lets the libraries prepare themselves before the clock runs.

    Parameters
    ----------
    batch
        How many images a step uses.
    rate
        The learning rate.
    seed
        The initial weights depend on it, and the order of the images.
    images, held_out
        To train on; and to measure the accuracy with.
    network
        Gives the untrained network, of ten classes or as many as there are labels.
    side
        Height and width, in pixels, to which images are resized.
    device
        A GPU where there is one, unless given.
    every_epoch
        Whether the accuracy on ``held_out`` is measured after each epoch, or at the end alone.

    Raises
    ------
    ValueError
        If ``batch``, ``epochs`` or ``side`` is not a whole number above 0, ``batch`` is more than
        there are images, or ``rate`` is not above 0.
    """
    batch, epochs, side = (
        as_integer(name, value, least=1)
        for name, value in (("batch", batch), ("epochs", epochs), ("side", side))
    )
    if batch > len(images):
        raise ValueError(f"batch is {batch:,}; there are {len(images):,} images to train on")
    if not rate > 0:
        raise ValueError(f"rate is {rate}; a learning rate must be above 0")
    device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    layout = torch.channels_last if device.type == "cpu" else torch.contiguous_format
    model = _untrained(network, seed).to(device)
    model.to(memory_format=layout)  # type: ignore[call-overload]  # torch's types lack it
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=MOMENTUM, fused=True)
    x, labels = on_device(images, device)
    seen, answers = on_device(held_out, device)
    prepare = Preparation(x, side, layout)
    rng = np.random.default_rng([seed, ORDER])
    _warm_up(model, prepare(x[:batch]), labels[:batch])

    clock = Clock(device)
    training, evaluated, spent = [], [], []
    steps = 0
    for epoch in range(epochs):
        order = torch.from_numpy(rng.permutation(len(labels))).to(device)
        parts = order.split(batch)
        correct = one_epoch(model, optimizer, x, labels, parts, prepare, clock)
        steps += len(parts)
        spent.append((clock.spent["data"], clock.spent["arithmetic"]))
        training.append(correct.item() / len(labels))
        if every_epoch or epoch == epochs - 1:
            evaluated.append(accuracy(model, seen, answers, prepare))
    lag = renew(model, prepare.batches(x))
    data, arithmetic = np.array(spent).T
    return Run(
        batch=batch,
        rate=rate,
        seed=seed,
        steps=steps,
        training=np.array(training),
        held_out=np.array(evaluated),
        renewed=accuracy(model, seen, answers, prepare),
        lag=lag,
        data=data,
        arithmetic=arithmetic,
    )


def one_epoch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    x: UInt8[Tensor, "n h w 3"],
    labels: Int[Tensor, " n"],
    parts: Sequence[Int[Tensor, " batch"]],
    prepare: Preparation,
    clock: Clock,
) -> Int[Tensor, ""]:
    """A step for each part of the images; how many were right in their turn."""
    correct = torch.zeros((), dtype=torch.int64, device=x.device)
    model.train()
    clock.start()
    for chosen in parts:
        inputs, targets = prepare(x[chosen]), labels[chosen]
        clock.lap("data")
        optimizer.zero_grad()
        scores = model(inputs)  # batch classes
        F.cross_entropy(scores, targets).backward()
        optimizer.step()
        correct += (scores.argmax(1) == targets).sum()
        clock.lap("arithmetic")
    return correct


class Clock:
    """Seconds of wall time by what they were spent on; a GPU has ended its work at each reading."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.spent: dict[str, float] = {"data": 0.0, "arithmetic": 0.0}
        self.last = 0.0

    def start(self) -> None:
        """What comes from here on counts."""
        self.last = self._now()

    def lap(self, name: str) -> None:
        """Add the time since the last call to that of a name."""
        now = self._now()
        self.spent[name] += now - self.last
        self.last = now

    def _now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)  # a GPU's work is only queued when a call returns
        return time.perf_counter()


def accuracy(
    model: nn.Module,
    images: UInt8[Tensor, "n h w 3"],
    labels: Int[Tensor, " n"],
    prepare: Preparation,
) -> float:
    """The share of images that a network in evaluation mode gets right."""
    model.eval()
    with torch.no_grad():
        found = [model(x).argmax(1) for x in prepare.batches(images)]
    return (torch.cat(found) == labels).double().mean().item()


def _untrained(network: Callable[[], nn.Module], seed: int) -> nn.Module:
    """A network with the initial weights of its own design; torch's generator stays as it is."""
    with torch.random.fork_rng(devices=[]):  # it is built on the CPU, on whose generator it draws
        torch.manual_seed(seed)
        return network()


def _warm_up(
    model: nn.Module, inputs: Float[Tensor, "batch 3 h w"], labels: Int[Tensor, " batch"]
) -> None:
    """A forward and a backward pass of a copy."""
    F.cross_entropy(copy.deepcopy(model)(inputs), labels).backward()
