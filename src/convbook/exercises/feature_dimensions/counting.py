"""Shapes, parameters, receptive fields and cost."""

from __future__ import annotations

from typing import Any

import numpy as np

from convbook.exercises import Hint, array, exercise, integer, number
from convbook.shapes import LayerTable, layer_table, output_size

# What the exercises ask about.
BATCH = (16, 3, 64, 48)
FILTERS, KERNEL, STRIDE, PADDING = 32, (5, 3), 2, (2, 0)
VGG_HEAD = {"channels": 512, "side": 7, "hidden": 4096, "classes": 1000}


@exercise("feature-dimensions-shape", because="Each axis by itself; the filters are the channels.")
def shape(answer: Any) -> str | None:
    """The output of a layer with a kernel that is higher than wide: [n, c, h, w]."""
    given = array(answer, 4)
    sides = [
        output_size(n, kernel, STRIDE, padding)
        for n, kernel, padding in zip(BATCH[2:], KERNEL, PADDING, strict=True)
    ]
    n, c, h, w = given == [BATCH[0], FILTERS, *sides]
    if given[2:].tolist() == sides[::-1]:
        return "Mind the order: height comes before width, in the kernel and in the padding, too."
    if not n:
        return "A layer treats each picture of the batch by itself. What becomes of their number?"
    if not c:
        return (
            "Each filter makes one channel of the output, and looks at all channels of the input."
        )
    if not h:
        return (
            "Go down a column of the padded picture: how long is it, and where does the last "
            "window start?"
        )
    if not w:
        return (
            "Go along a row: it has no padding. Do not count a window that would start between "
            "two steps, and do count the first."
        )
    return None


@exercise(
    "feature-dimensions-invert", because="The floor sends as many sizes as the stride to one."
)
def invert(answer: Any) -> str | None:
    """All sizes that a kernel of 3 with stride 2 and padding 1 turns into 7."""
    given = np.unique(array(sorted(answer) if isinstance(answer, set) else answer))
    right = [n for n in range(1, 100) if output_size(n, 3, 2, 1) == 7]
    off = sorted(set(given.tolist()) - set(right))
    if off:
        n = off[0]
        if not n.is_integer() or n < 1:
            return f"{n:g} is no size; sizes are whole numbers from 1."
        return f"A row of {n:g} gives {output_size(int(n), 3, 2, 1)}."
    if len(given) < len(right):
        return "What you name gives 7. But the floor lets more than one size through."
    return None


@exercise("feature-dimensions-halve", because="Half the kernel, less half a pixel on each side.")
def halve(answer: Any) -> str | None:
    """The padding with which a kernel of 7 and a stride of 2 halves every even size."""
    padding = integer(answer)
    if padding < 0:
        return "A padding is at least 0."
    for n in range(64, 6, -2):
        if output_size(n, 7, 2, padding) != n // 2:
            return f"With this padding, a row of {n} gives {output_size(n, 7, 2, padding)}."
    return None


@exercise(
    "feature-dimensions-quarter", because="56 windows in steps of 4, and no gap between them."
)
def quarter(answer: Any) -> str | None:
    """A kernel, a stride and a padding that turn 224 pixels into 56 and read every pixel."""
    given = array(answer, 3)
    kernel, stride, padding = (integer(value) for value in given)
    if kernel < 1 or stride < 1 or padding < 0:
        return "Kernel and stride are at least 1, a padding at least 0."
    try:
        size = output_size(224, kernel, stride, padding)
    except ValueError as error:
        return f"There is no such layer: {error}."
    if size != 56:
        return f"That makes {size} of 224."
    starts = stride * np.arange(size)[:, None] - padding
    seen = starts + np.arange(kernel)
    unread = np.setdiff1d(np.arange(224), seen)
    if unread.size and stride > kernel:
        return (
            f"The size is right. But between two windows lies a gap: pixel {unread[0]} is unread."
        )
    if unread.size:
        return f"The size is right. But of the pixels 0 to 223, no window reaches {unread[-1]}."
    return None


@exercise("feature-dimensions-groups", because="A filter sees its own group, and has one bias.")
def groups(answer: Any) -> str | None:
    """The parameters of 128 filters of 5×5 on 64 channels in 4 groups."""
    given = integer(answer)
    kernel, channels, filters, count = 25, 64, 128, 4
    weights = kernel * (channels // count) * filters
    if given == weights + filters:
        return None
    if given == weights:
        return "These are the weights. The layer has more parameters."
    if given in (kernel * channels * filters, kernel * channels * filters + filters):
        return "That would be a layer without groups: each filter sees only its own channels."
    if given - kernel * channels // count * filters // count in (0, filters, filters // count):
        return "That is one group's share of the weights. How many filters has the whole layer?"
    return "How many weights has one filter? How many filters are there, and biases?"


@exercise("feature-dimensions-mistake", because="A filter is as deep as what it is laid on.")
def mistake(answer: Any) -> str | None:
    """The number of parameters that a table of a network gets wrong, corrected."""
    table = layer_table("CONV5-8 POOL2 CONV3-16,s2 FLATTEN FC-10", (32, 32, 3))
    given, wrong_row = integer(answer), 3
    if given == table[wrong_row].parameters:
        return None
    if given in [row.parameters for n, row in enumerate(table) if n != wrong_row]:
        return "That number is in the table, in a row that is right."
    if given == table[wrong_row].parameters - 16:
        return "The right row. Did you count everything that it learns?"
    if given == 448:
        return "That number is the wrong one. What should stand in its place?"
    return "Work each row out from the row above it: what does a filter see there?"


@exercise(
    "feature-dimensions-pooled", because="A pooling adds one step, and doubles all later ones."
)
def pooled(answer: Any) -> str | None:
    """The receptive field of three 3×3 convolutions with a 2×2 pooling after the first two."""
    given = integer(answer)
    table = layer_table("CONV3-1 POOL2 CONV3-1 POOL2 CONV3-1", (64, 64, 1))
    if (given, given) == table[-1].receptive_field:
        return None
    if given in (9, 7):
        return (
            "That counts each layer as though it lay on the picture. How far apart are two "
            "neighbours on the layer below, in pixels?"
        )
    if given == 21:
        return "You let a pooling's stride count for itself. It counts from the next layer on."
    if given == 15:
        return "The poolings widen the steps; each also widens the window itself."
    return "Go layer by layer, and keep two numbers: the extent, and the step between neighbours."


@exercise("feature-dimensions-depth", because="Two pixels a layer: far too slow for a picture.")
def depth(answer: Any) -> str | None:
    """How many 3×3 convolutions one output needs to see 224 pixels."""
    layers = integer(answer)
    if layers < 1:
        return "That is no number of layers."
    extent = layers * (3 - 1) + 1
    if extent < 224:
        return f"An output of that stack sees {extent} pixels along a row."
    if extent - 2 >= 224:
        return f"That is enough: it sees {extent}. Fewer are."
    return None


@exercise(
    "feature-dimensions-stack", because="Dilation widens a kernel, and no gap costs a weight."
)
def stack(answer: Any) -> str | None:
    """Convolutions that see 15×15 pixels, keep 32×32, end in 16 channels, with 1,000 parameters."""
    table = _table_of(answer, (32, 32, 3))
    last = table[-1]
    kinds = {row.kind for row in table} - {"Input", "ReLU"}
    if kinds - {"Conv2d"}:
        return "The exercise asks for a stack of convolutions; RELU may stand between them."
    if last.output_shape != (32, 32, 16):
        return f"Its output is {_times(last.output_shape)}; it should be 32×32×16."
    if last.receptive_field != (15, 15):
        return f"One output sees {_times(last.receptive_field or ())} pixels; it should be 15×15."
    if table.parameters > 1000:
        return (
            f"The stack does what it should, with {table.parameters:,} parameters; 1,000 are "
            "enough. What widens a kernel without weights? And must every layer have 16 channels, "
            "or every filter see all of them?"
        )
    return None


@exercise("feature-dimensions-head", because="Most of VGG-16 was one matrix, and it is gone.")
def head(answer: Any) -> str | None:
    """How many parameters VGG-16 saves with a global average in place of two hidden layers."""
    given = abs(integer(answer))
    channels, hidden, classes = VGG_HEAD["channels"], VGG_HEAD["hidden"], VGG_HEAD["classes"]
    flat = VGG_HEAD["side"] ** 2 * channels
    before = (flat + 1) * hidden + (hidden + 1) * hidden + (hidden + 1) * classes
    after = (channels + 1) * classes
    if given == before - after:
        return None
    if given == before:
        return "That is what goes. But the network still needs a layer with 1,000 outputs."
    if given == after:
        return "That is what comes in its place. How much went?"
    if abs(given - (before - after)) <= 2 * hidden + 2 * classes:
        return "Close: the weights are right. Count the biases of all four layers."
    return "Write down the four products: three layers that go, and one that comes."


@exercise("feature-dimensions-budget", because="An early pooling serves all layers behind it.")
def budget(answer: Any) -> str | None:
    """Six convolutions and some poolings that see 30 pixels, cheaply, and keep 16×16 positions."""
    table = _table_of(answer, (64, 64, 3))
    names = [row.name.upper() for row in table[1:]]
    if set(names) - {"CONV3-16", "POOL2"} or names.count("CONV3-16") != 6:
        return "The exercise asks for six CONV3-16 and any number of POOL2, and nothing else."
    height, width, _ = table[-1].output_shape
    if min(height, width) < 16:
        return f"The last map has {height}×{width} positions; it should keep 16×16."
    extent, _ = table[-1].receptive_field or (0, 0)
    if extent < 30:
        return f"One output of the last layer sees {extent} pixels across; it should see 30."
    if table.multiply_adds > 12e6:
        return (
            f"It sees {extent} pixels, for {table.multiply_adds / 1e6:.1f} million multiply-adds. "
            "Which layers cost the most, and what would make them cheaper?"
        )
    return None


@exercise("feature-dimensions-stem", because="A sixteenth of the places, sixteen times the work.")
def stem(answer: Any) -> str | None:
    """By what factor channels can grow when each side of the map becomes a quarter."""
    given = number(answer)
    before = layer_table("CONV3-12", (64, 64, 12)).multiply_adds
    if given <= 0:
        return "A factor is positive."
    if given * 12 == round(given * 12):
        channels = round(given * 12)
        after = layer_table(f"CONV3-{channels}", (16, 16, channels)).multiply_adds
        if after == before:
            return None
        share = after / before
        return f"With {given:g} times the channels, it costs {share:g} times what it cost before."
    return "How many positions are left? And how often does a factor on the channels count?"


def _table_of(spec: Any, image: tuple[int, int, int]) -> LayerTable:
    """The table of a network that a reader wrote down, or the hint why there is none."""
    if not isinstance(spec, str):
        raise Hint('The exercise asks for a network as text, like "CONV3-10 RELU CONV3-10".')
    try:
        return layer_table(spec, image)
    except ValueError as error:
        raise Hint(f"That is no network: {error}.") from None


def _times(sides: tuple[int, ...]) -> str:
    return "×".join(str(side) for side in sides)
