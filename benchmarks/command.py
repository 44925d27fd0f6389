"""The command ``convbook table``, as a whole process, against Python that does nothing."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.turns import Comparison, take_turns

LAYERS = "CONV3-10 POOL2 CONV3-10 POOL2 FLATTEN FC-3"


def compare(rounds: int) -> list[Comparison]:
    """Start the processes; each turn takes seconds, nearly all of them torch's."""

    def python(*arguments: str) -> None:
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)

    candidates = {
        "convbook table, layers": lambda: python("-m", "convbook", "table", LAYERS),
        "convbook table resnet50": lambda: python("-m", "convbook", "table", "resnet50"),
        "python, nothing": lambda: python("-c", ""),
        "python, import torch": lambda: python("-c", "import torch"),
    }
    return [take_turns("convbook table, a process", candidates, "convbook table, layers", rounds)]
