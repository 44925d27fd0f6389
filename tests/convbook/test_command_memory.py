"""The command ``convbook memory``: what it prints, and how it tells a mistake."""

import json
import subprocess
import sys

import pytest
from torch import nn

from convbook.command import main
from convbook.memory import largest_batch, predict
from convbook.memory.report import amount
from convbook.models import from_spec, lenet5, resnet10, resnet18

SMALL = ["resnet10", "--classes", "10", "--stem", "small", "--input", "16x16x3"]


def small():
    return resnet10(10, stem="small")


@pytest.fixture
def printed(capsys):
    """What the command prints, where it succeeds."""

    def run_here(*arguments):
        assert main(["memory", *arguments]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        assert out.endswith("\n")
        assert not out.startswith("\n")
        return out

    return run_here


@pytest.fixture
def complaint(capsys):
    """What the command complains of, in one sentence."""

    def run_here(*arguments):
        try:
            status = main(["memory", *arguments])
        except SystemExit as end:  # as argparse ends
            status = end.code
        out, err = capsys.readouterr()
        assert (status, out) == (2, "")
        assert err.startswith("convbook memory: ")
        assert err.count("\n") == 1
        return err

    return run_here


def test_the_breakdown_is_that_of_the_prediction(printed):
    found = predict(small(), (16, 16, 3), 8, "adam")
    lines = printed(*SMALL, "--batch-size", "8", "--optimizer", "adam").splitlines()
    assert lines[0] == "resnet10, 8 images of 16×16×3, adam (foreach), float32"
    rows = {line[:28].strip(): line[28:].strip() for line in lines[2:]}
    assert rows == {name: value for name, value in found.rows() if value != "—"}
    assert rows["parameters"] == f"{found.parameters / 1e6:.1f} MB"
    assert rows["buffers"] == f"{found.buffers / 1e3:.1f} kB"
    assert rows["reserved"] == f"{found.reserved / 1e6:.1f} MB"


def test_every_option_reaches_the_prediction(printed):
    arguments = [
        "--batch-size", "8", "--optimizer", "adamw", "--implementation", "fused",
        "--precision", "bfloat16", "--channels-last", "--checkpoint", "--accumulate", "2",
        "--capability", "9.0",
    ]  # fmt: skip
    spec = "CONV3-4 POOL2 FLATTEN FC-3"
    record = json.loads(printed(*SMALL, *arguments, "--json"))
    found = predict(
        small(), (16, 16, 3), 8, "adamw", implementation="fused", precision="bfloat16",
        channels_last=True, checkpoint=True, accumulate=2, capability=(9, 0),
    )  # fmt: skip
    assert record["memory"]["peak"] == found.peak
    assert record["memory"]["at_peak"] == found.at_peak
    assert record["memory"]["workspace_estimate"] == found.workspace_estimate > 0
    assert record["batch_size"] == 8
    title = printed(*SMALL, *arguments).splitlines()[0]
    for word in ("adamw (fused)", "bfloat16", "channels last", "checkpoints", "2 micro-batches"):
        assert word in title
    assert "checkpoints" not in printed(spec, "--batch-size", "8").splitlines()[0]


@pytest.mark.parametrize(
    "arguments, model, shape",
    [
        (["lenet5"], lenet5, (32, 32, 1)),
        (["resnet18"], resnet18, (224, 224, 3)),
        (["convbook.models:SmallCNN", "--input", "28x28x1"], None, (28, 28, 1)),
        (["CONV3-4", "POOL2", "FLATTEN", "FC-3"], None, (28, 28, 1)),
    ],
)
def test_networks_are_named_as_for_the_table(printed, arguments, model, shape):
    record = json.loads(printed(*arguments, "--batch-size", "2", "--json"))
    assert record["input_shape"] == list(shape)
    if model is not None:
        assert record["memory"]["peak"] == predict(model(), shape, 2).peak
    elif len(arguments) == 4:
        model = from_spec(" ".join(arguments), shape)
        assert isinstance(model, nn.Module)
        assert record["memory"]["activations"] == predict(model, shape, 2).activations


@pytest.mark.parametrize(
    "size, in_bytes",
    [
        ("1GB", 10**9),
        ("1GiB", 2**30),
        ("900MB", 9 * 10**8),
        ("900MiB", 900 * 2**20),
        ("1 gb", 10**9),
    ],
)
def test_what_is_left_where_it_fits(printed, size, in_bytes):
    arguments = [*SMALL, "--batch-size", "8", "--gpu-memory", size]
    record = json.loads(printed(*arguments, "--json"))
    assert record["gpu_memory"] == in_bytes
    assert (record["fits"], record["largest_batch"]) == (True, None)
    verdict = printed(*arguments).splitlines()[-1]
    left = in_bytes - record["memory"]["reserved"]
    assert f"{amount(left)} are left for the CUDA context and cuDNN's scratch" in verdict


def test_the_largest_batch_where_it_does_not_fit(printed):
    spec, memory = "CONV3-40 RELU FLATTEN FC-3", 50_000_000
    best = largest_batch(from_spec(spec, (28, 28, 1)), (28, 28, 1), memory)
    text = printed(spec, "--batch-size", str(2 * best), "--gpu-memory", "50MB")
    assert "It does not fit into 50.0 MB: torch would reserve" in text
    assert f"The largest batch that fits into 50.0 MB is {best:,}." in text
    assert "only the device can tell" in text
    record = json.loads(printed(spec, "--largest", "--gpu-memory", "50MB", "--json"))
    assert record["largest_batch"] == record["batch_size"] == best
    assert record["memory"]["reserved"] <= memory


def test_no_batch_fits(printed):
    arguments = [*SMALL, "--largest", "--gpu-memory", "1MB"]
    assert printed(*arguments).startswith("Not even the smallest batch fits into 1.0 MB.")
    record = json.loads(printed(*arguments, "--json"))
    assert (record["largest_batch"], record["batch_size"], record.get("memory")) == (0, None, None)


@pytest.mark.parametrize(
    "arguments, named",
    [
        ([], ["network"]),
        (["resnet18"], ["--batch-size"]),
        (["resnet18", "--batch-size", "two"], ["--batch-size", "two"]),
        (["resnet18", "--batch-size", "0"], ["batch_size", "0"]),
        (["resnet18", "--batch-size", "4", "--accumulate", "3"], ["accumulate", "3", "4"]),
        (["resnet18", "--batch-size", "4", "--optimizer", "rmsprop"], ["rmsprop", "adam"]),
        (["resnet18", "--batch-size", "4", "--precision", "float16"], ["float16", "bfloat16"]),
        (["resnet18", "--batch-size", "4", "--gpu-memory", "16"], ["16", "16GB"]),
        (["resnet18", "--batch-size", "4", "--gpu-memory", "0GB"], ["0GB"]),
        (["resnet18", "--batch-size", "4", "--gpu-memory", "16TB"], ["16TB"]),
        (["resnet18", "--batch-size", "4", "--capability", "8"], ["8.0"]),
        (["resnet18", "--batch-size", "4", "--input", "32x32"], ["--input", "32x32"]),
        (["resnet18", "--batch-size", "4", "--input", "32x32x1"], ["(32, 32, 1)"]),
        (["resnet18", "--batch-size", "4", "--classes", "0"], ["num_classes", "0"]),
        (["resnet18", "--batch-size", "4", "--stem", "tiny"], ["tiny", "small"]),
        (["resnet18", "--largest"], ["--gpu-memory"]),
        (["resnet19", "--batch-size", "4"], ["resnet19", "resnet18"]),
        (["lenet5", "--batch-size", "4", "--stem", "small"], ["--stem", "lenet5"]),
        (["lenet5", "--batch-size", "4", "--checkpoint"], ["checkpoint", "block"]),
        (["CONV3-4 FLATTEN FC-2", "--batch-size", "4", "--classes", "3"], ["--classes"]),
        (["CNV3-4", "--batch-size", "4"], ["CNV3-4", "CONV3-10"]),
        (["POOL2", "--batch-size", "4"], ["nothing is trained"]),
        (["CONV3-4", "--batch-size", "4"], ["scores", "(4, 4, 28, 28)"]),
        (["no_such_module:net", "--batch-size", "4"], ["no_such_module"]),
    ],
)
def test_a_mistake_is_told_in_a_sentence(complaint, arguments, named):
    told = complaint(*arguments)
    assert all(name in told for name in named)


def test_as_a_program():
    command = [sys.executable, "-m", "convbook", "memory", *SMALL, "--batch-size", "4"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    assert (done.returncode, done.stderr) == (0, "")
    assert "activations" in done.stdout
