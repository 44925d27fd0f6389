"""What machine this is: what a reading must state."""

from __future__ import annotations

import platform
import subprocess
from datetime import UTC, datetime
from functools import cache
from pathlib import Path


def processor() -> str:
    """The processor's name as its maker writes it, where the system tells."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


@cache
def commit() -> str:
    """The commit of this package's checkout, with ``-dirty`` if files differ; or "unknown"."""
    git = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--abbrev=40",
           "--exclude=*", "--dirty"]  # fmt: skip
    try:
        run = subprocess.run(git, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return run.stdout.strip() or "unknown"


def device() -> str:
    """The name of the GPU that torch would use, or else of the processor."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else processor()


def facts() -> dict[str, str]:
    """What a measured answer states: device, day (UTC), version of torch, and commit."""
    import torch

    return {
        "device": device(),
        "measured_on": datetime.now(UTC).date().isoformat(),
        "torch": torch.__version__,
        "commit": commit(),
    }
