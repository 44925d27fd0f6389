"""The predicted memory of a training step, against counts of other makes."""

import copy
import dataclasses
import itertools

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.profiler import ProfilerActivity, profile

from convbook.memory import largest_batch, predict
from convbook.memory.device import observe
from convbook.memory.predicting import largest
from convbook.memory.report import amount, report
from convbook.memory.setting import Setting
from convbook.memory.step import checkpointed, without_weights
from convbook.models import resnet10, resnet18, resnet50

FLOAT = 4  # bytes


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setenv("KINETO_LOG_LEVEL", "99")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def measured(model, *arguments, **options):
    """The report of the CPU, whose allocations the profiler has written down, in this process."""
    setting = Setting(*arguments, **options)
    seen = observe(without_weights(model, setting), setting, "cpu")
    assert seen.out_of_memory is None
    return report(seen.log.follow(), source="measured", cached=False)


class Residual(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner
        self.norm = nn.BatchNorm2d(3)

    def forward(self, x):
        return F.relu(self.norm(self.inner(x)) + x)


def mlp(*widths, norm=False, inplace=False):
    layers = [nn.Flatten()]
    for n, (fan_in, fan_out) in enumerate(itertools.pairwise(widths)):
        if n:
            layers.append(nn.ReLU(inplace))
        layers.append(nn.Linear(fan_in, fan_out))
        if norm and n < len(widths) - 2:
            layers.append(nn.BatchNorm1d(fan_out))
    return nn.Sequential(*layers)


# By counting.


@pytest.mark.parametrize(
    "optimizer, copies", [("sgd", 0), ("momentum", 1), ("adam", 2), ("adamw", 2)]
)
@pytest.mark.parametrize("implementation", ["foreach", "fused", "for-loop"])
def test_what_the_weights_bring_along_is_counted(optimizer, copies, implementation):
    model = nn.Sequential(nn.Conv2d(2, 5, 3), nn.BatchNorm2d(5), nn.Flatten(), nn.Linear(20, 3))
    weights = 5 * 2 * 9 + 5 + 5 + 5 + 20 * 3 + 3
    found = predict(model, (4, 4, 2), 7, optimizer, implementation=implementation)
    assert found.parameters == found.gradients == weights * FLOAT
    assert found.buffers == (5 + 5) * FLOAT + 8  # the mean, the variance, a counter
    assert found.inputs == 7 * 2 * 4 * 4 * FLOAT + 7 * 8
    # The fused kernels keep their counter of steps, a float a tensor, on the device.
    counters = 6 * FLOAT if implementation == "fused" and copies == 2 else 0
    assert found.optimizer_state == copies * weights * FLOAT + counters


def test_a_frozen_parameter_has_no_gradient_and_no_state():
    model = mlp(12, 5, 3)
    model[1].weight.requires_grad_(False)
    found = predict(model, (2, 2, 3), 4, "adam")
    assert found.parameters == (12 * 5 + 5 + 5 * 3 + 3) * FLOAT
    assert found.gradients == (5 + 5 * 3 + 3) * FLOAT
    assert found.optimizer_state == 2 * found.gradients
    assert found.activations == saved(model, (2, 2, 3), 4)


def test_a_shared_parameter_counts_once():
    model = mlp(6, 6, 6, 6)
    model[3].weight = model[1].weight
    found = predict(model, (1, 2, 3), 4, "momentum")
    assert found.parameters == (2 * 36 + 3 * 6) * FLOAT
    assert found.gradients == found.optimizer_state == found.parameters
    assert measured(model, (1, 2, 3), 4, "momentum").requested_peak == found.requested_peak


def test_an_optimizer_of_one_s_own():
    def optimizer(parameters):
        return torch.optim.Adam(parameters, amsgrad=True, foreach=True)

    model = mlp(12, 5, 3)
    found = predict(model, (2, 2, 3), 4, optimizer)
    assert found.optimizer_state == 3 * found.parameters


def test_momentum_needs_its_full_memory_from_the_second_step_on():
    model = mlp(12, 50, 50, 3)
    one, two, three, four = (predict(model, (2, 2, 3), 1, "momentum", n) for n in (1, 2, 3, 4))
    assert one.requested_peak < two.requested_peak == three.requested_peak
    assert dataclasses.asdict(three) | {"timeline": None} == dataclasses.asdict(four) | {
        "timeline": None
    }
    assert set(three.timeline.step) == {-1, 0, 1, 2}


# Saved for the backward pass, by autograd's own account.


def saved(model, shape, batch, parts=1, *, checkpoint=False, autocast=False):
    """Bytes of the storages that autograd has saved when the backward pass begins.

    Parameters, buffers and inputs are not among them. The scores and the loss are, which nothing
    has saved: the loop holds them.
    """
    model = copy.deepcopy(model)
    entered = []
    if checkpoint:
        # Of what a block saves only marks are kept; its input is, beside autograd.
        model = checkpointed(model)
        for block in model.modules():
            if "forward" in vars(block):
                block.register_forward_pre_hook(lambda _block, inputs: entered.extend(inputs))
    x = torch.rand(batch // parts, shape[2], *shape[:2])
    y = torch.zeros(batch // parts, dtype=torch.int64)
    known = {t.untyped_storage()._cdata for t in (*model.parameters(), *model.buffers(), x, y)}
    storages = {}

    def keep(tensor):
        storages[tensor.untyped_storage()._cdata] = tensor.untyped_storage()
        return tensor

    with (
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
        torch.autocast("cpu", torch.bfloat16, enabled=autocast),
    ):
        scores = model(x)
        loss = F.cross_entropy(scores, y)
        if parts > 1:
            loss = loss / parts
    for tensor in (scores, loss, *entered):
        keep(tensor)
    return sum(s.nbytes() for key, s in storages.items() if key not in known)


@st.composite
def networks(draw):
    """Small networks for images of 6×6×3, as texts of their layers would have them."""
    layers = []
    for _ in range(draw(st.integers(1, 5))):
        layers.append(
            draw(
                st.sampled_from([
                    lambda: nn.Conv2d(3, 3, 3, padding=1),
                    lambda: nn.Conv2d(3, 3, 1, bias=False),
                    lambda: nn.BatchNorm2d(3),
                    lambda: nn.ReLU(),
                    lambda: nn.ReLU(inplace=True),
                    lambda: nn.MaxPool2d(3, 1, 1),
                    lambda: nn.AvgPool2d(3, 1, 1),
                    lambda: Residual(nn.Conv2d(3, 3, 3, padding=1)),
                    lambda: Residual(nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU(inplace=True))),
                    lambda: nn.Sigmoid(),
                ])
            )()
        )  # fmt: skip
    # An input of one's own is not changed in place.
    first = [nn.Conv2d(3, 3, 3, padding=1)]
    last = draw(st.sampled_from([
        lambda: [nn.Flatten(), nn.Linear(108, 4)],
        lambda: [nn.MaxPool2d(2), nn.Flatten(), nn.Linear(27, 5), nn.ReLU(), nn.Linear(5, 2)],
        lambda: [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2)],
    ]))()  # fmt: skip
    return nn.Sequential(*first, *layers, *last)


@given(networks(), st.integers(1, 3), st.sampled_from([1, 2]))
@settings(deadline=None, max_examples=40)
def test_activations_are_what_autograd_has_saved(model, batch, parts):
    assume(trains(model))
    found = predict(model, (6, 6, 3), batch * 2 * parts, accumulate=parts)
    assert found.activations == saved(model, (6, 6, 3), batch * 2 * parts, parts)


def trains(model):
    """Whether no layer changes in place what another has saved."""
    try:
        copy.deepcopy(model)(torch.rand(2, 3, 6, 6)).sum().backward()
    except RuntimeError as error:
        if "inplace operation" in str(error):
            return False
        raise
    return True


@pytest.mark.parametrize("make", [resnet18, resnet50])
def test_activations_of_residual_networks_are_what_autograd_has_saved(make):
    model = make(10, width=8)
    assert predict(model, (32, 32, 3), 2).activations == saved(model, (32, 32, 3), 2)


# The CPU, and its profiler.


@given(networks(), st.integers(1, 3), st.booleans())
@settings(deadline=None, max_examples=25)
def test_the_cpu_allocates_what_is_predicted(model, batch, last):
    assume(trains(model))
    given_ = (model, (6, 6, 3), 2 * batch, "momentum")
    found, seen = predict(*given_, channels_last=last), measured(*given_, channels_last=last)
    assert_alike(found, seen)


def assert_alike(found, seen, *, scratch=0.1):
    for kind in ("parameters", "buffers", "gradients", "inputs", "activations"):
        assert (kind, getattr(found, kind)) == (kind, getattr(seen, kind))
    # The convolutions of the CPU's library need scratch, which is not predicted.
    assert found.requested_peak <= seen.requested_peak
    assert seen.requested_peak <= found.requested_peak * (1 + scratch) + 40_000


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam", "adamw"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"implementation": "for-loop"},
        {"channels_last": True},
        {"checkpoint": True},
        {"accumulate": 2},
        {"precision": "bfloat16"},
        {"precision": "bfloat16", "checkpoint": True},
    ],
    ids=lambda options: " ".join(options),
)
def test_the_cpu_trains_a_residual_network_as_predicted(optimizer, options):
    given_ = (resnet18(10, width=16), (32, 32, 3), 8, optimizer)
    found, seen = predict(*given_, **options), measured(*given_, **options)
    if "accumulate" in options:  # by whose number the loss is divided: on the CPU, wherever it is
        seen = dataclasses.replace(seen, activations=seen.activations - 8)
    assert_alike(found, seen, scratch=0.1)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam", "adamw"])
@pytest.mark.parametrize("implementation", ["foreach", "fused", "for-loop"])
@pytest.mark.parametrize("norm, batch", [(True, 3), (False, 3), (True, 300)])
def test_without_convolutions_the_cpu_requests_just_what_is_predicted(
    optimizer, implementation, norm, batch
):
    model = mlp(12, 40, 30, 5, norm=norm, inplace=norm)
    given_ = (model, (2, 2, 3), batch, optimizer)
    found = predict(*given_, implementation=implementation)
    seen = measured(*given_, implementation=implementation)
    counters = scratch = 0
    if optimizer.startswith("adam") and implementation != "fused":
        # These lie on the CPU wherever the rest is, and three numbers made of them.
        counters, scratch = len(list(model.parameters())) * FLOAT, 3 * FLOAT
    if batch == 300:  # then the peak is in a batch normalisation's backward pass
        scratch = 2 * 30 * FLOAT  # the CPU's has two sums for each channel
    assert seen.optimizer_state == found.optimizer_state + counters
    assert found.activations == seen.activations
    assert seen.requested_peak == found.requested_peak + counters + scratch
    assert seen.peak_phase == found.peak_phase


# What the prediction does not do, and what it says.


def test_the_model_stays_as_it_is():
    model = resnet10(10, width=8)
    model(torch.rand(2, 3, 32, 32)).sum().backward()
    model.eval()
    model.layer1.train()
    state = copy.deepcopy(model.state_dict())
    gradients = [p.grad.clone() for p in model.parameters()]
    modes = [module.training for module in model.modules()]
    random = torch.get_rng_state()
    found = predict(model, (32, 32, 3), 2, "adam", checkpoint=True, channels_last=True)
    assert all(torch.equal(state[name], value) for name, value in model.state_dict().items())
    assert all(map(torch.equal, gradients, (p.grad for p in model.parameters())))
    assert modes == [module.training for module in model.modules()]
    assert all("forward" not in vars(module) for module in model.modules())
    assert torch.equal(random, torch.get_rng_state())
    # A gradient that the model has already is none of the step's.
    model.zero_grad()
    again = predict(model, (32, 32, 3), 2, "adam", checkpoint=True, channels_last=True)
    assert again == found


def test_nothing_of_the_model_s_size_is_allocated():
    model = resnet50(width=16)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as run:
        found = predict(model, (224, 224, 3), 64, "adam")
    waiting = list(run.profiler.kineto_results.experimental_event_tree())
    sizes = [0]
    while waiting:
        event = waiting.pop()
        waiting.extend(event.children)
        if event.name == "[memory]":
            sizes.append(event.typed[1].alloc_size)
    assert sum(size for size in sizes if size > 0) < 50_000 < found.parameters / 50


def test_a_model_without_weights_is_predicted_alike():
    with torch.device("meta"):
        empty = resnet10(10, width=8)
    given_ = ((32, 32, 3), 2, "adam")
    assert predict(empty, *given_) == predict(resnet10(10, width=8), *given_)


def test_the_peak_moves_from_the_optimizer_to_the_backward_pass():
    model = resnet10(10, width=16)
    small, large = (predict(model, (32, 32, 3), n, "adam") for n in (2, 256))
    assert small.peak_phase == "step"
    assert large.peak_phase == "backward"
    assert small.requested_peak > 5 * small.parameters  # weights, gradients, two moments, a copy
    fused = predict(model, (32, 32, 3), 2, "adam", implementation="fused")
    assert fused.requested_peak < small.requested_peak


@given(st.integers(2, 40), st.integers(2, 40), st.sampled_from(["sgd", "adam"]))
@settings(deadline=None, max_examples=5)
def test_more_images_need_no_less_memory(one, other, optimizer):
    model = resnet10(10, width=2)
    less, more = (predict(model, (16, 16, 3), n, optimizer) for n in sorted((one, other)))
    for name in ("activations", "inputs", "requested_peak", "peak"):
        assert getattr(less, name) <= getattr(more, name)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_report_adds_up(precision):
    found = predict(resnet10(10, width=8), (32, 32, 3), 4, "adam", precision=precision)
    assert sum(found.at_peak.values()) == found.requested_peak
    assert found.at_peak["parameters"] == found.parameters
    assert found.requested_peak <= found.peak <= found.reserved
    assert found.peak - found.requested_peak < 512 * 2000 + 2**20 * 50
    assert found.reserved % 2**21 == 0
    timeline = found.timeline
    assert timeline.requested.max() == found.requested_peak
    assert timeline.allocated.max() == found.peak
    assert timeline.reserved.max() == found.reserved
    assert all((held >= 0).all() for held in timeline.kinds.values())
    assert (timeline.requested <= timeline.allocated).all()
    assert found.workspace is found.context is found.device is found.seconds is None


@pytest.mark.parametrize(
    "capability, workspace", [((8, 0), 8_519_680), ((9, 0), 2**25), ((12, 0), 2**25)]
)
def test_a_capability_adds_the_workspace_of_cublas(capability, workspace):
    without = predict(resnet10(10, width=8), (32, 32, 3), 4)
    found = predict(resnet10(10, width=8), (32, 32, 3), 4, capability=capability)
    # One for the thread of the forward pass, one for that of the backward pass.
    assert found.workspace_estimate == found.at_peak["workspace"] == 2 * workspace
    assert found.peak == without.peak + 2 * workspace
    assert found.requested_peak == without.requested_peak + 2 * workspace
    assert without.workspace_estimate is None
    assert found.workspace is None


def test_a_capacity_that_does_not_suffice_is_told():
    given_ = (resnet10(10, width=8), (32, 32, 3), 64)
    free = predict(*given_)
    assert free.out_of_memory is None
    assert predict(*given_, capacity=free.reserved) == free
    short = predict(*given_, capacity=free.peak - 1)
    assert f"{free.peak - 1:,}" in short.out_of_memory
    assert short.reserved < free.peak
    none = predict(*given_, capacity=1)
    assert none.out_of_memory
    assert (none.peak, none.reserved, none.requested_peak) == (0, 0, 0)


@pytest.mark.parametrize(
    "size, told",
    [
        (None, "—"),
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (240_812_384, "240.8 MB"),
        (999_950_000, "1.00 GB"),
        (14_213_000_000, "14.21 GB"),
        (2_000_000_000_000, "2,000.00 GB"),
    ],
)
def test_an_amount_is_told_in_the_unit_that_suits_it(size, told):
    assert amount(size) == told


def test_a_report_of_a_small_network_shows_no_empty_number():
    table = predict(mlp(12, 5, 2), (2, 2, 3), 4, "adam").table()
    sizes = dict(zip(*table.columns.values(), strict=True))
    assert sizes["parameters"] == f"{(12 * 5 + 5 + 5 * 2 + 2) * FLOAT} B"
    assert sizes["buffers"] == "0 B"
    assert sizes["reserved"] == "2.1 MB"
    assert sizes["CUDA context"] == "—"


@pytest.mark.parametrize("options", [{}, {"optimizer": "adam", "implementation": "fused"}])
def test_the_largest_batch_is_that_of_trying_all(options):
    model, shape, memory = mlp(12, 40_000, 2), (2, 2, 3), 30 * 2**20
    fits = [
        predict(model, shape, n, capacity=memory, **options).out_of_memory is None
        for n in range(1, 80)
    ]
    best = fits.index(False)
    assert 0 < best < 79
    assert largest_batch(model, shape, memory, **options) == best
    assert largest_batch(model, shape, 2**20, **options) == 0


@given(st.integers(0, 300), st.integers(1, 200), st.integers(1, 400), st.integers(1, 50))
def test_the_search_finds_the_last_that_fits(last, limit, near, step):
    tried = []

    def fits(n):
        tried.append(n)
        return n <= last

    assert largest(fits, limit, near, step) == min(last, limit)
    assert len(set(tried)) == len(tried)
    assert all(1 <= n <= limit for n in tried)


def test_the_largest_batch_with_accumulation_is_a_multiple_of_its_parts():
    model, shape, memory = mlp(12, 40_000, 2), (2, 2, 3), 30 * 2**20
    best = largest_batch(model, shape, memory, accumulate=3)
    assert best % 3 == 0
    for batch, fits in ((best, True), (best + 3, False)):
        found = predict(model, shape, batch, capacity=memory, accumulate=3)
        assert (found.out_of_memory is None) == fits
    assert best > 2 * largest_batch(model, shape, memory)


def test_the_largest_batch_of_a_model_that_cannot_take_a_single_image():
    model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 9), nn.BatchNorm1d(9))
    assert largest_batch(model, (4, 4, 3), 2**20) == 0
    assert largest_batch(model, (4, 4, 3), 2**22) > 100


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(12, 2)

    def forward(self, x):
        return [self.layer(x.flatten(1))] * 2


@pytest.mark.parametrize(
    "change, named",
    [
        (
            {"input_shape": (3, 224, 224)},
            ["input_shape", "(height, width, channels)", "(n, 224, 3, 224)"],
        ),
        ({"input_shape": (2, 2)}, ["input_shape", "(2, 2)"]),
        ({"input_shape": (2, 2, 0)}, ["input_shape", "0"]),
        ({"batch_size": 0}, ["batch_size", "0"]),
        ({"batch_size": 2.5}, ["batch_size", "2.5"]),
        ({"steps": 0}, ["steps"]),
        ({"optimizer": "rmsprop"}, ["rmsprop", "adam"]),
        ({"optimizer": lambda _: 3}, ["optimizer", "int"]),
        ({"implementation": "quick"}, ["quick", "fused"]),
        ({"precision": "float16"}, ["float16", "bfloat16"]),
        ({"channels_last": 1}, ["channels_last"]),
        ({"accumulate": 3}, ["accumulate", "3", "4"]),
        ({"checkpoint": True}, ["checkpoint", "block"]),
        ({"capability": 8.0}, ["capability", "8.0", "(8, 0)"]),
        ({"capability": (8, "x")}, ["capability", "x"]),
        ({"capacity": "16GB"}, ["capacity", "16GB"]),
        ({"model": "resnet18"}, ["model", "resnet18", "torch.nn.Module"]),
        ({"model": Twice()}, ["scores", "list"]),
        ({"model": nn.Conv2d(3, 2, 1)}, ["scores", "(4, 2, 2, 2)"]),
        ({"model": mlp(12, 2).requires_grad_(False)}, ["gradient"]),
    ],
)
def test_a_mistake_is_told(change, named):
    right = {"model": mlp(12, 5, 2), "input_shape": (2, 2, 3), "batch_size": 4}
    with pytest.raises(ValueError, match=named[0]) as told:
        predict(**{**right, **change})
    assert all(name in str(told.value) for name in named)
    assert "\n" not in str(told.value)


def test_a_batch_that_normalisation_cannot_take_is_told():
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(4),
                          nn.Flatten(), nn.Linear(4, 2))  # fmt: skip
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        predict(model, (4, 4, 3), 1)


def test_memory_to_fill_is_at_least_a_byte():
    with pytest.raises(ValueError, match="memory is 0"):
        largest_batch(mlp(12, 2), (2, 2, 3), 0)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("checkpoint", [False, True])
def test_activations_of_remedies_are_what_autograd_has_saved(precision, checkpoint):
    model = resnet10(10, width=8)
    found = predict(model, (32, 32, 3), 2, precision=precision, checkpoint=checkpoint)
    low = precision == "bfloat16"
    expected = saved(model, (32, 32, 3), 2, checkpoint=checkpoint, autocast=low)
    assert found.activations == expected


def test_a_flattened_image_with_channels_last_is_a_copy():
    model = nn.Sequential(nn.Conv2d(3, 5, 1), nn.ReLU(), nn.Flatten(), nn.Linear(5 * 36, 2))
    first, last = (predict(model, (6, 6, 3), 2, channels_last=last) for last in (False, True))
    assert last.activations - first.activations == 2 * 5 * 36 * FLOAT
