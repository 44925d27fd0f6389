"""The measured training step: in a fresh process, on the CPU."""

import pytest
import torch
from torch import nn

from convbook.memory import largest_measured_batch, measure, predict
from convbook.memory.device import observe
from convbook.memory.report import report
from convbook.memory.setting import Setting
from convbook.memory.step import without_weights
from convbook.models import resnet10


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class Thirsty(nn.Module):
    """Takes few images, and finds no memory for more."""

    def __init__(self, most=2):
        super().__init__()
        self.layer = nn.Linear(12, 2)
        self.most = most

    def forward(self, x):
        hidden = self.layer(x.flatten(1))
        if len(x) > self.most and x.device.type == "cpu":
            raise torch.OutOfMemoryError("no memory is left\nat all")
        return hidden


class Breaks(nn.Module):
    """Could be trained, if only the device would."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(12, 2)

    def forward(self, x):
        if x.device.type == "cpu":
            raise RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED")
        return self.layer(x.flatten(1))


def test_a_fresh_process_measures_what_this_one_does(capfd):
    model = resnet10(10, width=4)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    given = ((32, 32, 3), 4, "adam")
    found = measure(model, *given, device="cpu", timed=True)
    assert capfd.readouterr() == ("", "")
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())

    setting = Setting(*given)
    here = observe(without_weights(model, setting), setting, "cpu")
    here = report(here.log.follow(), source="measured", device=found.device, cached=False)
    assert found == here
    assert (found.timeline.requested == here.timeline.requested).all()
    assert found.source == "measured"
    assert found.device
    assert found.reserved is found.context is found.workspace is found.out_of_memory is None
    assert found.seconds > 0
    assert found.peak == found.requested_peak
    predicted = predict(model, *given)
    assert predicted.requested_peak <= found.peak <= 1.2 * predicted.requested_peak


def test_memory_that_does_not_suffice_is_a_result():
    found = measure(Thirsty(), (2, 2, 3), 3, "adam", device="cpu", timed=True)
    assert found.out_of_memory == "no memory is left"
    assert found.parameters == (12 * 2 + 2) * 4
    assert found.inputs == 3 * 12 * 4 + 3 * 8
    assert found.gradients == found.optimizer_state == 0
    assert found.seconds is None
    assert found.peak >= found.parameters + found.inputs


@pytest.fixture
def without_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.mark.usefixtures("without_gpu")
@pytest.mark.parametrize("device, named", [("cuda", "no CUDA device"), ("tpu", "'tpu'")])
def test_a_device_that_is_not_there_is_refused(device, named):
    with pytest.raises(ValueError, match=named):
        measure(Thirsty(), (2, 2, 3), 1, device=device)


@pytest.mark.parametrize(
    "change, named",
    [({"batch_size": 0}, "batch_size"), ({"precision": "int8"}, "int8"), ({"model": 3}, "model")],
)
def test_a_mistake_is_told_before_a_process_is_started(change, named):
    right = {"model": Thirsty(), "input_shape": (2, 2, 3), "batch_size": 1, "device": "cpu"}
    with pytest.raises(ValueError, match=named):
        measure(**{**right, **change})


def test_images_that_the_model_does_not_take_are_told():
    with pytest.raises(ValueError, match="cannot be trained on images"):
        measure(Thirsty(), (3, 3, 3), 1, device="cpu")


def test_what_fails_on_the_device_alone_is_no_mistake_of_the_user():
    with pytest.raises(RuntimeError, match="CUDNN_STATUS_EXECUTION_FAILED"):
        measure(Breaks(), (2, 2, 3), 1, device="cpu")


@pytest.mark.usefixtures("without_gpu")
def test_the_largest_batch_is_not_tried_on_the_cpu():
    with pytest.raises(ValueError, match="'cpu'"):
        largest_measured_batch(Thirsty(), (2, 2, 3))
