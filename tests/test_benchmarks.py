"""The benchmarks' results have the documented form. How fast anything is, no test asks."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

# One of the comparisons opens the built site in a browser.
pytestmark = [pytest.mark.browser, pytest.mark.site]

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


def test_every_operation_and_gradient_is_compared(run):
    operations = {comparison["case"].split(",")[0] for comparison in run[1]["comparisons"]}
    assert operations == {
        "conv2d",
        "conv2d_backward",
        "conv_transpose2d",
        "conv_transpose2d_backward",
        "max_pool2d",
        "max_pool2d_backward",
        "avg_pool2d",
        "avg_pool2d_backward",
        "convbook table",
        "live Python",
        "memory of ResNet-152",
        "training CNN",
        "training MLP",
        "training a chapter's mixture",
    }


def test_a_comparison_has_seconds_and_ratios_of_the_same_turns(run):
    comparisons = run[1]["comparisons"]
    operations, processes = comparisons[:-6], comparisons[-6:]
    assert [comparison["rounds"] for comparison in processes] == [1] * 6
    for comparison in operations:
        assert comparison["rounds"] == 3
        assert list(comparison["seconds"])[:2] == ["convbook", "torch"]
    assert list(operations[0]["ratios"]) == ["convbook / torch", "convbook / scipy.signal"]
    for comparison in comparisons:
        assert set(comparison) == {"case", "rounds", "seconds", "ratios"}
        assert len(comparison["ratios"]) == len(comparison["seconds"]) - 1
        assert all(seconds > 0 for seconds in comparison["seconds"].values())
        for ratio in comparison["ratios"].values():
            assert set(ratio) == {"median", "min", "max"}
            assert 0 < ratio["min"] <= ratio["median"] <= ratio["max"]


def test_training_is_compared_with_the_plain_loop_and_with_the_arithmetic(run):
    for comparison in run[1]["comparisons"][-3:]:
        ours, *_ = comparison["seconds"]
        others = ["fit, one process", "loop with DataLoader", "arithmetic, one core"]
        assert list(comparison["ratios"]) == [f"{ours} / {other}" for other in others]


def test_the_arithmetic_of_training_is_that_worked_out_on_paper():
    # Forward and, for the weights, backward; for its inputs, backward in all layers but the first.
    mlp = 2 * 784 * 50 + 3 * (50 * 10 + 10 * 3)
    cnn = 2 * 28**2 * 3 * 49 + 3 * (14**2 * 3 * 3 * 49 + 3 * 3)
    code = "from benchmarks.training import operations as o; print(o('MLP'), o('CNN'))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    seen = 2 * 10 * 30  # multiplications and additions, of ten networks, for thirty images
    assert done.stdout.split() == [str(seen * mlp), str(seen * cnn)]


@pytest.mark.parametrize("theirs, fails", [("(1, 2)", False), ("(1, 2.001)", True)])
def test_candidates_that_do_not_agree_are_not_compared(theirs, fails):
    code = (
        "from benchmarks.turns import take_turns; "
        f"take_turns('', {{'ours': lambda: (1, 2), 'theirs': lambda: {theirs}}}, 'ours', 1)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ("AssertionError" in done.stderr) == fails
    assert ("theirs" in done.stderr) == fails
    assert (done.returncode != 0) == fails


def test_the_table_names_what_the_file_names(run):
    printed, results = run
    for comparison in results["comparisons"]:
        for name in [comparison["case"], *comparison["seconds"], *comparison["ratios"]]:
            assert name in printed
