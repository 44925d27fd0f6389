"""The predicted memory of a training step of ResNet-152, beside torch's own MemTracker."""

from __future__ import annotations

import torch

from benchmarks.turns import Comparison, take_turns
from convbook.memory import predict
from convbook.memory.others import STEPS, mem_tracker_estimate
from convbook.models import resnet152

SETTING = ((224, 224, 3), 8, "adam")


def compare(rounds: int) -> list[Comparison]:
    """Follow the same two steps; a turn takes seconds, whatever the size of the images."""
    with torch.device("meta"):
        model = resnet152()

    def ours() -> None:
        predict(model, *SETTING, steps=STEPS)

    def theirs() -> None:
        mem_tracker_estimate(model, *SETTING)

    candidates = {"convbook": ours, "torch MemTracker": theirs}
    return [take_turns("memory of ResNet-152, 8 images", candidates, "convbook", rounds)]
