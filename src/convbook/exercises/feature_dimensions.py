"""The exercises of the chapter Feature dimensions. An answer is judged by what it does."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from convbook.exercises import Hint, array, exercise, integer, number, result_of
from convbook.ops import conv2d, pad, windows
from convbook.shapes import LayerTable, layer_table, output_size

if TYPE_CHECKING:
    from jaxtyping import Float

# What the exercises of the first half ask about.
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
        return f"The size is right. But no window reaches pixel {unread[-1]}; the last is 223."
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
    if given == 14:
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


# Second half: downsampling, equivariance and invariance.

STRIDED = "CONV3-8,s2 RELU POOL2 CONV3-8 RELU CONV5-8,s3"


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
        return f"With {given:g} times the channels a later convolution costs {share:g} of before."
    return "How many positions are left? And how often does a factor on the channels count?"


@exercise("feature-dimensions-thirds", because="What folds onto the mean is gone before it can.")
def thirds(answer: Any) -> str | None:
    """A blur after which the mean of every third pixel does not depend on where one starts."""
    kernel = array(answer, None)
    if len(kernel) > 9:
        return "Nine weights are enough."
    if not np.isclose(kernel.sum(), 1):
        return "A row of one grey level does not come out as it was."
    row = np.tile([1.0, 0, 0], 9)  # the white pixel on a place that is kept, or before, or behind
    means = [_blurred(np.roll(row, shift), kernel)[::3].mean() for shift in range(3)]
    if np.ptp(means) > 1e-9:
        found = ", ".join(f"{value:.3g}" for value in means)
        return (
            "The mean still depends on the shift. Of a row in which one pixel of three is white, "
            f"what is kept has the mean {found}, depending on where the white ones lie."
        )
    return None


@exercise(
    "feature-dimensions-choose", because="A shift exchanges the four grids; the choice moves."
)
def choose(answer: Any) -> str | None:
    """A function that keeps every second row and column, with a mean that no shift changes."""
    rng = np.random.default_rng(0)
    picture = rng.random((8, 10))
    first = _kept(answer, picture)
    grids = [picture[i::2, j::2] for i in (0, 1) for j in (0, 1)]
    if first.shape != (4, 5):
        return f"Of an 8×10 picture, your function keeps {_times(first.shape)} pixels, not 4×5."
    values = np.sort(first.ravel())
    if not any(np.allclose(values, np.sort(grid.ravel())) for grid in grids):
        return (
            "What comes back is none of the four ways to keep every second row and every second "
            "column as they are."
        )
    for down, right in ((2, 0), (0, 4), (0, 1), (1, 0), (1, 1), (3, 5)):
        moved = _kept(answer, np.roll(picture, (down, right), (0, 1)))
        if not np.isclose(moved.mean(), first.mean()):
            return f"Shifted by {down} down and {right} right, the mean of what is kept changes."
    return None


@exercise("feature-dimensions-seam-square", because="Off the seam, the torus is merely larger.")
def seam_square(answer: Any) -> str | None:
    """At how many places a 2×2 square has the features of one in the middle, for all weights."""
    given = integer(answer)
    wanted = _patterns(_square(2, 3))
    exact = sum(_patterns(_square(i, j)) == wanted for i in range(7) for j in range(8))
    if given == exact:
        return None
    if given == 56:
        return "That would be all places. Does a square across the seam count as often as others?"
    if given == 30:
        return "Where its corner is off the outermost rows and columns, is all of the square?"
    if given == 42:
        return "These are the places where it does not wrap around. Is that enough?"
    return "Which of the square's rows and columns may not lie in the seam? Count what is left."


@exercise("feature-dimensions-torus", because="One copy of each position: three more, on any side.")
def torus(answer: Any) -> str | None:
    """A circular padding (top, bottom, left, right) for which a 4×4 kernel's features stay."""
    sides = array(answer, 4)
    if np.any(sides != np.round(sides)) or sides.min() < 0:
        return "Each padding is a whole number, 0 or more."
    top, bottom, left, right = (int(side) for side in sides)
    if max(top, bottom, left, right) > 6:
        return "No side needs as much padding as that."
    rng = np.random.default_rng(0)
    picture, kernel = rng.random((6, 7)), rng.normal(size=(4, 4))

    def feature(down: int, across: int) -> float:
        moved = np.roll(picture, (down, across), (0, 1))
        padded = pad(moved, ((top, bottom), (left, right)), "circular")
        return float(np.maximum(conv2d(padded, kernel), 0).mean())

    if not np.isclose(feature(1, 0), feature(0, 0)):
        return "A shift down by one changes the feature. Some rows are seen more often than others."
    if not np.isclose(feature(0, 1), feature(0, 0)):
        return "Rows are right. But a shift to the right changes the feature."
    return None


@exercise("feature-dimensions-shuffle", because="It moves with nothing, and it sees neighbours.")
def shuffle(answer: Any) -> str | None:
    """A function that no shift changes, and that a shuffle of the pixels does."""
    rng = np.random.default_rng(0)
    picture = rng.random((6, 8))

    def given(x: Float[np.ndarray, "h w"]) -> float:
        return number(result_of(answer, x.copy()))

    value = given(picture)
    for down, right in ((0, 1), (1, 0), (3, 5)):
        if not np.isclose(given(np.roll(picture, (down, right), (0, 1))), value):
            return f"A shift by {down} down and {right} right changes it: it is not invariant."
    shuffled = [rng.permutation(picture.ravel()).reshape(picture.shape) for _ in range(5)]
    if all(np.isclose(given(x), value) for x in shuffled):
        return "It does not notice when the pixels are shuffled: it sees no neighbours."
    return None


@exercise("feature-dimensions-circulant", because="Each row the one above, moved: a convolution.")
def circulant(answer: Any) -> str | None:
    """A 6×6 matrix that commutes with the shift, and does more than scale."""
    matrix = array(answer, 6, 6)
    if np.allclose(matrix, matrix[0, 0] * np.eye(6)):
        return "That only scales. Let each output see two inputs or more."
    x = np.random.default_rng(0).normal(size=6)
    if np.allclose(matrix @ np.roll(x, 1), np.roll(matrix @ x, 1)):
        return None
    units = np.eye(6)
    for n in range(6):
        if not np.allclose(matrix @ units[(n + 1) % 6], np.roll(matrix @ units[n], 1)):
            return (
                f"A single 1 at position {n}, and then at {(n + 1) % 6}: the second output is not "
                "the first one moved by one."
            )
    return None


@exercise("feature-dimensions-ring", because="Each layer lets the border in by one more pixel.")
def ring(answer: Any) -> str | None:
    """How many positions of a 32×32 map after four 3×3 convolutions see padded zeros."""
    given = integer(answer)
    real = np.ones((32, 32))
    for _ in range(4):  # 1 where all that is seen is picture
        real = (conv2d(real, np.ones((3, 3)), padding=1) == 9).astype(float)
    wanted = int(np.sum(real == 0))
    if given == wanted:
        return None
    if given == 32 * 32 - wanted:
        return "That many see none of the padding. How many do?"
    if given == 32**2 - 30**2:
        return "That is the ring after one layer. How wide is it after four?"
    if given in (4 * 4 * 32, 4 * 4 * 32 - 16):
        return "The width is right. Mind the four corners, which lie in two strips each."
    return "How far from the border is the first position whose receptive field stays inside?"


@exercise(
    "feature-dimensions-total-stride", because="Only then does every map move by whole steps."
)
def total_stride(answer: Any) -> str | None:
    """The smallest shift that moves the last map of `STRIDED` by whole steps."""
    given = integer(answer)
    strides = [row.stride[0] for row in layer_table(STRIDED, (48, 48, 1)) if row.stride]
    total = int(max(strides))
    if given == total:
        return None
    if given < 1:
        return "By 0 pixels nothing moves. Name a shift to the right, 1 or more."
    if given % total == 0:
        return "Such a shift does it. A smaller one does, too."
    return (
        f"By {given} pixels, some map would have to move by a part of an entry. Go through the "
        "layers: how many pixels are two neighbours of each map apart?"
    )


def _blurred(
    row: Float[np.ndarray, " n"], kernel: Float[np.ndarray, " k"]
) -> Float[np.ndarray, " n"]:
    blurred = conv2d(row[None], kernel[None], padding="same", padding_mode="circular")
    return np.asarray(blurred[0])


def _kept(answer: Any, picture: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "a b"]:
    return array(result_of(answer, picture.copy()), None, None)


def _square(row: int, column: int) -> Float[np.ndarray, "h w"]:
    """A 7×8 picture with a bright 2×2 square, which wraps around."""
    picture = np.zeros((7, 8))
    picture[:2, :2] = 1
    return np.roll(picture, (row, column), (0, 1))


def _patterns(picture: Float[np.ndarray, "h w"]) -> Counter[bytes]:
    """What the positions behind two 2×2 kernels see, padded by 1 on every side of a torus."""
    seen = picture[None]
    for _ in range(2):
        padded = pad(seen, ((1, 1), (1, 1)), "circular")
        four = windows(padded, (2, 2))  # C H W 2 2
        seen = np.moveaxis(four, (3, 4), (1, 2)).reshape(-1, *four.shape[1:3])
    return Counter(column.tobytes() for column in seen.reshape(len(seen), -1).T)
