"""Train many networks of one architecture at once, each on its own batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from numpy.typing import ArrayLike

Loss = Callable[[Tensor, Tensor], Tensor]


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
    with torch.no_grad():
        for n, network in enumerate(networks):
            for name, parameter in network.named_parameters():
                parameter.copy_(weights[name][n])
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


@dataclass(frozen=True)
class Scores:
    """What networks make of a set of images: loss and accuracy as in `History`, and the scores."""

    loss: Float[np.ndarray, " networks"]
    accuracy: Float[np.ndarray, " networks"]
    logits: Float[np.ndarray, "networks images classes"]


def device() -> torch.device:
    """Where networks train: the GPU if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


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
        The factor of each weight that joins its gradient.

    Raises
    ------
    ValueError
        If there are no networks, if numbers of networks, seeds, rates and sets do not agree, or if
        the optimizer is unknown.
    """
    if not networks or len(seeds) != len(networks):
        raise ValueError(
            f"seeds holds {len(seeds)}; it needs one for each of {len(networks)} networks"
        )
    if optimizer not in ("sgd", "adam"):
        raise ValueError(f"optimizer is {optimizer!r}; it can be 'sgd' or 'adam'")
    count, where = len(networks), device()
    skeleton = networks[0]
    weights, _ = stack_module_state(list(networks))
    weights = {name: weight.detach().to(where) for name, weight in weights.items()}
    moving = {
        n: w.requires_grad_() for n, w in weights.items() if not n.startswith(tuple(frozen) or "\0")
    }
    sets = {"train": (images, labels), **(watch or {})}
    data = {name: _as_sets(name, *pair, count, where) for name, pair in sets.items()}
    x, y = data["train"]
    rates = torch.as_tensor(
        np.broadcast_to(learning_rate, (count,)).copy(), dtype=x.dtype, device=where
    )

    def loss_of_one(parameters: dict[str, Tensor], x: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(functional_call(skeleton, parameters, (x,)), target)

    losses_of_all = vmap(loss_of_one)
    # With a constant rate, a loss times the rate at a rate of 1 makes the same step of SGD.
    one_rate = float(rates[0]) if bool((rates == rates[0]).all()) else None
    if optimizer == "adam" and one_rate is None:
        raise ValueError("learning_rate differs from network to network; with Adam it must not")
    if optimizer == "sgd":
        scale = rates
        step_rule: torch.optim.Optimizer = torch.optim.SGD(moving.values(), 1.0, momentum=momentum)
        if weight_decay:
            raise ValueError("weight_decay works with Adam only here")
    else:
        scale = torch.ones_like(rates)
        step_rule = torch.optim.Adam(moving.values(), one_rate or 0.0, weight_decay=weight_decay)
    generators = [np.random.default_rng([int(seed), 7]) for seed in seeds]
    rows = torch.arange(count, device=where)[:, None]
    own = torch.arange(len(x), device=where)[:, None] if len(x) > 1 else torch.zeros_like(rows)
    done: list[int] = []
    record: dict[str, list[Scores]] = {name: [] for name in sets}
    for epoch in range(1, epochs + 1):
        orders = np.stack([generator.permutation(x.shape[1]) for generator in generators])
        for start in range(0, x.shape[1], batch_size):
            take = torch.as_tensor(orders[:, start : start + batch_size], device=where)
            losses = losses_of_all(weights, x[own, take], y[own, take])
            step_rule.zero_grad()
            torch.autograd.backward((losses * scale).sum())
            step_rule.step()
        if epoch == epochs or (every and epoch % every == 0):
            done.append(epoch)
            for name, pair in data.items():
                record[name].append(_evaluate(skeleton, weights, *pair))
    with torch.no_grad():
        for n, network in enumerate(networks):
            for name, parameter in network.named_parameters():
                parameter.copy_(weights[name][n])
    return History(
        np.array(done),
        {name: np.stack([s.loss for s in scores]) for name, scores in record.items()},
        {name: np.stack([s.accuracy for s in scores]) for name, scores in record.items()},
    )


def evaluate(
    networks: Sequence[nn.Module],
    images: Float[ArrayLike, "sets images *shape"],
    labels: Int[ArrayLike, "sets images"],
) -> Scores:
    """Loss, accuracy and scores of each network on its own set, or on one that all share."""
    where = device()
    weights, _ = stack_module_state(list(networks))
    weights = {name: weight.detach().to(where) for name, weight in weights.items()}
    return _evaluate(
        networks[0], weights, *_as_sets("images", images, labels, len(networks), where)
    )


def confusion(
    logits: Float[np.ndarray, "networks images classes"], labels: Int[ArrayLike, "sets images"]
) -> Float[np.ndarray, "networks classes classes"]:
    """For each network and true class (row), the share of images it takes for each class."""
    count, _, classes = logits.shape
    said = np.eye(classes)[logits.argmax(-1)]  # networks images classes
    true = np.eye(classes)[np.broadcast_to(np.asarray(labels), said.shape[:2])]
    together = np.einsum("sit,sip->stp", true, said)
    return together / np.maximum(true.sum(axis=1)[..., None], 1)


def _as_sets(
    name: str, images: ArrayLike, labels: ArrayLike, count: int, where: torch.device
) -> tuple[Tensor, Tensor]:
    x = torch.as_tensor(np.asarray(images), dtype=torch.float32, device=where)
    y = torch.as_tensor(np.asarray(labels), dtype=torch.int64, device=where)
    if x.shape[:2] != y.shape or len(x) not in (1, count):
        raise ValueError(
            f"{name}: images are {tuple(x.shape)} and labels {tuple(y.shape)}; the first two axes must "
            f"agree, and the first be 1 or {count}, the number of networks"
        )
    return x, y


def _evaluate(
    skeleton: nn.Module, weights: dict[str, Tensor], x: Tensor, y: Tensor, chunk: int = 200
) -> Scores:
    count = len(next(iter(weights.values())))
    of_all = vmap(
        lambda p, x: functional_call(skeleton, p, (x,)),
        in_dims=(0, 0 if len(x) > 1 or count == 1 else None),
    )
    with torch.no_grad():
        batches = x.split(chunk, dim=1)
        logits = torch.cat(
            [of_all(weights, b if len(x) > 1 or count == 1 else b[0]) for b in batches], 1
        )
        target = y.expand(count, -1)
        loss = F.cross_entropy(logits.flatten(0, 1), target.flatten(), reduction="none")
        right = (logits.argmax(-1) == target).double().mean(1)
    return Scores(
        loss.view(count, -1).double().mean(1).cpu().numpy(),
        right.cpu().numpy(),
        logits.cpu().numpy(),
    )
