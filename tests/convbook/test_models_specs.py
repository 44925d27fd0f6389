"""Networks from a line of text against the same networks written out, and against the table."""

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from convbook.models import from_spec
from convbook.shapes import layer_table
from convbook.shapes.notation import WORDS

SIZES = ["3", "2", "1", "3x2", "1×4"]
OPTIONS = {
    "CONV": ["s2", "p1", "p0x2", "d2", "g2", "nobias", "same", "valid", "circular", "reflect"],
    "CONVT": ["s2", "s2x3", "p1", "d2", "g2", "o1", "nobias"],
    "POOL": ["s1", "s2x1", "p1", "d2", "ceil"],
    "AVGPOOL": ["s1", "s2x1", "p1", "ceil"],
}
SLIDING = st.sampled_from(list(OPTIONS)).flatmap(
    lambda word: st.builds(
        lambda size, options: ",".join(
            [word + size + ("-4" if "CONV" in word else ""), *options],
        ),
        st.sampled_from(SIZES),
        st.lists(st.sampled_from(OPTIONS[word]), max_size=3, unique=True),
    )
)
LAYERS = st.lists(SLIDING | st.sampled_from(["RELU", "BN"]), min_size=1, max_size=4)
ENDS = st.sampled_from([[], ["GAP"], ["GAP", "FC-3"], ["FLATTEN", "RELU", "FC-3", "FC-2,nobias"]])


def test_homework_network_is_the_one_written_out():
    given = from_spec("CONV3-10 POOL2 CONV3-10 POOL2 FLATTEN FC-3", (28, 28, 1))
    wanted = nn.Sequential(
        nn.Conv2d(1, 10, 3, padding=1),
        nn.MaxPool2d(2),
        nn.Conv2d(10, 10, 3, padding=1),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(490, 3),
    )
    wanted.load_state_dict(given.state_dict())
    x = torch.randn(2, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    assert torch.equal(given(x), wanted(x))


@pytest.mark.parametrize(
    "layer,wanted",
    [
        ("CONV5-6", nn.Conv2d(4, 6, 5, padding=2)),
        ("CONV2-6,circular", nn.Conv2d(4, 6, 2, padding=1, padding_mode="circular")),
        ("CONV3x1-6,d2x3", nn.Conv2d(4, 6, (3, 1), padding=(2, 0), dilation=(2, 3))),
        ("CONV3-6,s2x1,p3", nn.Conv2d(4, 6, 3, stride=(2, 1), padding=3)),
        ("CONV2-6,same,reflect", nn.Conv2d(4, 6, 2, padding="same", padding_mode="reflect")),
        ("CONV3-6,valid,g2,nobias", nn.Conv2d(4, 6, 3, groups=2, bias=False)),
        ("CONVT3-6", nn.ConvTranspose2d(4, 6, 3)),
        (
            "CONVT3-6,s3,p1,o2x1,g2,d2,nobias",
            nn.ConvTranspose2d(4, 6, 3, 3, 1, (2, 1), groups=2, bias=False, dilation=2),
        ),
        ("POOL3,s2,p1,d2,ceil", nn.MaxPool2d(3, 2, 1, 2, ceil_mode=True)),
        ("AVGPOOL3x2,s1,p1,ceil", nn.AvgPool2d((3, 2), 1, 1, ceil_mode=True)),
        ("GAP", nn.AdaptiveAvgPool2d(1)),
        ("BN", nn.BatchNorm2d(4)),
        ("RELU", nn.ReLU()),
        ("FLATTEN", nn.Flatten()),
    ],
)
def test_each_layer_is_the_one_written_out(layer, wanted):
    (given,) = from_spec(layer, (9, 11, 4))
    wanted.load_state_dict(given.state_dict())
    x = torch.randn(2, 4, 9, 11, generator=torch.Generator().manual_seed(0))
    assert torch.equal(given(x), wanted(x))
    assert type(given) is type(wanted)


# torch remarks that it copies the image where the margins differ
@pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")
@given(
    LAYERS,
    ENDS,
    st.tuples(st.integers(1, 12), st.integers(1, 12), st.sampled_from([2, 4])),
)
@settings(deadline=None, max_examples=300)
def test_layers_are_those_of_the_table(layers, end, shape):
    spec = " ".join([*layers, *end])
    try:
        table = layer_table(spec, shape)
    except ValueError:
        assume(False)
    model = from_spec(spec, shape).eval()
    layers = [(name, module) for name, module in model.named_children() if name != "flatten"]
    assert [name for name, _ in layers] == [str(n) for n in range(len(table) - 1)]

    shapes = {}
    for name, module in layers:
        module.register_forward_hook(
            lambda _, __, y, name=name: shapes.__setitem__(name, (*y.shape[2:], y.shape[1]))
        )
    model(torch.zeros(1, shape[2], *shape[:2]))
    assert list(shapes.values()) == [row.output_shape for row in table[1:]]
    for row, (_, module) in zip(table[1:], layers, strict=True):
        assert type(module).__name__ == row.kind
        assert sum(parameter.numel() for parameter in module.parameters()) == row.parameters


def test_every_word_of_the_notation_is_known():
    examples = {"FC": "FLATTEN FC-3"}
    for word, (_, example, _) in WORDS.items():
        assert isinstance(from_spec(examples.get(word, word + example), (5, 5, 2)), nn.Sequential)


@pytest.mark.parametrize("spec,named", [("CONV3", "CONV3"), ("FC-3", "FC-3"), ("POOL9", "POOL9")])
def test_a_network_that_cannot_be_is_refused_by_name(spec, named):
    with pytest.raises(ValueError, match=named):
        from_spec(spec, (4, 4, 1))
