"""Run every comparison, print it, and keep the results in a file."""

from __future__ import annotations

import argparse
import json
import os
import platform
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

RESULTS = Path("_build/bench.json")


def main() -> None:
    """Read the command line, compare, report."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=50, help="turns of each implementation")
    parser.add_argument("--side", type=int, default=128, help="side of an image in pixels")
    parser.add_argument("--output", type=Path, default=RESULTS, help="the file of the results")
    options = parser.parse_args()

    # One thread each. The libraries read this once, when they are loaded: hence the late imports.
    for library in ("OMP", "MKL", "OPENBLAS", "VECLIB_MAXIMUM"):
        os.environ[f"{library}_NUM_THREADS"] = "1"
    from benchmarks import command, convolution, live, memory, pooling, training
    from convbook.machine import processor

    comparisons = [
        *convolution.compare(options.rounds, options.side),
        *pooling.compare(options.rounds, options.side),
        *command.compare(max(1, options.rounds // 10)),  # a turn is seconds long
        *live.compare(max(1, options.rounds // 10)),
        *memory.compare(max(1, options.rounds // 10)),
        *training.compare(max(1, options.rounds // 10), epochs=max(1, options.rounds // 5)),
    ]
    print(*comparisons, sep="\n\n")
    about = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": processor(),
        "threads": 1,
        "python": platform.python_version(),
        **{package: version(package) for package in ("numpy", "scipy", "torch")},
    }
    results = {"about": about, "comparisons": [asdict(comparison) for comparison in comparisons]}
    options.output.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(results, ensure_ascii=False, indent=1)
    options.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
