"""Training many small networks, against a plain loop over them with torch's DataLoader.

The loop is what one writes first: one network after the other, each with a loader of its own, one
thread. Beside it stands the arithmetic: matrix products that take as many operations as the
networks' layers and gradients do, none of them wasted. Nothing that computes these can be faster.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from joblib import cpu_count
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.turns import Comparison, take_turns
from convbook.edges import draw_edges
from convbook.models import MLP, SmallCNN, untrained
from convbook.parallel import run
from convbook.training import fit

NETWORKS = 10  # that train together, in one job
PER_CLASS, BATCH = 10, 10  # images
JOBS: Mapping[str, tuple[type[nn.Module], Mapping[str, Any]]] = {
    "CNN": (SmallCNN, {}),
    "CNN, kernel 3": (SmallCNN, {"kernel_size": 3}),
    "CNN, kernel 15": (SmallCNN, {"kernel_size": 15, "padding_mode": "zeros"}),
    "CNN, deeper": (SmallCNN, {"depth": 4}),
    "CNN, wider": (SmallCNN, {"width": 6}),
    "CNN, flatten": (SmallCNN, {"head": "flatten"}),
    "CNN, small images": (SmallCNN, {"kernel_size": 5, "depth": 1, "width": 8, "side": 20}),
    "MLP": (MLP, {}),
}
CASES = {"CNN": ["CNN"], "MLP": ["MLP"], "a chapter's mixture": [*JOBS, "MLP", "MLP", "CNN", "CNN"]}


def compare(rounds: int, epochs: int) -> list[Comparison]:
    """Train ten networks for each core, or a mixture of jobs of ten networks each."""
    torch.set_num_threads(1)
    return [_compare(name, jobs, rounds, epochs) for name, jobs in CASES.items()]


def _compare(name: str, jobs: Sequence[str], rounds: int, epochs: int) -> Comparison:
    cores = cpu_count()
    repeated = list(jobs) * (cores if len(jobs) == 1 else 1)
    settings = [{"job": job, "epochs": epochs} for job in repeated]

    def each(train: Callable[..., None]) -> None:
        for setting in settings:
            train(**setting)

    products = round(sum(operations(job) for job in repeated) * epochs / (2 * 512**3))
    square = torch.ones(512, 512)

    def arithmetic() -> None:
        for _ in range(max(1, products)):
            torch.mm(square, square)

    candidates = {
        f"run, {cores} processes": lambda: _forget(run(together, settings, workers=cores)),
        "fit, one process": lambda: each(together),
        "loop with DataLoader": lambda: each(one_by_one),
        "arithmetic, one core": arithmetic,
    }
    images = 3 * PER_CLASS * epochs * NETWORKS * len(repeated)
    case = f"training {name}, {NETWORKS * len(repeated)} networks, {images} images seen in batches"
    ours = next(iter(candidates))
    return take_turns(f"{case} of {BATCH}, float32", candidates, ours, rounds)


def together(job: str, epochs: int) -> None:
    """All networks of a job at once."""
    networks, images, labels = _drawn(job)
    fit(networks, images, labels, epochs=epochs, seeds=range(NETWORKS), batch_size=BATCH)


def one_by_one(job: str, epochs: int) -> None:
    """The plain loop."""
    for network, x, y in zip(*_drawn(job), strict=True):
        data = TensorDataset(torch.from_numpy(x), torch.from_numpy(y))
        loader = DataLoader(data, batch_size=BATCH, shuffle=True)
        rule = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
        for _ in range(epochs):
            for batch, target in loader:
                rule.zero_grad()
                F.cross_entropy(network(batch), target).backward()
                rule.step()


def operations(job: str) -> int:
    """Multiplications and additions of an epoch of a job: layers, and gradients of weights."""
    networks, images, labels = _drawn(job)
    with FlopCounterMode(display=False) as counter:
        x, y = torch.from_numpy(images[0]), torch.from_numpy(labels[0])
        F.cross_entropy(networks[0](x), y).backward()
    return counter.get_total_flops() * len(networks)


def _drawn(job: str) -> tuple[list[nn.Module], np.ndarray, np.ndarray]:
    network, choices = JOBS[job]
    return untrained(lambda: network(**choices), range(NETWORKS)), *_sets(choices.get("side", 28))


@cache
def _sets(side: int) -> tuple[np.ndarray, np.ndarray]:
    sets = [draw_edges(np.random.default_rng(s), PER_CLASS, side=side) for s in range(NETWORKS)]
    images, labels = zip(*(edges.tensors for edges in sets), strict=True)
    return np.stack(images), np.stack(labels)


def _forget(_results: list[None]) -> None:
    """Candidates that train return nothing to compare; that they agree, the tests ask."""
