"""Gradients by the pixels: against windows written down by hand, and against the recurrence."""

import copy
from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from convbook import models
from convbook.models import from_spec
from convbook.receptive import effective_receptive_field, gradient_support
from convbook.shapes import layer_table


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def support(model, shape, position=None, layer=None, seed=0):
    return gradient_support(model, shape, position, layer=layer, generator=seeded(seed))


def marked(shape, rows, columns):
    """A mask of the pixels in these rows and columns, those outside left out."""
    mask = np.zeros(shape, dtype=bool)
    for row, column in product(rows, columns):
        if 0 <= row < shape[0] and 0 <= column < shape[1]:
            mask[row, column] = True
    return mask


class Calls(nn.Module):
    """A module that is one function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


# What an output can see


def test_a_convolution_sees_its_window():
    assert np.array_equal(
        support(nn.Conv2d(2, 3, 3), (8, 9, 2), (2, 4)), marked((8, 9), [2, 3, 4], [4, 5, 6])
    )


def test_windows_are_cut_off_at_the_border():
    model = nn.Conv2d(1, 1, (3, 5), padding=(1, 2))
    assert np.array_equal(support(model, (6, 6, 1), (0, 5)), marked((6, 6), [0, 1], [3, 4, 5]))


def test_dilation_leaves_holes_and_stride_moves_on():
    model = nn.Conv2d(1, 2, 3, stride=2, dilation=3)
    assert np.array_equal(
        support(model, (12, 14, 1), (2, 1)), marked((12, 14), [4, 7, 10], [2, 5, 8])
    )


def test_position_is_the_middle_if_none_is_named():
    model = nn.Conv2d(1, 1, 1)
    assert np.array_equal(support(model, (5, 8, 1)), marked((5, 8), [2], [4]))


def test_circular_padding_sees_the_other_side():
    model = nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular")
    assert np.array_equal(support(model, (5, 6, 1), (0, 5)), marked((5, 6), [4, 0, 1], [4, 5, 0]))


@pytest.mark.parametrize("m", [2, 3])
def test_after_a_transposed_convolution_even_and_odd_positions_differ(m):
    # By hand, in convbook.shapes.fields: an even output 2m sees 2m − 2 … 2m + 2, an odd one
    # 2m + 1 sees 2m … 2m + 2.
    model = nn.Sequential(nn.Conv2d(1, 1, 3, stride=2), nn.ConvTranspose2d(1, 1, 3, stride=2))
    seen = support(model, (15, 15, 1), (2 * m, 2 * m + 1))
    rows = range(2 * m - 2, 2 * m + 3)
    assert np.array_equal(seen, marked((15, 15), rows, range(2 * m, 2 * m + 3)))


sides = st.integers(1, 3)


@given(
    st.tuples(sides, sides),
    st.none() | st.tuples(sides, sides),
    st.tuples(sides, sides),
    st.tuples(st.integers(0, 1), st.integers(0, 1)),
    st.booleans(),
    st.data(),
)
@settings(deadline=None)
def test_max_pooling_sees_all_of_its_window(kernel, stride, dilation, padding, ceil_mode, data):
    padding = tuple(min(p, k // 2) for p, k in zip(padding, kernel, strict=True))
    model = nn.MaxPool2d(kernel, stride, padding, dilation, ceil_mode=ceil_mode)
    x = torch.zeros(1, 1, 9, 8)
    height, width = model(x).shape[-2:]
    position = (
        data.draw(st.integers(0, height - 1)),
        data.draw(st.integers(0, width - 1)),
    )
    rows, columns = (
        [
            position[a] * (stride or kernel)[a] - padding[a] + dilation[a] * t
            for t in range(kernel[a])
        ]
        for a in (0, 1)
    )
    assert np.array_equal(support(model, (9, 8, 1), position), marked((9, 8), rows, columns))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: F.max_pool2d(x, 3, stride=1, padding=1),
        lambda x: F.max_pool2d(input=x, kernel_size=3, stride=1, padding=1),
        lambda x: torch.max_pool2d(x, 3, 1, 1),
        lambda x: F.max_pool2d(x[0], 3, stride=1, padding=1)[None],
    ],
)
def test_max_pooling_is_found_in_functions_too(function):
    assert np.array_equal(
        support(Calls(function), (7, 7, 2), (3, 4)), marked((7, 7), [2, 3, 4], [3, 4, 5])
    )


def test_max_pooling_steps_by_its_kernel_if_no_stride_is_named():
    pooled = Calls(lambda x: F.max_pool2d(x, 2))
    assert np.array_equal(support(pooled, (6, 6, 1), (2, 1)), marked((6, 6), [4, 5], [2, 3]))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: F.adaptive_max_pool2d(x, 1),
        lambda x: nn.AdaptiveMaxPool2d(1)(x),
        lambda x: torch.amax(x, (2, 3)),
        lambda x: x.amax(dim=(2, 3), keepdim=True),
        # four times the least is more than the mean of numbers from 0.5 to 1.5
        lambda x: torch.maximum(4 * x, x.mean((2, 3), keepdim=True)),
        lambda x: (4 * x).maximum(x.mean((2, 3), keepdim=True)),
        lambda x: x.flatten(1),
    ],
)
def test_everything_is_seen_through_a_global_operation(function):
    assert support(Calls(function), (4, 5, 3)).all()


def test_an_output_that_looks_at_nothing_sees_nothing():
    assert not support(Calls(torch.ones_like), (4, 4, 1)).any()


def test_bounded_activations_do_not_hide_pixels():
    functions = [nn.ReLU6(), nn.Hardtanh(), nn.Hardsigmoid(), nn.Tanh(), nn.GELU(), nn.SELU()]
    blocks = [
        module for function in functions for module in (nn.Conv2d(4, 4, 3, padding=1), function)
    ]
    assert support(nn.Sequential(*blocks), (13, 13, 4)).all()
    # Nothing stands beside a pixel or a path that is bounded, however large the numbers get.
    for seed in range(10):
        assert support(nn.Hardtanh(), (3, 3, 1), seed=seed).sum() == 1
    deep = [layer for _ in range(8) for layer in (nn.Conv2d(8, 8, 3, padding=1), nn.ReLU6())]
    assert support(nn.Sequential(*deep), (17, 17, 8)).all()


def test_of_a_layer_that_is_called_again_it_is_the_last_call():
    layer = nn.Conv2d(1, 1, 3, padding=1)
    assert support(nn.Sequential(layer, layer), (7, 7, 1), layer="0").sum() == 25


def test_weights_do_not_matter_and_nothing_of_the_model_changes():
    model = models.resnet18(width=2, num_classes=3)
    for parameter in model.parameters():
        nn.init.zeros_(parameter)
    model.bn1.running_mean.fill_(1e9)
    model.train()
    before = copy.deepcopy(model.state_dict())
    seen = support(model, (64, 64, 3), layer="layer2")
    assert seen.sum() == 64 * 64  # 99 × 99, and the image cuts it off

    assert model.training
    for key, value in model.state_dict().items():
        assert torch.equal(value, before[key])
    for module in model.modules():
        assert not module._forward_hooks
    for parameter in model.parameters():
        assert parameter.requires_grad
        assert parameter.grad is None


def test_a_model_without_weights_will_do():
    with torch.device("meta"):
        model = models.resnet18(width=2)
    assert np.array_equal(
        support(model, (150, 150, 3), layer="layer1"),
        support(models.resnet18(width=2), (150, 150, 3), layer="layer1"),
    )


def test_gradients_are_taken_where_they_are_switched_off():
    with torch.no_grad():
        assert support(nn.Conv2d(1, 1, 3), (5, 5, 1)).sum() == 9
        measured = effective_receptive_field(
            nn.Conv2d(1, 1, 3), (5, 5, 1), draws=1, generator=seeded()
        )
    assert (measured.energy > 0).sum() == 9


class Checkpointed(nn.Module):
    """Its convolution runs without gradients first, and again when they are asked for."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Conv2d(1, 1, 3)

    def forward(self, x):
        return torch.utils.checkpoint.checkpoint(self.inner, x, use_reentrant=True)


def test_a_layer_without_gradients_is_refused_and_not_called_blind():
    assert support(Checkpointed(), (5, 5, 1)).sum() == 9
    with pytest.raises(ValueError, match="inner"):
        support(Checkpointed(), (5, 5, 1), layer="inner")


class AddsInPlace(nn.Module):
    """The narrow convolution's output becomes the sum."""

    def __init__(self):
        super().__init__()
        self.narrow = nn.Conv2d(1, 1, 1)
        self.wide = nn.Conv2d(1, 1, 5, padding=2)

    def forward(self, x):
        y = self.narrow(x)
        y += self.wide(x)
        return y


def test_a_layers_output_is_taken_before_others_write_into_it():
    model = AddsInPlace()
    assert support(model, (9, 9, 1), layer="narrow").sum() == 1
    assert support(model, (9, 9, 1), layer="wide").sum() == 25
    assert support(model, (9, 9, 1)).sum() == 25
    assert support(nn.ReLU(inplace=True), (9, 9, 1)).sum() == 1


# Against the recurrence

words = st.sampled_from(["CONV", "POOL", "AVGPOOL"])
stacks = st.lists(
    st.builds(
        lambda word, kernel, stride, dilation, padding: (
            f"{word}{kernel[0]}x{kernel[1]}"
            + ("-1" if word == "CONV" else "")
            + f",s{stride[0]}x{stride[1]},p{min(padding, *kernel) // 2}"
            + (f",d{dilation}" if word != "AVGPOOL" else "")
        ),
        words,
        st.tuples(st.integers(1, 4), st.integers(1, 4)),
        st.tuples(st.integers(1, 2), st.integers(1, 3)),
        st.integers(1, 2),
        st.integers(0, 4),
    ),
    min_size=1,
    max_size=4,
).map(" ".join)


def span(mask, axis):
    """The first row with a mark and the one after the last (axis 1: columns)."""
    marks = np.flatnonzero(mask.any(axis=1 - axis))
    return (marks[0], marks[-1] + 1) if len(marks) else (0, 0)


@given(stacks, st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_windows_are_those_of_the_table(spec, seed):
    wide = layer_table(spec, (999, 999, 1))[-1]
    # So large that the window of the middle output lies within the image.
    height, width = (2 * (wide.receptive_field[axis] + wide.stride[axis]) for axis in (0, 1))
    row = layer_table(spec, (height, width, 1))[-1]
    position = (row.output_shape[0] // 2, row.output_shape[1] // 2)
    seen = support(from_spec(spec, (height, width, 1)), (height, width, 1), seed=seed)
    for axis in (0, 1):
        first, end = span(seen, axis)
        assert end - first == row.receptive_field[axis]
        assert (first + end - 1) / 2 == row.offset[axis] + position[axis] * row.stride[axis]


@given(
    st.lists(
        st.builds("CONV{}x1-1,s{}x1,p0".format, st.integers(1, 3), st.integers(1, 2))
        | st.builds("CONVT{}x1-1,s{}x1".format, st.integers(1, 4), st.integers(1, 3)),
        min_size=2,
        max_size=3,
    ).map(" ".join)
)
@settings(deadline=None, max_examples=40)
def test_largest_window_after_transposed_convolutions_is_the_tables(spec):
    shape = (60, 1, 1)
    row = layer_table(spec, shape)[-1]
    model = from_spec(spec, shape)
    middle = row.output_shape[0] // 2
    # Three strides of 3 at most: the windows repeat after 27 outputs.
    around = range(max(0, middle - 14), min(row.output_shape[0], middle + 14))
    sizes = [np.ptp(span(support(model, shape, (j, 0)), 0)) for j in around]
    assert max(sizes) == row.receptive_field[0]


def assert_rows_seen(model, shape, row, layer):
    """That the middle output of a layer sees the rows that its row of the table says."""
    middle = row.output_shape[0] // 2
    centre = row.offset[0] + middle * row.stride[0]
    reach = (row.receptive_field[0] - 1) / 2
    position = (middle, row.output_shape[1] // 2)
    first, end = span(support(model, shape, position, layer=layer), 0)
    assert (first, end - 1) == (centre - reach, centre + reach), row.name


# Thin copies have the same receptive fields, and a narrow image is enough for one side of them.
@pytest.mark.parametrize(
    "name,arguments,shape",
    [
        ("lenet5", {}, (32, 32, 1)),
        ("resnet18", {"width": 1}, (512, 32, 3)),
        ("resnet50", {"width": 1}, (512, 32, 3)),
        ("resnet50", {"width": 1, "stride_in": "1x1"}, (576, 32, 3)),
    ],
)
def test_every_layer_of_a_network_sees_what_the_table_says(name, arguments, shape):
    with torch.device("meta"):
        model = getattr(models, name)(**arguments)
    kinds = ("Conv2d", "MaxPool2d", "AvgPool2d")
    rows = [row for row in layer_table(model, shape) if row.kind in kinds]
    assert len(rows) == sum(type(module).__name__ in kinds for module in model.modules())
    for row in rows:
        assert_rows_seen(model, shape, row, row.name)


@pytest.mark.parametrize("stride_in", ["3x3", "1x1"])
def test_blocks_of_resnet152_see_what_the_table_says(stride_in):
    with torch.device("meta"):
        model = models.resnet152(width=1, stride_in=stride_in)
    shape = (1600, 32, 3)
    blocks = [row for row in layer_table(model, shape) if row.name.endswith(".relu (3)")]
    assert len(blocks) == 3 + 8 + 36 + 3
    for row in blocks[::-7]:  # the last one, and each seventh before it
        assert_rows_seen(model, shape, row, row.name.removesuffix(".relu (3)"))


@pytest.mark.parametrize("name,shape", [("alexnet", (260, 63, 3)), ("vgg16", (288, 32, 3))])
def test_features_see_what_the_table_says(name, shape):
    with torch.device("meta"):
        model = getattr(models, name)().features
    assert_rows_seen(model, shape, layer_table(model, shape)[-1], layer=None)


# How much an output sees of what it can see


def box(kernel, channels=1):
    """A convolution without padding, all of whose weights are 1."""
    layer = nn.Conv2d(channels, 1, kernel, bias=False)
    nn.init.ones_(layer.weight)
    return layer


def test_energy_of_a_convolution_is_its_squared_weights():
    layer = nn.Conv2d(3, 1, 3)
    energy = effective_receptive_field(layer, (7, 7, 3), draws=2, generator=seeded()).energy
    wanted = layer.weight.detach().double().square().sum(dim=(0, 1)).numpy()
    assert np.allclose(energy[2:5, 2:5], wanted / wanted.sum())
    assert np.isclose(energy.sum(), 1)
    assert np.isclose(energy[2:5, 2:5].sum(), 1)


def test_energy_adds_up_over_the_channels_of_the_output():
    layer = nn.Conv2d(1, 2, (1, 2), bias=False)
    layer.weight.data = torch.tensor([[[[3.0, 1.0]]], [[[0.0, 2.0]]]])
    # 9 : 1 + 4, to a few parts in √draws
    energy = effective_receptive_field(layer, (1, 2, 1), draws=4000, generator=seeded()).energy
    assert abs(energy[0, 0] - 9 / 14) < 0.02


@pytest.mark.parametrize("depth", [1, 2, 7])
@pytest.mark.parametrize("fraction", [0.5, 0.95, 1])
def test_energy_of_equal_weights_is_a_squared_power_of_the_box(depth, fraction):
    model = nn.Sequential(*(box(3) for _ in range(depth)))
    field = effective_receptive_field(
        model, (15, 15, 1), fraction=fraction, draws=1, generator=seeded()
    )
    row = np.ones(1)
    for _ in range(depth):
        row = np.convolve(row, np.ones(3))
    row = row**2 / (row**2).sum()
    margin = 7 - depth
    inner = field.energy[margin : 15 - margin, margin : 15 - margin]
    assert np.allclose(inner, np.outer(row, row))
    held = {2 * r + 1: row[depth - r : depth + r + 1].sum() ** 2 for r in range(depth + 1)}
    wanted = min(side for side, share in held.items() if share >= fraction - 1e-9)
    assert field.side == wanted


def test_side_of_an_even_window():
    field = effective_receptive_field(nn.AvgPool2d(2), (6, 6, 1), draws=1, generator=seeded())
    assert field.side == 2
    assert np.array_equal(field.energy > 0, marked((6, 6), [2, 3], [2, 3]))


def test_energy_lies_within_what_can_be_seen_and_in_its_middle():
    torch.manual_seed(0)
    model = models.resnet18(width=8)
    shape = (128, 128, 3)
    field = effective_receptive_field(model, shape, layer="layer2", draws=3, generator=seeded())
    can = support(model, shape, layer="layer2")
    assert not field.energy[~can].any()
    assert field.side < 99 / 2  # of the 99 that it can see


def test_draws_come_from_the_generator():
    model = models.lenet5()

    def energy(seed):
        return effective_receptive_field(
            model, (32, 32, 1), layer="s4", draws=2, generator=seeded(seed)
        ).energy

    assert np.array_equal(energy(1), energy(1))
    assert not np.array_equal(energy(1), energy(2))


def test_measuring_changes_nothing_of_the_model():
    model = models.resnet18(width=2).train()
    before = copy.deepcopy(model.state_dict())
    effective_receptive_field(model, (64, 64, 3), draws=1, generator=seeded())
    assert model.training
    for key, value in model.state_dict().items():
        assert torch.equal(value, before[key])
    assert all(parameter.grad is None for parameter in model.parameters())


# Mistakes


class SkipsAModule(nn.Module):
    def __init__(self):
        super().__init__()
        self.used = nn.Conv2d(3, 2, 1)
        self.unused = nn.Identity()

    def forward(self, x):
        return self.used(x)


@pytest.mark.parametrize(
    "change,named",
    [
        ({"input_shape": (8, 8)}, "input_shape"),
        ({"input_shape": (8, 0, 3)}, "input_shape"),
        ({"input_shape": (8, 8, 2)}, r"\(8, 8, 2\)"),
        ({"layer": "conv9"}, "conv9"),
        ({"layer": "unused"}, "unused"),
        ({"position": (0, 8)}, r"\(0, 8\)"),
        ({"position": (-1, 0)}, r"\(-1, 0\)"),
        ({"position": 1.5}, "1.5"),
    ],
)
def test_what_does_not_fit_is_named(change, named):
    model = SkipsAModule()
    arguments = {"model": model, "input_shape": (8, 8, 3), "generator": seeded()} | change
    with pytest.raises(ValueError, match=named):
        gradient_support(**arguments)


@pytest.mark.parametrize(
    "model,named",
    [
        (3, "model is 3"),
        (nn.Sequential(nn.LazyConv2d(3, 3)), "0.weight"),
        (nn.Bilinear(3, 3, 3), "input2"),
        (Calls(lambda x: {"map": x}), "dict"),
    ],
)
def test_a_model_that_makes_no_map_of_an_image_is_named(model, named):
    with pytest.raises(ValueError, match=named):
        support(model, (5, 5, 3))
    with pytest.raises(ValueError, match=named):
        effective_receptive_field(model, (5, 5, 3), draws=1, generator=seeded())


def test_of_a_model_with_several_outputs_a_layer_can_be_named():
    pair = nn.Sequential(nn.Conv2d(1, 1, 3), Calls(lambda x: (x, x)))
    assert support(pair, (5, 5, 1), layer="0").sum() == 9


def test_a_vector_has_no_positions():
    with pytest.raises(ValueError, match="position"):
        support(models.lenet5(), (32, 32, 1), (0, 0))


@pytest.mark.parametrize("fraction", [0, -0.5, 1.01, float("nan"), "all"])
def test_fraction_is_judged(fraction):
    with pytest.raises(ValueError, match="fraction"):
        effective_receptive_field(
            nn.Conv2d(1, 1, 3), (5, 5, 1), fraction=fraction, draws=1, generator=seeded()
        )


def test_number_of_draws_is_judged():
    with pytest.raises(ValueError, match="draws"):
        effective_receptive_field(nn.Conv2d(1, 1, 3), (5, 5, 1), draws=0, generator=seeded())


def test_measuring_needs_weights_and_an_image_that_matters():
    with pytest.raises(ValueError, match="meta"):
        effective_receptive_field(
            nn.Conv2d(1, 1, 3, device="meta"), (5, 5, 1), draws=1, generator=seeded()
        )
    with pytest.raises(ValueError, match="no pixel"):
        effective_receptive_field(Calls(torch.zeros_like), (5, 5, 1), draws=1, generator=seeded())
