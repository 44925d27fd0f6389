"""The running statistics of batch norm, estimated anew once the weights have stopped moving."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


def renew(
    model: nn.Module,
    batches: Iterable[Float[Tensor, "n 3 h w"]],
) -> float:
    """Estimate the running statistics of batch norm anew.

    Each becomes the plain mean over the batches, instead of a mean that
    forgets and that started from 0 and 1. The weights do not change.

    Returns
    -------
    lag
        As in `Run`.
    """
    norms = [each for each in model.modules() if isinstance(each, _BatchNorm)]
    momenta = [each.momentum for each in norms]
    before = [_statistics(each)[0].clone() for each in norms]
    for each in norms:
        each.reset_running_stats()
        each.momentum = None  # to torch: the mean of all batches
    model.train()
    with torch.no_grad():
        for x in batches:
            model(x)
    shifts = []
    for each, momentum, old in zip(norms, momenta, before, strict=True):
        each.momentum = momentum
        mean, variance = _statistics(each)
        shifts.append((old - mean).abs() / (variance + each.eps).sqrt())
    return torch.cat(shifts).median().item() if shifts else math.nan


def _statistics(
    norm: _BatchNorm,
) -> tuple[Float[Tensor, " channels"], Float[Tensor, " channels"]]:
    """The running mean and variance, of a layer that has them.

    Raises
    ------
    ValueError
        If it has none.
    """
    if norm.running_mean is None or norm.running_var is None:
        raise ValueError("a batch norm of the network tracks no running statistics")
    return norm.running_mean, norm.running_var
