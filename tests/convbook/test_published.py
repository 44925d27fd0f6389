"""Tables of well-known networks, layer by layer against torch, and against published figures."""

from collections import Counter
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from convbook import models
from convbook.models.resnet import BasicBlock, Bottleneck
from convbook.published import PUBLISHED, compare
from convbook.shapes import layer_table

REFERENCES = Path(__file__).parents[2] / "book" / "references.bib"
NETWORKS = [
    ("lenet5", {}),
    ("alexnet", {}),
    ("vgg16", {}),
    ("resnet18", {}),
    ("resnet50", {}),
    ("resnet50", {"stride_in": "1x1"}),
    ("resnet152", {}),
    ("resnet152", {"stride_in": "1x1"}),
]
# Bottlenecks in each stage.
BLOCKS = {
    "resnet50": (3, 4, 6, 3),
    "resnet101": (3, 4, 23, 3),
    "resnet152": (3, 8, 36, 3),
}


def shape_of(name):
    return (32, 32, 1) if name == "lenet5" else (224, 224, 3)


def table_of(name, **arguments):
    with torch.device("meta"):
        model = getattr(models, name)(**arguments)
    return layer_table(model, shape_of(name))


def run(model, shape):
    """One pass with real numbers: each call of a module without parts, each block's output."""
    times, calls, blocks = Counter(), [], {}

    def record_call(path, module, output):
        times[path] += 1
        first = times[path] == 1
        calls.append(
            (
                path if first else f"{path} ({times[path]})",
                type(module).__name__,
                size_of(output),
                sum(parameter.numel() for parameter in module.parameters()) if first else 0,
                cost(module, output),
            )
        )

    for path, module in model.named_modules():
        if isinstance(module, BasicBlock | Bottleneck):
            module.register_forward_hook(
                lambda _, __, output, path=path: blocks.__setitem__(path, size_of(output))
            )
        elif not list(module.children()):
            module.register_forward_hook(
                lambda module, _, output, path=path: record_call(path, module, output)
            )
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, shape[2], *shape[:2]))
    return calls, blocks, counter.get_total_flops() // 2


def size_of(output):
    return (*output.shape[2:], output.shape[1])


def cost(module, output):
    """Products of a weight and an input: every output takes one row of the weights."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        return output.numel() * module.weight[0].numel()
    return 0


@pytest.mark.parametrize("name,arguments", NETWORKS)
def test_every_layer_is_as_torch_has_it(name, arguments):
    model = getattr(models, name)(**arguments).eval()
    table = layer_table(model, shape_of(name))
    calls, blocks, multiply_adds = run(model, shape_of(name))

    layers = [row for row in table[1:] if row.kind not in ("add", "flatten")]
    assert [
        (row.name, row.kind, row.output_shape, row.parameters, row.multiply_adds) for row in layers
    ] == calls
    sums = {row.name: row.output_shape for row in table if row.kind == "add"}
    assert sums == {f"{path}.add": size for path, size in blocks.items()}
    assert table.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert table.multiply_adds == multiply_adds
    for row in table:
        assert eval(row.expression.replace("×", "*")) == row.parameters


# Published figures


@pytest.fixture(scope="module")
def comparisons():
    return compare(PUBLISHED)


def test_published_figures_are_ours_or_the_difference_is_explained(comparisons):
    for comparison in comparisons:
        assert comparison.agrees or comparison.published.note, comparison


def test_differences_are_those_known(comparisons):
    different = {
        (comparison.published.network, comparison.published.quantity, comparison.published.layer)
        for comparison in comparisons
        if not comparison.agrees
    }
    assert different == {
        ("lenet5", "parameters", "s2"),
        ("lenet5", "parameters", "c3"),
        ("lenet5", "parameters", "s4"),
        ("lenet5", "parameters", ""),
        ("resnet34", "multiply_adds", ""),
        ("resnet50", "multiply_adds", ""),
    }


def published(network, quantity, source, layer=""):
    (number,) = (
        number
        for number in PUBLISHED
        if (number.network, number.quantity, number.source, number.layer)
        == (network, quantity, source, layer)
    )
    return number.value


def test_lenet5_of_the_paper():
    def paper(layer):
        return published("lenet5", "parameters", "lecun_lenet_1998", layer)

    # Of the maps of C3, six see 3 maps of S2, nine see 4, and one sees 6; kernels of 5×5, a bias.
    assert paper("c3") == sum(maps * (seen * 25 + 1) for maps, seen in ((6, 3), (9, 4), (1, 6)))
    # A factor and a bias for each map.
    assert (paper("s2"), paper("s4")) == (2 * 6, 2 * 16)
    # So its 60,000 is a sum, no rounded number: all but the output's fixed weights.
    assert paper("") == sum(map(paper, ["c1", "s2", "c3", "s4", "c5", "f6"]))


def test_alexnet_of_2012():
    # Krizhevsky, Sutskever, Hinton (2012), section 3.5; without the normalisations, which have no
    # weights. Convolutions 2, 4 and 5 are split over two devices: two groups.
    table = layer_table(
        "CONV11-96,s4,p2 RELU POOL3,s2 CONV5-256,g2 RELU POOL3,s2 CONV3-384 RELU CONV3-384,g2 RELU "
        "CONV3-256,g2 RELU POOL3,s2 FLATTEN FC-4096 RELU FC-4096 RELU FC-1000",
        (224, 224, 3),
    )
    value = published("alexnet", "parameters", "krizhevsky_alexnet_2012")
    assert abs(table.parameters - value) < 1e6
    assert table.parameters < layer_table(models.alexnet(), (224, 224, 3)).parameters


def test_resnet34_of_the_paper_has_no_weights_in_its_shortcuts():
    table = table_of("resnet34")
    shortcuts = sum(row.multiply_adds for row in table if "downsample" in row.name)
    value = published("resnet34", "multiply_adds", "he_resnet_2016")
    assert abs(table.multiply_adds - shortcuts - value) < 0.05e9


def test_resnet50_of_the_paper_is_cut_off():
    value = published("resnet50", "multiply_adds", "he_resnet_2016")
    assert value <= table_of("resnet50", stride_in="1x1").multiply_adds < value + 0.1e9


def side(blocks, stride_in):
    """The receptive field of a ResNet of bottlenecks, by the recurrence: its 3×3 kernels alone."""
    field, step = 1 + 6 * 1 + 2 * 2, 4  # after 7×7 with stride 2, and pooling 3×3 with stride 2
    for stage, depth in enumerate(blocks):
        for block in range(depth):
            first = stage > 0 and block == 0
            if first and stride_in == "1x1":  # the paper
                step *= 2
            field += 2 * step
            if first and stride_in == "3x3":  # torchvision
                step *= 2
            if stride_in == "last" and stage < 3 and block == depth - 1:  # TF-Slim
                step *= 2
    return field


@pytest.mark.parametrize("name", ["resnet50", "resnet101", "resnet152"])
def test_where_the_stride_is_changes_the_receptive_field(name):
    blocks = BLOCKS[name]
    value = published(name, "receptive_field", "araujo_fields_2019", "layer4")
    # Araujo et al. computed the networks of TF-Slim, with the stride in a stage's last block.
    assert side(blocks, "last") == side(blocks, "1x1") == value
    # With the stride in the first 3×3 convolution of a stage, that one kernel acts before the
    # step has doubled: it adds 2·4, 2·8 and 2·16 pixels in place of twice as many.
    assert side(blocks, "3x3") == value - (8 + 16 + 32)
    for stride_in in ("3x3", "1x1"):
        rows = [row for row in table_of(name, stride_in=stride_in) if row.name.startswith("layer4")]
        assert rows[-1].receptive_field == (side(blocks, stride_in),) * 2


def test_sources_are_in_the_list_of_references():
    listed = REFERENCES.read_text(encoding="utf-8")
    for number in PUBLISHED:
        assert f"{{{number.source}," in listed


def test_no_number_is_listed_twice():
    assert len(set(PUBLISHED)) == len(PUBLISHED)
