"""What is read of a device beside the memory of a case: facts, context, largest batch, training."""

from __future__ import annotations

import math
import os
import platform
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import nn

from convbook import machine, models
from convbook.cifar import Images
from convbook.memory.cases import Case, build, predict_case
from convbook.memory.device import is_out_of_memory, materialise, synchronise
from convbook.memory.measuring import nvidia_smi, used_by_others
from convbook.memory.predicting import guess
from convbook.memory.records import Fields
from convbook.memory.step import first_line


@dataclass(frozen=True)
class Training:
    """One run of homework 7c: a residual network of ten classes on images of CIFAR-10."""

    batch_size: int
    rate: float
    seed: int
    network: str = "resnet18"
    width: int = 64
    stem: str = "imagenet"
    side: int = 224  # to which images are resized, on the device
    epochs: int = 10
    train: int = 4096  # images
    test: int = 2000


# The rates of the homework's notebook. Large batches first: they take the least time.
RATES = {1024: 0.0064, 256: 0.0064, 64: 0.0016, 16: 0.0004, 4: 0.0001}
TRAINING = tuple(Training(batch, rate, seed) for batch, rate in RATES.items() for seed in range(10))


def device_facts(device: str) -> Fields:
    """What a record says of its device; run in a process of its own, as it may start CUDA."""
    facts: Fields = {
        "name": machine.processor(), "total_bytes": _main_memory(), "capability": None,
        "driver": None, "cuda": None, "cudnn": None, "torch": str(torch.__version__),
        "python": platform.python_version(), "processor": machine.processor(),
        "threads": torch.get_num_threads(),
    }  # fmt: skip
    if device == "cuda":
        found = torch.cuda.get_device_properties(0)
        lines = nvidia_smi("driver_version")
        facts |= {
            "name": found.name, "total_bytes": found.total_memory,
            "capability": [found.major, found.minor], "driver": lines[0] if lines else None,
            "cuda": torch.version.cuda, "cudnn": str(torch.backends.cudnn.version()),
            "threads": None,
        }  # fmt: skip
    return facts


def _main_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def context(device: str) -> tuple[int, int]:
    """Bytes in use by this process: of the context alone, and with a network in memory."""
    others = used_by_others()
    torch.cuda.init()
    tiny = torch.empty(1, device=device)  # no kernel is loaded for it
    synchronise(device)

    def used() -> int:
        free, total = torch.cuda.mem_get_info()
        return total - free - others

    bare = used() - torch.cuda.memory_reserved()
    case = Case("resnet152")
    model = build(case)
    materialise(model, case.setting(), device)
    synchronise(device)
    del tiny
    return bare, used()


def guessed_batch(case: Case, total: int) -> int:
    """About how many images fit into so many bytes of a device, by prediction."""

    @cache
    def peak(batch: int) -> int:
        return predict_case(replace(case, batch_size=batch)).peak

    return guess(peak, int(0.97 * total))  # the context takes its share


def train(run: Training, device: str, threads: int) -> Fields:
    """Train once: the fields of `convbook.experiments.batches.Run`, and where the images are from.

    A processor computes with so many threads. If the memory does not suffice, ``out_of_memory``
    says so instead.
    """
    from convbook.experiments import batches

    torch.set_num_threads(threads)
    images, held_out = _images(run.train, run.test, run.seed)

    def network() -> nn.Module:
        made: nn.Module = getattr(models, run.network)(10, width=run.width, stem=run.stem)
        return made

    try:
        done = batches.train(
            run.batch_size, run.rate, run.seed, images, held_out,
            epochs=run.epochs, network=network, side=run.side, device=device,
        )  # fmt: skip
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return {"images": images.source, "out_of_memory": first_line(error)}
    numbers = {name: _plain(value) for name, value in vars(done).items()}
    return {"images": images.source, **numbers}


@cache
def _images(train: int, test: int, seed: int) -> tuple[Images, Images]:
    from convbook.training_images import training_images

    return training_images(train, test, np.random.default_rng(seed))


def _plain(value: Any) -> Any:
    plain = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    return None if isinstance(plain, float) and not math.isfinite(plain) else plain
