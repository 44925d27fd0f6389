"""The notation: what each word means, which spellings are one, and what is refused."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from convbook.shapes import layer_table
from convbook.shapes.notation import WORDS, Layer, parse


@pytest.mark.parametrize(
    "text, expected",
    [
        ("CONV3-10", {"kind": "Conv2d", "kernel": (3, 3), "filters": 10, "padding": (1, 1)}),
        ("CONV2-3", {"kind": "Conv2d", "kernel": (2, 2), "filters": 3, "padding": (1, 1)}),
        ("CONV1-8", {"kind": "Conv2d", "kernel": (1, 1), "filters": 8}),
        ("CONV5-6", {"kind": "Conv2d", "kernel": (5, 5), "filters": 6, "padding": (2, 2)}),
        (
            "CONV3x1-4,d2x3",
            {
                "kind": "Conv2d",
                "kernel": (3, 1),
                "filters": 4,
                "dilation": (2, 3),
                "padding": (2, 0),
            },
        ),
        (
            "CONV11-64,s4,p2",
            {
                "kind": "Conv2d",
                "kernel": (11, 11),
                "filters": 64,
                "stride": (4, 4),
                "padding": (2, 2),
            },
        ),
        (
            "CONV3-4,g2,nobias,valid,reflect",
            {
                "kind": "Conv2d",
                "kernel": (3, 3),
                "filters": 4,
                "groups": 2,
                "bias": False,
                "mode": "reflect",
            },
        ),
        (
            "CONV4-4,same,circular",
            {
                "kind": "Conv2d",
                "kernel": (4, 4),
                "filters": 4,
                "padding": "same",
                "mode": "circular",
            },
        ),
        (
            "CONVT2-8,s2,o1,p1x0",
            {
                "kind": "ConvTranspose2d",
                "kernel": (2, 2),
                "filters": 8,
                "stride": (2, 2),
                "output_padding": (1, 1),
                "padding": (1, 0),
            },
        ),
        ("POOL2", {"kind": "MaxPool2d", "kernel": (2, 2), "stride": (2, 2)}),
        (
            "MAXPOOL3x2,s1,d2,ceil",
            {
                "kind": "MaxPool2d",
                "kernel": (3, 2),
                "stride": (1, 1),
                "dilation": (2, 2),
                "ceil": True,
            },
        ),
        (
            "AVGPOOL3,s2,p1",
            {"kind": "AvgPool2d", "kernel": (3, 3), "stride": (2, 2), "padding": (1, 1)},
        ),
        ("GAP", {"kind": "AdaptiveAvgPool2d"}),
        ("RELU", {"kind": "ReLU"}),
        ("BN", {"kind": "BatchNorm2d"}),
        ("FLATTEN", {"kind": "Flatten"}),
        ("FC-3,nobias", {"kind": "Linear", "filters": 3, "bias": False}),
    ],
)
def test_a_layer_means(text, expected):
    assert parse(text) == [Layer(text, **expected)]


@pytest.mark.parametrize(
    "spec",
    [
        "conv3-10 pool2 relu fc-3",
        "CONV3-10 → POOL2 → ReLU → FC-3",
        "CONV3-10 -> POOL2->RELU->FC-3",
        "  CONV3x3-10\n\tMAXPOOL2×2 RELU FC-3 ",
        "CONV3-10 , s1, P1 POOL2,s2,p0 RELU FC-3",
    ],
)
def test_spellings_of_one_network(spec):
    def meaning(layer):
        return {name: value for name, value in vars(layer).items() if name != "text"}

    same = parse("CONV3-10 POOL2 RELU FC-3")
    assert [meaning(layer) for layer in parse(spec)] == [meaning(layer) for layer in same]


@pytest.mark.parametrize(
    "text, named",
    [
        ("", "''"),
        (" → ", "→"),
        ("CNV3-10", "CONV3-10"),
        ("POL2", "POOL2"),
        ("SOFTMAX", "SOFTMAX"),
        ("3CONV", "3CONV"),
        ("CONV3", "CONV3-10"),
        ("CONV-3", "CONV-3"),
        ("CONV3x3x3-10", "CONV3x3x3-10"),
        ("CONVT3", "CONVT3-10"),
        ("POOL", "POOL2"),
        ("POOL2-3", "POOL2-3"),
        ("FC3", "FC-3"),
        ("GAP2", "GAP2"),
        ("CONV0-3", "CONV0-3"),
        ("CONV3-0", "CONV3-0"),
        ("FC-1000000", "FC-1000000"),
        ("CONV3-4,s0", "s0"),
        ("CONV3-4,g2x2", "g2x2"),
        ("CONV3-4,x2", "'x2'"),
        ("CONV3-4,s", "'s'"),
        ("CONV3-4,", "''"),
        ("CONV3-4,ceil", "ceil"),
        ("CONV3-4,o1", "o1"),
        ("CONV3-4,s2,s2", "stride"),
        ("CONV3-4,same,p1", "padding"),
        ("CONV3-4,zeros,circular", "mode"),
        ("CONVT3-4,circular", "circular"),
        ("CONVT3-4,same", "same"),
        ("AVGPOOL2,d2", "d2"),
        ("POOL2,nobias", "nobias"),
        ("RELU,s2", "s2"),
        ("FC-3,g3", "g3"),
    ],
)
def test_a_mistake_is_named(text, named):
    with pytest.raises(ValueError) as told:  # noqa: PT011 (the name follows)
        parse(text)
    assert named in str(told.value)


options = [",", "s2", "p", "d", "o1x0", "same", "ceil", "nobias", "circular"]
pieces = st.sampled_from([*WORDS, *options, "0", "1", "3x1", "×", "-10", " ", "->", "→"])


@given(st.text() | st.lists(pieces).map("".join))
def test_any_text_is_read_or_refused(text):
    try:
        layers = parse(text)
    except ValueError:
        return
    assert all(layer.kind in {kind for kind, *_ in WORDS.values()} for layer in layers)
    assert parse(" ".join(layer.text for layer in layers)) == layers


@pytest.mark.parametrize("word", WORDS)
def test_every_kind_is_torchs_and_is_counted(word):
    example = word + WORDS[word][1]
    (layer,) = parse(example)
    rows = layer_table(f"FLATTEN {example}" if word == "FC" else example, (8, 8, 2))
    assert rows[-1].kind == layer.kind
    assert hasattr(torch.nn, layer.kind)


@pytest.mark.parametrize(
    "spec, named",
    [
        ("POOL9", ["POOL9", "8×8×2"]),
        ("RELU POOL2 CONV3-4,p0 POOL2 POOL2", ["POOL2", "1×1×4"]),
        ("POOL3,p2", ["POOL3,p2", "padding", "2", "1"]),
        ("CONV5-4,circular,p9", ["padding", "9", "8"]),
        ("CONV5-4,reflect,p8", ["padding", "8", "7"]),
        ("CONV3-4,same,s2", ["same", "stride"]),
        ("CONV3-4,g3", ["groups", "3", "2"]),
        ("CONV3-4,g2 CONVT3-6,g4", ["CONVT3-6,g4", "groups", "4", "6"]),
        ("CONVT3-4,o1", ["output_padding", "1"]),
        ("FC-3", ["FC-3", "8×8×2"]),
        ("FLATTEN POOL2", ["POOL2", "128"]),
        ("FLATTEN BN", ["BN", "128"]),
        ("FLATTEN GAP", ["GAP", "128"]),
        ("GAP FC-3 CONV1-3", ["CONV1-3", "3"]),
    ],
)
def test_a_layer_that_does_not_fit_is_named_with_what_it_gets(spec, named):
    with pytest.raises(ValueError) as told:  # noqa: PT011 (the names follow)
        layer_table(spec, (8, 8, 2))
    assert all(name in str(told.value) for name in named)


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 0), (8, 8, 1, 1), "8x8x1", 8, None, (8.0, 8, 1)])
def test_an_input_that_is_no_image_is_named(shape):
    with pytest.raises(ValueError, match="input_shape"):
        layer_table("RELU", shape)
