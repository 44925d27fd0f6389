"""The networks against torchvision's, by a record of what those give (record_torchvision.py)."""

import json

import pytest
import torch
from record_torchvision import RECORD, filled, image, recorded
from torch import nn

from convbook import models

RECORDS = json.loads(RECORD.read_text(encoding="utf-8"))
RESNETS = ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"]


def on_meta(name, **arguments):
    """A network without weights: nothing is drawn, nothing takes memory."""
    with torch.device("meta"):
        return getattr(models, name)(**arguments)


@pytest.mark.parametrize("name", ["alexnet", "vgg16", *RESNETS])
def test_keys_shapes_and_scores_are_torchvisions(name):
    wanted = RECORDS[name]
    given = recorded(on_meta(name), wanted["side"])
    scores = given.pop("first scores"), wanted["first scores"]
    torch.testing.assert_close(*map(torch.tensor, scores), rtol=1e-9, atol=1e-9)
    assert given == {key: wanted[key] for key in given}


@pytest.mark.parametrize("name", RESNETS)
def test_stride_placement_leaves_the_weights_as_they_are(name):
    torchvisions, original = on_meta(name), on_meta(name, stride_in="1x1")
    assert list(torchvisions.state_dict()) == list(original.state_dict())
    for here, there in zip(torchvisions.parameters(), original.parameters(), strict=True):
        assert here.shape == there.shape


@pytest.mark.parametrize("name,differs", [("resnet18", False), ("resnet50", True)])
def test_stride_placement_moves_the_stride_of_bottlenecks(name, differs):
    x = image(64)
    with torch.no_grad():
        torchvisions = filled(on_meta(name, width=4))(x)
        original = filled(on_meta(name, width=4, stride_in="1x1"))(x)
    assert torch.equal(torchvisions, original) != differs

    strides = {
        path: module.stride
        for path, module in on_meta(name, stride_in="1x1").named_modules()
        if isinstance(module, nn.Conv2d) and module.stride != (1, 1)
    }
    shortcuts = {f"layer{stage}.0.downsample.0": (2, 2) for stage in (2, 3, 4)}
    firsts = {f"layer{stage}.0.conv1": (2, 2) for stage in (2, 3, 4)}
    assert strides == {"conv1": (2, 2)} | shortcuts | firsts


@pytest.mark.parametrize("name", RESNETS)
def test_width_scales_every_channel_count(name):
    wide, thin = on_meta(name), on_meta(name, width=16, num_classes=250)
    thin_shapes = {key: value.shape for key, value in thin.state_dict().items()}
    for key, value in wide.state_dict().items():
        wanted = [4 * channels for channels in thin_shapes[key][:2]]
        if key == "conv1.weight":
            wanted[1] = 3  # the colours of the image
        assert list(value.shape[:2]) == wanted


@pytest.mark.parametrize("name", ["lenet5", "alexnet", "vgg16", "resnet18", "resnet50"])
def test_num_classes(name):
    model = on_meta(name, num_classes=3)
    channels, side = (1, 32) if name == "lenet5" else (3, 224)
    assert model(torch.zeros(2, channels, side, side, device="meta")).shape == (2, 3)


def test_lenet5_has_the_layers_of_the_paper():
    model = models.lenet5()
    x, shapes = torch.zeros(1, 1, 32, 32), {}
    for name, layer in model.named_children():
        x = layer(x)
        shapes[name] = tuple(x.shape[1:])
    # LeCun et al. (1998), section II.B
    assert shapes["c1"] == (6, 28, 28)
    assert shapes["s2"] == (6, 14, 14)
    assert shapes["c3"] == (16, 10, 10)
    assert shapes["s4"] == (16, 5, 5)
    assert shapes["c5"] == (120, 1, 1)
    assert shapes["f6"] == (84,)
    assert shapes["output"] == (10,)

    counts = {
        name: sum(parameter.numel() for parameter in layer.parameters())
        for name, layer in model.named_children()
    }
    assert counts["c1"] == 156
    assert counts["c3"] == 16 * (6 * 25 + 1)  # dense, unlike the paper's 1,516
    assert counts["c5"] == 48_120
    assert counts["f6"] == 10_164
    assert sum(counts.values()) == 61_706


def kinds(layers):
    return " ".join(type(layer).__name__ for layer in layers)


def test_layers_without_weights():
    """What no key of the state_dict tells; dropout not even the scores."""
    # The paper's squashing function is a tanh, its subsampling a mean.
    assert kinds(models.lenet5()) == (
        "Conv2d Tanh AvgPool2d Conv2d Tanh AvgPool2d Conv2d Tanh Flatten Linear Tanh Linear"
    )
    # Krizhevsky drops out before either hidden layer, Simonyan and Zisserman after either.
    assert kinds(on_meta("alexnet").classifier) == (
        "Dropout Linear ReLU Dropout Linear ReLU Linear"
    )
    assert kinds(on_meta("vgg16").classifier) == "Linear ReLU Dropout Linear ReLU Dropout Linear"


@pytest.mark.parametrize("name,size", [("vgg16", {}), ("resnet18", {"width": 8}), ("resnet50", {})])
def test_first_weights_are_drawn_as_torchvision_draws_them(name, size):
    torch.manual_seed(0)
    for module in getattr(models, name)(num_classes=50, **size).modules():
        if isinstance(module, nn.Conv2d):
            fan_out = module.out_channels * module.kernel_size[0] * module.kernel_size[1]
            wanted = (2 / fan_out) ** 0.5
        elif isinstance(module, nn.Linear) and name == "vgg16":
            wanted = 0.01
        else:
            continue
        # The spread of n normal numbers is known to one part in √(2n).
        assert abs(module.weight.std().item() / wanted - 1) < 5 / module.weight.numel() ** 0.5
        assert name != "vgg16" or not module.bias.any()


@pytest.mark.parametrize("name", ["lenet5", "alexnet", "vgg16", "resnet18", "resnet152"])
@pytest.mark.parametrize("count", [0, -1, 2.5, True, "ten"])
def test_number_of_classes_is_judged(name, count):
    with pytest.raises(ValueError, match=f"num_classes is {count!r}"):
        getattr(models, name)(num_classes=count)


@pytest.mark.parametrize("argument,value", [("width", 0), ("stride_in", "2x2"), ("stride_in", 3)])
@pytest.mark.parametrize("name", RESNETS)
def test_arguments_of_resnets_are_judged(name, argument, value):
    with pytest.raises(ValueError, match=f"{argument} is {value!r}"):
        getattr(models, name)(**{argument: value})


@pytest.mark.parametrize("name", ["resnet10", *RESNETS])
def test_the_stem_for_small_images_keeps_the_keys_and_the_size(name):
    usual, small = on_meta(name, width=8), on_meta(name, width=8, stem="small")
    shapes = [{key: value.shape for key, value in m.state_dict().items()} for m in (usual, small)]
    assert {key for key in shapes[0] if shapes[0][key] != shapes[1][key]} == {"conv1.weight"}
    assert shapes[1]["conv1.weight"] == (8, 3, 3, 3)

    seen = []
    small.layer1.register_forward_pre_hook(lambda _module, given: seen.append(given[0].shape))
    small(torch.zeros(2, 3, 32, 32, device="meta"))
    assert seen == [(2, 8, 32, 32)]


def test_the_stem_for_small_images_is_one_convolution_of_3x3():
    model = filled(on_meta("resnet10", width=2, stem="small"))
    x = image(32)
    seen = []
    model.layer1.register_forward_pre_hook(lambda _module, given: seen.append(given[0]))
    with torch.no_grad():
        model(x)
    convolved = torch.nn.functional.conv2d(x, model.conv1.weight, padding=1)
    torch.testing.assert_close(seen[0], torch.relu(model.bn1(convolved)))


def test_an_unknown_stem_is_refused():
    with pytest.raises(ValueError, match="imagenet"):
        on_meta("resnet18", stem="large")
