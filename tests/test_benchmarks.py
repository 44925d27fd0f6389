"""The benchmarks' results have the documented form. How fast anything is, no test asks."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A small run: what it printed, and what it wrote."""
    file = tmp_path_factory.mktemp("bench") / "folder" / "bench.json"
    command = [sys.executable, "-m", "benchmarks", "--rounds", "3", "--side", "9"]
    done = subprocess.run(
        [*command, "--output", file], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout, json.loads(file.read_text(encoding="utf-8"))


def test_the_results_say_on_what_they_were_taken(run):
    about = run[1]["about"]
    assert set(about) == {"date", "processor", "threads", "python", "numpy", "scipy", "torch"}
    assert about["threads"] == 1


def test_a_comparison_has_seconds_and_ratios_of_the_same_turns(run):
    convolution, command = run[1]["comparisons"]
    assert (convolution["rounds"], command["rounds"]) == (3, 1)
    assert list(convolution["seconds"]) == ["convbook", "torch", "scipy.signal"]
    assert list(convolution["ratios"]) == ["convbook / torch", "convbook / scipy.signal"]
    for comparison in (convolution, command):
        assert set(comparison) == {"case", "rounds", "seconds", "ratios"}
        assert len(comparison["ratios"]) == len(comparison["seconds"]) - 1
        assert all(seconds > 0 for seconds in comparison["seconds"].values())
        for ratio in comparison["ratios"].values():
            assert set(ratio) == {"median", "min", "max"}
            assert 0 < ratio["min"] <= ratio["median"] <= ratio["max"]


def test_the_table_names_what_the_file_names(run):
    printed, results = run
    for comparison in results["comparisons"]:
        for name in [comparison["case"], *comparison["seconds"], *comparison["ratios"]]:
            assert name in printed
