"""The homework's two networks: their sizes, what they compute, how they are drawn."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from convbook.models import MLP, SmallCNN, untrained
from convbook.models.small import LocallyConnected, with_coordinates
from convbook.shapes import layer_table


def count(network):
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(
    "network, classes, parameters",
    [(SmallCNN, 3, 606), (SmallCNN, 5, 614), (MLP, 3, 39_793), (MLP, 5, 39_815)],
)
def test_the_homeworks_networks_have_its_numbers_of_parameters(network, classes, parameters):
    assert count(network(classes)) == parameters


def plain(cnn, padding):
    """The same network of torch's own modules, with the same weights."""
    one, two = (
        nn.Conv2d(*c.weight.shape[1::-1], 7, padding="same", padding_mode=padding)
        for c in cnn.convolutions
    )
    made = nn.Sequential(
        one, nn.ReLU(), nn.MaxPool2d(2), two, nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 3),
    )  # fmt: skip
    for ours, theirs in zip(cnn.parameters(), made.parameters(), strict=True):
        theirs.data = ours.data
    return made


@pytest.mark.parametrize("padding", ["reflect", "circular", "zeros", "replicate"])
def test_the_cnn_is_the_homeworks(padding):
    (cnn,) = untrained(lambda: SmallCNN(padding_mode=padding), [0])
    x = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(cnn(x), plain(cnn, padding)(x), atol=1e-6)
    assert cnn.features(x).shape == (4, 3)
    assert torch.allclose(cnn(x), cnn.linear(cnn.features(x)))


@given(
    kernel=st.integers(1, 6),
    depth=st.integers(1, 4),
    width=st.integers(1, 4),
    pooling=st.sampled_from(["max", "average", "none"]),
    head=st.sampled_from(["average", "max", "flatten"]),
    padding=st.sampled_from(["reflect", "circular", "zeros", "replicate"]),
)
def test_maps_keep_their_size_but_for_the_pooling(kernel, depth, width, pooling, head, padding):
    cnn = SmallCNN(
        kernel_size=kernel,
        depth=depth,
        width=width,
        pooling=pooling,
        head=head,
        padding_mode=padding,
        side=13,
    )
    side = 6 if depth > 1 and pooling != "none" else 13
    maps = cnn.maps(torch.zeros(2, 1, 13, 13))
    assert maps.shape == (2, width, side, side)
    assert cnn(torch.zeros(2, 1, 13, 13)).shape == (2, 3)
    assert cnn.linear.in_features == width * (side**2 if head == "flatten" else 1)


def test_without_padding_a_kernel_as_large_as_the_image_is_a_linear_layer():
    (cnn,) = untrained(
        lambda: SmallCNN(kernel_size=28, depth=1, width=5, padding_mode="valid"), [0]
    )
    x = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    (layer,) = cnn.convolutions
    hidden = F.relu(F.linear(x.flatten(1), layer.weight.flatten(1), layer.bias))
    assert torch.allclose(cnn.features(x), hidden, atol=1e-5)


@pytest.mark.parametrize("padding", ["reflect", "zeros", "valid"])
def test_kernels_of_all_places_that_agree_are_a_convolution(padding):
    choices = {"side": 9, "kernel_size": 4, "width": 2, "padding_mode": padding}
    (shared,) = untrained(lambda: SmallCNN(depth=1, **choices), [0])
    (own,) = untrained(lambda: SmallCNN(depth=1, sharing=False, **choices), [1])
    ours, theirs = own.convolutions[0], shared.convolutions[0]
    assert isinstance(ours, LocallyConnected)
    ours.weight.data = theirs.weight.data.flatten(1).expand_as(ours.weight).clone()
    ours.bias.data = theirs.bias.data.expand_as(ours.bias).clone()
    x = torch.rand(3, 1, 9, 9, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(own.maps(x), shared.maps(x), atol=1e-6)


def test_coordinates_are_two_channels_from_minus_one_to_one():
    x = torch.zeros(2, 1, 3, 5)
    joined = with_coordinates(x)
    assert joined.shape == (2, 3, 3, 5)
    assert joined[0, 1, :, 2].tolist() == [-1, 0, 1]  # rows
    assert joined[1, 2, 0].tolist() == [-1, -0.5, 0, 0.5, 1]  # columns
    assert SmallCNN(coordinates=True).convolutions[0].weight.shape == (3, 3, 7, 7)


@pytest.mark.parametrize(
    "choices, named",
    [
        ({"pooling": "mean"}, "pooling"),
        ({"head": "sum"}, "head"),
        ({"padding_mode": "same"}, "padding_mode"),
        ({"depth": 0}, "depth"),
        ({"width": 1.5}, "width"),
        ({"padding_mode": "valid", "side": 8}, "side"),
    ],
)
def test_a_choice_that_there_is_not_is_named(choices, named):
    with pytest.raises(ValueError, match=named):
        SmallCNN(**choices)
    with pytest.raises(ValueError, match="hidden"):
        MLP(hidden=(50, 0))


BUILDS = [SmallCNN, MLP, lambda: SmallCNN(sharing=False, side=10, kernel_size=3)]


@pytest.mark.parametrize("build", BUILDS)
def test_weights_come_from_the_seed_alone(build):
    state = torch.get_rng_state()
    first, second = untrained(build, [7, 8])
    (again,) = untrained(build, [7])
    for one, same, other in zip(
        first.parameters(), again.parameters(), second.parameters(), strict=True
    ):
        assert torch.equal(one, same)
        assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("build", BUILDS)
def test_weights_are_uniform_to_one_over_the_root_of_the_fan_in(build):
    (network,) = untrained(build, [0])
    layers = [m for m in network.modules() if list(m.parameters(recurse=False))]
    for layer in layers:
        local = isinstance(layer, LocallyConnected)
        fan_in = layer.weight.shape[-1] if local else layer.weight[0].numel()
        for values in (layer.weight, layer.bias):
            assert values.abs().max() <= fan_in**-0.5
        if layer.weight.numel() > 1000:
            spread = layer.weight.std().item() * (3 * fan_in) ** 0.5
            assert spread == pytest.approx(1, rel=0.1)


def test_the_shapes_of_the_book_follow_the_cnn():
    assert layer_table(SmallCNN(), (28, 28, 1)).parameters == 606
