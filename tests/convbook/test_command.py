"""The command: its forms, its mistakes, its manners."""

import csv
import importlib.metadata
import io
import json
import os
import subprocess
import sys

import pytest

from convbook import models
from convbook.command import MODELS, main
from convbook.shapes import layer_table

HOMEWORK = "CONV3-10 POOL2 CONV3-10 POOL2 FLATTEN FC-3"
PROGRAM = [sys.executable, "-m", "convbook"]


def run(*arguments, **options):
    return subprocess.run(
        [*PROGRAM, *arguments], capture_output=True, text=True, encoding="utf-8", **options
    )


@pytest.fixture
def printed(capsys):
    """What the command prints, where it succeeds."""

    def run_here(*arguments):
        assert main(["table", *arguments]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        assert out.endswith("\n")
        assert not out.endswith("\n\n")
        return out[:-1]

    return run_here


@pytest.fixture
def complaint(capsys):
    """What the command complains of, in one sentence."""

    def run_here(*arguments):
        try:
            status = main([*arguments])
        except SystemExit as end:  # as argparse ends
            status = end.code
        out, err = capsys.readouterr()
        assert (status, out) == (2, "")
        assert err.startswith("convbook")
        assert err.count("\n") == 1
        assert err.endswith("\n")
        assert "Traceback" not in err
        return err

    return run_here


@pytest.mark.parametrize("words", [[HOMEWORK], HOMEWORK.split()])
def test_the_table_of_a_spec(printed, words):
    assert printed(*words) == str(layer_table(HOMEWORK, (28, 28, 1)))


def test_the_forms_hold_the_same(printed):
    table = layer_table(HOMEWORK, (28, 28, 1))
    assert printed(HOMEWORK, "--markdown") == table.to_markdown()
    lines = list(csv.DictReader(io.StringIO(printed(HOMEWORK, "--csv"))))
    assert [int(line["parameters"]) for line in lines] == [row.parameters for row in table]
    record = json.loads(printed(HOMEWORK, "--json"))
    assert [layer["name"] for layer in record["layers"]] == [row.name for row in table]
    assert record["parameters"] == 2483


@pytest.mark.parametrize("size", ["9x7x2", "9X7X2", "9×7×2", "9,7,2"])
def test_an_image_of_another_size(printed, size):
    record = json.loads(printed("RELU", "--json", "--input", size))
    assert record["layers"][0]["output_shape"] == [9, 7, 2]


def test_a_network_of_the_book(printed):
    record = json.loads(printed("resnet18", "--json"))
    assert record["parameters"] == 11_689_512  # as torchvision's
    assert record["layers"][0]["output_shape"] == [224, 224, 3]
    record = json.loads(printed("lenet5", "--json"))
    assert record["layers"][0]["output_shape"] == [32, 32, 1]


def test_all_networks_of_the_book_that_have_a_name_of_their_own_are_known():
    to_be_set_up = {"from_spec", "SmallCNN", "MLP", "untrained"}  # the experiments' own parts
    assert set(MODELS) == set(models.__all__) - to_be_set_up


def test_a_network_of_the_experiments_is_found_by_its_module(printed):
    record = json.loads(printed("convbook.models:SmallCNN", "--input", "28x28x1", "--json"))
    assert record["parameters"] == 606


MY_NET = """
import torch
net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3))
number = 3
def stubborn(): raise KeyError("no\\nway")
def leaving(): raise SystemExit(5)
def wrong(): return 3
def needy(x): return net
"""
LOUD_NET = """
print("loud")
from my_net import net
class Namespace:
    @staticmethod
    def make():
        print("louder")
        return net
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with networks of one's own."""
    files = {"my_net": MY_NET, "loud_net": LOUD_NET, "my_typo": "def (:"}
    for name, code in files.items():
        (tmp_path / f"{name}.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    for name in files:
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", ["loud_net:net", "loud_net:Namespace.make"])
@pytest.mark.usefixtures("folder")
def test_a_network_of_one_s_own(capsys, name):
    assert main(["table", name, "--json", "--input", "8x8x3"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["parameters"] == 3 * 3 * 3 * 4 + 4
    assert "loud" in err  # and not in the table


@pytest.mark.parametrize(
    "arguments, named",
    [
        (["CNV3-10"], ["CNV3-10", "CONV3-10"]),
        (["CONV3-10 POOLL2"], ["POOLL2", "POOL2"]),
        (["CONV3-10,q7"], ["q7"]),
        (["POOL29"], ["POOL29", "28"]),
        (["FC-3"], ["FC-3", "28×28×1"]),
        (["resnet19"], ["resnet19", "resnet18"]),
        (["RELU", "--input", "28x28"], ["--input", "28x28"]),
        (["RELU", "--input", "28x28xq"], ["28x28xq"]),
        (["RELU", "--input", "0x28x1"], ["0"]),
        (["RELU", "--input", "-1x28x1"], ["--input"]),
        (["RELU", "--csv", "--json"], ["--csv", "--json"]),
        (["RELU", "--yaml"], ["--yaml"]),
        ([], ["network"]),
        (["lenet5", "--input", "8x8x1"], ["'c3'", "2×2×6"]),
        (["no_such_module:net"], ["no_such_module"]),
        (["my_typo:net"], ["my_typo"]),
        (["my_net:nothing"], ["nothing"]),
        (["my_net:"], ["my_net:"]),
        ([":net"], [":net"]),
        (["my_net:number"], ["my_net:number"]),
        (["my_net:stubborn"], ["my_net:stubborn", "KeyError"]),
        (["my_net:leaving"], ["my_net:leaving"]),
        (["my_net:wrong"], ["my_net:wrong", "int"]),
        (["my_net:needy"], ["my_net:needy"]),
        (["my_net:net", "--input", "8x8x1"], ["8×8×1"]),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_mistake_is_told_in_a_sentence(complaint, arguments, named):
    told = complaint("table", *arguments)
    assert all(name in told for name in named)


@pytest.mark.parametrize("arguments", [[], ["tables", "RELU"], ["--loud"]])
def test_a_mistake_before_the_table_is_told_in_a_sentence(complaint, arguments):
    complaint(*arguments)


def test_as_a_program():
    done = run("table", HOMEWORK, "--csv")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == layer_table(HOMEWORK, (28, 28, 1)).to_csv()
    done = run("table", "CNV3-10")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    done = run("--help")
    assert done.returncode == 0
    assert "table" in done.stdout


def test_the_script_runs_the_same_function():
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="convbook")
    assert script.value == "convbook.command:run"


def test_a_terminal_without_unicode_does_not_stop_it():
    done = run("table", "RELU", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "28×28×1" in done.stdout


def test_a_reader_who_has_seen_enough_leaves_it_quiet():
    """As `convbook table … | head -1` does; the table is longer than a pipe holds."""
    spec = "CONV3-10 " * 2000
    command = subprocess.Popen(
        [*PROGRAM, "table", spec], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert b"layer" in command.stdout.readline()
    command.stdout.close()
    assert command.stderr.read() == b""
    command.stderr.close()
    assert command.wait() == 0


def test_a_spec_needs_neither_torch_nor_numpy():
    code = (
        "import sys; from convbook.command import main; main(['table', 'CONV3-10 GAP FC-3']); "
        "print(sorted({'torch', 'numpy', 'matplotlib', 'IPython'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
