"""What other tools predict, on networks small enough to count by hand."""

import sys

import nbformat
import pytest
import torch
import torchinfo
from nbclient import NotebookClient
from torch import nn

from convbook.memory import predict
from convbook.memory.others import (
    accelerate_estimate,
    compare,
    mem_tracker_estimate,
    torchinfo_estimate,
)
from convbook.models import resnet10

FLOAT = 4  # bytes


def small():
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 2)
    )


WEIGHTS = (4 * 27 + 4) + (4 + 4) + (64 * 2 + 2)


def test_torchinfo_counts_twice_what_layers_with_weights_return():
    image = 2 * 3 * 4 * 4
    outputs = 2 * 4 * 4 * 4 + 2 * 4 * 4 * 4 + 2 * 2
    # It asks Python for the size of the batch, which counts the object around it, too.
    around = sys.getsizeof(torch.empty(0).untyped_storage())
    expected = (image + 2 * outputs + WEIGHTS) * FLOAT + around
    assert torchinfo_estimate(small(), (4, 4, 3), 2) == expected
    # What its summary shows, in MB.
    text = str(torchinfo.summary(small(), input_size=(2, 3, 4, 4), verbose=0))
    assert f"Estimated Total Size (MB): {expected / 1e6:.2f}" in text


def test_accelerate_counts_the_model_four_times():
    buffers = 2 * 4 * FLOAT + 8  # the counter of batches is an int64
    assert accelerate_estimate(small()) == 4 * (WEIGHTS * FLOAT + buffers)


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_mem_tracker_counts_every_tensor(optimizer):
    model = nn.Sequential(nn.Flatten(), nn.Linear(1000, 2))
    # At the step: weights, gradients, two states, a copy; the batch; the loss.
    expected = 5 * (2 * 1000 + 2) * FLOAT + 1000 * FLOAT + 8 + FLOAT
    assert mem_tracker_estimate(model, (10, 10, 10), 1, optimizer) == expected
    # Here the loop holds the two scores, too.
    assert predict(model, (10, 10, 10), 1, optimizer).requested_peak == expected + 2 * FLOAT


@pytest.mark.parametrize("batch", [2, 64])
def test_mem_tracker_and_we_agree(batch):
    given = (resnet10(10, width=8), (32, 32, 3), batch, "adam")
    theirs, ours = mem_tracker_estimate(*given), predict(*given).requested_peak
    assert theirs == pytest.approx(ours, rel=0.002)


def test_all_beside_each_other_without_a_word(capfd):
    model = resnet10(10, width=8)
    state = {name: value.clone() for name, value in model.state_dict().items()}
    given = ((32, 32, 3), 4)
    assert compare(model, *given, "adam") == {
        "convbook": predict(model, *given, "adam").requested_peak,
        "MemTracker": mem_tracker_estimate(model, *given, "adam"),
        "torchinfo": torchinfo_estimate(model, *given),
        "accelerate": accelerate_estimate(model),
    }
    assert capfd.readouterr() == ("", "")
    assert all(torch.equal(state[name], value) for name, value in model.state_dict().items())
    assert model.training


@pytest.mark.parametrize("estimate", [torchinfo_estimate, mem_tracker_estimate, compare])
@pytest.mark.parametrize(
    "shape, batch, named", [((3, 4, 4), 2, "images"), ((4, 4, 3), 0, "batch_size")]
)
def test_a_mistake_is_told(estimate, shape, batch, named):
    with pytest.raises(ValueError, match=named) as told:
        estimate(small(), shape, batch)
    assert "\n" not in str(told.value)


def test_what_is_no_model_is_refused():
    with pytest.raises(ValueError, match="model is 'resnet18'"):
        accelerate_estimate("resnet18")


def test_a_notebook_without_widgets_sees_no_word_on_standard_error():
    code = (
        "from convbook.memory.others import compare\n"
        "from convbook.models import resnet10\n"
        "print(len(compare(resnet10(10, width=4), (16, 16, 3), 2)))"
    )
    cell = nbformat.v4.new_code_cell(code)
    NotebookClient(nbformat.v4.new_notebook(cells=[cell]), kernel_name="python3").execute()
    assert [(output.name, output.text) for output in cell.outputs] == [("stdout", "4\n")]
