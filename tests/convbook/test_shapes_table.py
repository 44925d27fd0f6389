"""Tables of specs: the homework's, and random ones against networks built in torch by hand."""

import csv
import io
import json
import math
import subprocess
import sys
from fractions import Fraction
from html.parser import HTMLParser

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from convbook.shapes import LayerTable, layer_table

HOMEWORK = "CONV3-10 POOL2 CONV3-10 POOL2 FLATTEN FC-3"


def test_the_homework_s_table():
    table = layer_table(HOMEWORK, (28, 28, 1))
    assert [(row.expression, row.parameters, row.output_shape) for row in table] == [
        ("0", 0, (28, 28, 1)),
        ("3×3×1×10 + 10", 100, (28, 28, 10)),
        ("0", 0, (14, 14, 10)),
        ("3×3×10×10 + 10", 910, (14, 14, 10)),
        ("0", 0, (7, 7, 10)),
        ("0", 0, (490,)),
        ("490×3 + 3", 1473, (3,)),
    ]
    assert [row.name for row in table] == ["Input", *HOMEWORK.split()]
    assert table.parameters == 2483
    assert [row.activations for row in table][-2:] == [490, 3]
    # by hand: 9 products for each of 28·28·10 outputs, and 90 for each of 14·14·10
    assert [row.multiply_adds for row in table if row.multiply_adds] == [70560, 176400, 1470]


def test_receptive_fields_of_the_homework_s_table():
    """Followed by hand: extent ← extent + (kernel − 1)·stride, stride ← stride·the layer's."""
    table = layer_table(HOMEWORK, (28, 28, 1))
    sides = [(1, 1, 0), (3, 1, 0), (4, 2, 0.5), (8, 2, 0.5), (10, 4, 1.5)]
    assert [(row.receptive_field, row.stride, row.offset) for row in table[:5]] == [
        ((extent, extent), (stride, stride), (offset, offset)) for extent, stride, offset in sides
    ]
    # an entry of the flat vector sees what its position saw; FC sees all 7×7: 10 + 6·4
    assert [row.receptive_field for row in table[5:]] == [(10, 10), (34, 34)]
    assert [row.stride for row in table[5:]] == [None, None]
    assert table[-1].offset == (13.5, 13.5)  # the middle of 28 pixels


def test_global_average_pooling_and_circular_padding():
    """The homework's network of 2f: 2×2 kernels with padding 1 enlarge the map."""
    table = layer_table("CONV2-3,circular RELU CONV2-3,circular RELU GAP FC-3", (7, 8, 1))
    assert [row.output_shape for row in table] == [
        *[(7, 8, 1), (8, 9, 3), (8, 9, 3), (9, 10, 3), (9, 10, 3), (1, 1, 3), (3,)]
    ]
    assert table.parameters == 2 * 2 * 1 * 3 + 3 + 2 * 2 * 3 * 3 + 3 + 3 * 3 + 3
    assert table[-2].stride is None
    assert table[-2].receptive_field == (11, 12)


# Random networks: each layer as its word, and as torch's module built without the parser.


def word(number):
    return f"{number[0]}x{number[1]}"


pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
strides = st.tuples(st.integers(1, 2), st.integers(1, 2))


@st.composite
def layers(draw, channels):
    """A word, its module, and how many channels come out."""
    kind = draw(st.sampled_from(["conv", "conv", "convt", "pool", "avgpool", "relu", "bn"]))
    kernel, stride, dilation = draw(pairs), draw(strides), draw(strides)
    filters, groups = draw(st.sampled_from([2, 4])), draw(st.sampled_from([1, 2]))
    bias, ceil = draw(st.booleans()), draw(st.booleans())
    end = "" if bias else ",nobias"
    if kind == "conv":
        mode = draw(st.sampled_from(["zeros", "circular", "reflect", "replicate"]))
        padding = draw(st.sampled_from(["default", "same", "valid", (1, 2), (0, 1)]))
        if padding == "same":
            stride = (1, 1)
        text = f"CONV{word(kernel)}-{filters},s{word(stride)},d{word(dilation)},g{groups},{mode}"
        if padding == "default":
            padding = tuple(d * (k // 2) for d, k in zip(dilation, kernel, strict=True))
        else:
            text += f",{padding}" if isinstance(padding, str) else f",p{word(padding)}"
        module = nn.Conv2d(
            *(channels, filters, kernel, stride, padding, dilation, groups, bias, mode)
        )
        return text + end, module, filters
    if kind == "convt":
        padding = draw(st.tuples(st.integers(0, 1), st.integers(0, 1)))
        extra = tuple(
            draw(st.integers(0, max(pair) - 1)) for pair in zip(stride, dilation, strict=True)
        )
        text = f"CONVT{word(kernel)}-{filters},s{word(stride)},p{word(padding)}"
        text += f",d{word(dilation)},o{word(extra)},g{groups}"
        module = nn.ConvTranspose2d(
            *(channels, filters, kernel, stride, padding, extra, groups, bias, dilation)
        )
        return text + end, module, filters
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    rest = f"s{word(stride)},p{word(padding)}" + (",ceil" if ceil else "")
    if kind == "pool":
        module = nn.MaxPool2d(kernel, stride, padding, dilation, ceil_mode=ceil)
        return f"POOL{word(kernel)},{rest},d{word(dilation)}", module, channels
    if kind == "avgpool":
        return (
            f"AVGPOOL{word(kernel)},{rest}",
            nn.AvgPool2d(kernel, stride, padding, ceil),
            channels,
        )
    if kind == "relu":
        return "ReLU", nn.ReLU(), channels
    return "BN", nn.BatchNorm2d(channels), channels


@st.composite
def networks(draw):
    """A spec that ends in one of the usual ways, its modules, and an image's shape."""
    channels = draw(st.sampled_from([2, 4]))
    shape = (draw(st.integers(5, 12)), draw(st.integers(5, 12)), channels)
    chain = []
    for _ in range(draw(st.integers(1, 4))):
        text, module, channels = draw(layers(channels))
        chain.append((text, module))
    end = draw(st.sampled_from(["", "GAP", "FLATTEN"]))
    if end == "GAP":
        chain.append(("GAP", nn.AdaptiveAvgPool2d(1)))
    if end == "FLATTEN":
        chain += [("FLATTEN", nn.Flatten()), ("FC-3", nn.LazyLinear(3))]
    return [text for text, _ in chain], [module for _, module in chain], shape


def run(modules, shape):
    """What torch says of each layer: the shape of its output, its parameters, its products."""
    told, x = [], torch.zeros(1, shape[2], *shape[:2])
    for module in modules:
        module.eval()(x)  # a lazy layer takes its shape
        with FlopCounterMode(display=False) as counter:
            x = module(x)
        size = tuple(x.shape[1:])
        told.append(
            (
                (*size[1:], size[0]),
                sum(parameter.numel() for parameter in module.parameters()),
                counter.get_total_flops() // 2,
            )
        )
    return told


# torch remarks that it copies the image where the margins differ
@pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")
@settings(max_examples=200)
@example(
    (
        ["CONVT1x1-2,s1x1,p1x0,d1x1,o0x0,g2,nobias"],
        [nn.ConvTranspose2d(2, 2, 1, padding=(1, 0), groups=2, bias=False)],
        (2, 5, 2),
    )
)
@given(networks())
def test_random_networks_are_torchs(network):
    words, modules, shape = network
    try:
        told = run(modules, shape)
        # Where a padding cuts all of it off, torch's transposed convolution puts out nothing.
        possible = all(math.prod(sides) > 0 for sides, *_ in told)
    except RuntimeError:
        possible = False
    if not possible:
        with pytest.raises(ValueError, match="layer"):
            layer_table(" ".join(words), shape)
        return
    table = layer_table(" → ".join(words), shape)
    assert [row.name for row in table] == ["Input", *words]
    assert [(row.output_shape, row.parameters, row.multiply_adds) for row in table[1:]] == told
    assert table.parameters == sum(parameters for _, parameters, _ in told)
    assert table.multiply_adds == sum(products for *_, products in told)
    for row in table:
        assert eval(row.expression.replace("×", "*")) == row.parameters
        assert row.activations == math.prod(row.output_shape)

    # Followed through torch, the same modules give the same rows, but for their names.
    followed = layer_table(nn.Sequential(*modules), shape)
    for ours, theirs in zip(table, followed, strict=True):
        assert {**vars(ours), "name": ""} == {**vars(theirs), "name": ""}


# The forms


@pytest.fixture
def table():
    return layer_table("CONV3-10,s2 CONVT3x2-12,s4 FLATTEN FC-1000", (28, 28, 1))


def test_a_table_is_a_sequence(table):
    assert len(table) == len(list(table)) == 5
    assert table[0].name == "Input"
    assert table[-1] is list(table)[-1]
    head = table[:2]
    assert isinstance(head, LayerTable)
    assert head.parameters == table[1].parameters == 100
    assert table == layer_table("CONV3-10,s2 CONVT3x2-12,s4 FLATTEN FC-1000", (28, 28, 1))


def test_in_a_terminal(table):
    header, rule, *rows, again, total = str(table).splitlines()
    assert repr(table) == str(table)
    assert rule == again
    assert set(rule) == {"─"}
    assert len(header) == len(rule) == max(map(len, str(table).splitlines())) <= 110
    assert len(rows) == len(table)
    assert [line.split("  ")[0] for line in rows] == [row.name for row in table]
    for line, row in zip(rows, table, strict=True):
        assert row.expression in line
        assert f"{row.parameters:,}" in line
        assert line.endswith(f" {row.multiply_adds:,}")
    assert total.split() == ["Total", f"{table.parameters:,}", f"{table.multiply_adds:,}"]
    assert "1/2" in rows[2]  # stride 2, then a transposed convolution of stride 4
    # numbers stand one below the other
    for row, line in zip(table[1:], rows[1:], strict=True):
        number = f"{row.parameters:,}"
        assert line[: header.index("parameters") + 10].endswith(f" {number}")


def test_markdown(table):
    lines = [line.strip("|").split("|") for line in table.to_markdown().splitlines()]
    titles, marks, *rows = [[cell.strip() for cell in line] for line in lines]
    assert {len(line) for line in rows} == {len(titles)} == {len(marks)}
    assert set(marks) == {"---", "---:"}
    assert [row[titles.index("layer")] for row in rows] == [*(r.name for r in table), "Total"]
    numbers = [int(row[titles.index("parameters")].replace(",", "")) for row in rows]
    assert numbers == [*(row.parameters for row in table), table.parameters]


def test_csv(table):
    lines = list(csv.DictReader(io.StringIO(table.to_csv())))
    assert len(lines) == len(table)
    for line, row in zip(lines, table, strict=True):
        assert (line["name"], line["kind"], line["expression"]) == (
            *(row.name, row.kind, row.expression),
        )
        assert int(line["parameters"]) == row.parameters
        assert int(line["multiply_adds"]) == row.multiply_adds
        assert tuple(map(int, line["output_shape"].split("x"))) == row.output_shape
        for name in ("receptive_field", "stride", "offset"):
            pair = [line[f"{name}_rows"], line[f"{name}_columns"]]
            expected = getattr(row, name)
            assert pair == ["", ""] if expected is None else [*map(float, pair)] == [*expected]


def test_json(table):
    record = json.loads(table.to_json())
    assert record["parameters"] == table.parameters
    assert record["multiply_adds"] == table.multiply_adds
    for layer, row in zip(record["layers"], table, strict=True):
        assert layer.pop("activations") == row.activations
        assert layer.keys() == vars(row).keys()
        for name, value in vars(row).items():
            assert layer[name] == (list(value) if isinstance(value, tuple) else value)
    assert table[2].stride == (Fraction(1, 2), Fraction(1, 2))
    assert record["layers"][2]["stride"] == [0.5, 0.5]


class Page(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.tags, self.text = [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, text):
        self.text.append(text.strip())


def test_in_a_notebook_it_can_be_read_aloud_and_scrolled_by_keyboard(table):
    page = Page(table._repr_html_())
    tag, region = page.tags[0]
    assert (tag, region["class"], region["role"], region["tabindex"]) == (
        *("div", "layer-table", "region", "0"),
    )
    assert region["aria-label"]
    tags = [tag for tag, _ in page.tags]
    columns = [attributes for tag, attributes in page.tags if attributes.get("scope") == "col"]
    rows = [attributes for tag, attributes in page.tags if attributes.get("scope") == "row"]
    assert len(rows) == tags.count("tr") - 1 == len(table) + 1  # and the totals
    assert tags.count("th") == len(columns) + len(rows)
    assert tags.count("td") == len(rows) * (len(columns) - 1)
    for row in table:
        assert row.name in page.text
        assert row.expression in page.text
    assert f"{table.parameters:,}" in page.text


def test_a_name_cannot_break_the_page():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.add_module("<b>|&", nn.ReLU())

        def forward(self, x):
            return getattr(self, "<b>|&")(x)

    table = layer_table(Model(), (2, 2, 1))
    page = Page(table._repr_html_())
    assert "b" not in [tag for tag, _ in page.tags]
    assert "<b>|&" in page.text
    assert "<b>\\|&" in table.to_markdown()


def test_needs_no_torch_and_no_numpy():
    code = (
        "import sys; from convbook.shapes import layer_table; "
        "table = layer_table('CONV3-10 POOL2 FLATTEN FC-3', (28, 28, 1)); "
        "str(table); table.to_csv(); table.to_json(); table.to_markdown(); table._repr_html_(); "
        "print(sorted({'torch', 'numpy', 'jaxtyping'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
