"""Train many networks of one architecture at once, each on its own batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from convbook._arguments import as_integer
from convbook.scoring import (
    Scores,
    as_sets,
    confusion,
    device,
    evaluate,
    losses_of,
    scores_of,
    stacked_state,
)
from convbook.stacked import stack

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from numpy.typing import ArrayLike

__all__ = ["History", "Scores", "confusion", "device", "evaluate", "fit", "train"]

Loss = Callable[[Tensor, Tensor], Tensor]

SHUFFLING = 7  # keeps the order of images apart from whatever else a seed draws


def train(
    networks: Sequence[nn.Module],
    batches: Iterable[tuple[Tensor, Tensor]],
    loss: Loss,
    *,
    learning_rate: float,
    steps: int,
) -> Float[Tensor, "steps seeds"]:
    """Train networks side by side with Adam, and leave the weights in them.

    Each network goes its own way, as though it were trained alone: no step of Adam mixes weights,
    so the sum of all losses has each network's own gradients. Convolutions run as one grouped
    convolution (`torch.func.vmap`), which saves most of the overhead of small networks.

    The learning rate rises to its peak in the first third of the steps and falls to almost 0 in
    the rest (torch's OneCycleLR, after Smith and Topin 2019, https://arxiv.org/abs/1708.07120).

    Parameters
    ----------
    networks
        Modules of one architecture, without buffers that change (no batch normalisation).
    batches
        Pairs of inputs and targets, whose first axis runs over the networks.
    loss
        Of one network's outputs and targets; a mean, so that it does not depend on batch sizes.
    learning_rate
        The highest that is reached.
    steps
        How many batches to take.

    Returns
    -------
    losses
        Of each step, before it is made.

    Raises
    ------
    ValueError
        If there are no networks, or fewer batches than steps.
    """
    if not networks:
        raise ValueError("networks is empty; it must hold at least one module")
    skeleton = networks[0]
    weights, buffers = stack_module_state(list(networks))

    def loss_of_one(
        parameters: dict[str, Tensor], state: dict[str, Tensor], x: Tensor, target: Tensor
    ) -> Tensor:
        return loss(functional_call(skeleton, (parameters, state), (x,)), target)

    losses_of_all = vmap(loss_of_one)
    optimizer = torch.optim.Adam(weights.values(), learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total_steps=steps)
    history = []
    for _, (x, target) in zip(range(steps), batches, strict=False):
        losses = losses_of_all(weights, buffers, x, target)  # one for each network
        optimizer.zero_grad()
        torch.autograd.backward(losses.sum())
        optimizer.step()
        schedule.step()
        history.append(losses.detach())
    if len(history) < steps:
        raise ValueError(f"batches holds {len(history)}, and steps is {steps}; it needs as many")
    _put_back(networks, weights)
    return torch.stack(history)


@dataclass(frozen=True)
class History:
    """How training went, at some of its epochs.

    Attributes
    ----------
    epochs
        (times,): how many epochs were done.
    loss, accuracy
        For each set of images by name, (times, networks): the mean cross-entropy of an image in
        nats, and the share of images whose highest score is the right one's.
    """

    epochs: Int[np.ndarray, " times"]
    loss: dict[str, Float[np.ndarray, "times networks"]]
    accuracy: dict[str, Float[np.ndarray, "times networks"]]


def fit(
    networks: Sequence[nn.Module],
    images: Float[ArrayLike, "sets images *shape"],
    labels: Int[ArrayLike, "sets images"],
    *,
    epochs: int,
    seeds: Sequence[int],
    batch_size: int = 10,
    learning_rate: float | Sequence[float] = 0.01,
    momentum: float = 0.9,
    optimizer: str = "sgd",
    watch: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
    every: int | None = None,
    frozen: Sequence[str] = (),
    weight_decay: float = 0.0,
) -> History:
    """Train classifiers side by side, each as though it were alone, and leave the weights in them.

    Parameters
    ----------
    networks
        Modules of one architecture.
    images, labels
        Each network's own training set; a first axis of length 1 stands for one that all share.
    epochs
        How often every image is seen.
    seeds
        One for each network: the order of its images.
    batch_size
        Of a step, in images. The last batch of an epoch may be smaller.
    learning_rate
        One for all, or one for each network.
    momentum
        Of SGD. Adam has torch's defaults.
    optimizer
        "sgd" or "adam".
    watch
        Further sets by name, laid out as the training set, to evaluate.
    every
        Epochs from one evaluation to the next; only at the end unless given. The last epoch is
        always one.
    frozen
        Parameters whose names begin with one of these stay as they are.
    weight_decay
        The factor of each weight that joins its gradient (torch's; biases and all).

    Raises
    ------
    ValueError
        If there are no networks, if numbers of networks, seeds, rates and sets do not agree, if
        epochs, a batch or the time between evaluations is no whole number from 1 on, if the
        optimizer or a frozen parameter is unknown, or if nothing is to train.
    """
    count = len(networks)
    epochs = as_integer("epochs", epochs, least=1)
    batch_size = as_integer("batch_size", batch_size, least=1)
    every = epochs if every is None else as_integer("every", every, least=1)
    if not count or len(seeds) != count:
        raise ValueError(f"seeds holds {len(seeds)}; it needs one for each of {count} networks")
    if optimizer not in ("sgd", "adam"):
        raise ValueError(f"optimizer is {optimizer!r}; it can be 'sgd' or 'adam'")
    if np.shape(learning_rate) not in ((), (count,)):
        raise ValueError(
            f"learning_rate has {np.size(learning_rate)} values; it needs 1 or {count}"
        )
    rates = np.full(count, learning_rate, dtype=float)
    if optimizer == "adam" and np.ptp(rates) > 0:
        raise ValueError("learning_rate differs between networks; with Adam it must be one for all")
    names = [name for name, _ in networks[0].named_parameters()]
    for start in frozen:
        if not any(name.startswith(start) for name in names):
            raise ValueError(f"frozen holds {start!r}; the parameters are {', '.join(names)}")
    how, weights = stack(networks[0]), stacked_state(networks)
    moving = [
        weights[name].requires_grad_()
        for name, parameter in networks[0].named_parameters()
        if parameter.requires_grad and not name.startswith((*frozen,))
    ]
    if not moving:
        raise ValueError(f"frozen is {list(frozen)!r}; nothing is left to train")
    sets = {"train": (images, labels), **(watch or {})}
    data = {name: as_sets(name, *pair, how, weights) for name, pair in sets.items()}
    # SGD at a rate of 1 makes the same steps if each loss is scaled by its network's rate.
    sgd = optimizer == "sgd"
    scale = torch.as_tensor(
        rates if sgd else np.ones(count), dtype=moving[0].dtype, device=moving[0].device
    )
    step = _sgd(moving, momentum) if sgd else _adam(moving, float(rates[0]))
    generators = [np.random.default_rng([int(seed), SHUFFLING]) for seed in seeds]
    done: list[int] = []
    record: dict[str, list[Scores]] = {name: [] for name in sets}
    for epoch in range(1, epochs + 1):
        for x, target in _batches(*data["train"], generators, batch_size):
            losses = losses_of(how.scores(weights, x), target).mean(1)  # S
            if weight_decay:
                losses = losses + weight_decay / 2 * sum(
                    w.square().flatten(1).sum(1) for w in moving
                )
            step(torch.autograd.grad((losses * scale).sum(), moving, materialize_grads=True))
        if epoch == epochs or epoch % every == 0:
            done.append(epoch)
            for name, pair in data.items():
                record[name].append(scores_of(how, weights, *pair))
    _put_back(networks, weights)
    return History(
        np.array(done),
        {name: np.stack([each.loss for each in scores]) for name, scores in record.items()},
        {name: np.stack([each.accuracy for each in scores]) for name, scores in record.items()},
    )


def _sgd(moving: Sequence[Tensor], momentum: float) -> Callable[[Sequence[Tensor]], None]:
    """The steps of `torch.optim.SGD` at a rate of 1, at a tenth of the cost beside them."""
    velocities = [torch.zeros_like(weight) for weight in moving]

    @torch.no_grad()
    def step(gradients: Sequence[Tensor]) -> None:
        for weight, gradient, velocity in zip(moving, gradients, velocities, strict=True):
            torch.add(gradient, velocity, alpha=momentum, out=velocity)
            weight.sub_(velocity)

    return step


def _adam(moving: Sequence[Tensor], rate: float) -> Callable[[Sequence[Tensor]], None]:
    optimizer = torch.optim.Adam(moving, rate, fused=True)

    def step(gradients: Sequence[Tensor]) -> None:
        for weight, gradient in zip(moving, gradients, strict=True):
            weight.grad = gradient.contiguous()  # the fused step reads memory in order
        optimizer.step()

    return step


def _put_back(networks: Sequence[nn.Module], weights: Mapping[str, Tensor]) -> None:
    with torch.no_grad():
        for n, network in enumerate(networks):
            for name, parameter in network.named_parameters():
                parameter.copy_(weights[name][n])


def _batches(
    x: Float[Tensor, "sets images *shape"],
    y: Int[Tensor, "sets images"],
    generators: Sequence[np.random.Generator],
    size: int,
) -> Iterator[tuple[Tensor, Tensor]]:
    """One epoch: each network meets its images in an order of its own."""
    sets, images = y.shape
    orders = np.stack([generator.permutation(images) for generator in generators])  # S images
    if sets > 1:
        orders += np.arange(sets)[:, None] * images  # as rows of all sets, one below the other
    take = torch.as_tensor(orders, device=x.device)
    x, y = x.flatten(0, 1), y.flatten()
    for batch in take.split(size, dim=1):
        chosen = batch.flatten()
        yield (
            x.index_select(0, chosen).unflatten(0, batch.shape),
            y.index_select(0, chosen).unflatten(0, batch.shape),
        )
