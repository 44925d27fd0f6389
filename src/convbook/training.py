"""Train many networks of one architecture at once, each on its own batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

if TYPE_CHECKING:
    from jaxtyping import Float

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
