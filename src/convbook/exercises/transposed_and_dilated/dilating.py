"""Checkerboards, dilation, and what a convolution costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convbook.exercises import array, exercise, integer, number, result_of
from convbook.ops import conv2d, conv_transpose2d

if TYPE_CHECKING:
    from jaxtyping import Float

PICTURE = np.arange(1.0, 17).reshape(4, 4)
KERNEL = np.array([[1.0, -1], [2, 0]])


@exercise(
    "transposed-and-dilated-even", because="Each residue of the place then has as many weights."
)
def even(answer: Any) -> str | None:
    """The kernels of 1 to 9 weights whose stamps, 3 apart, reach all places equally often."""
    given = {integer(n) for n in array(list(answer) if isinstance(answer, set) else answer, None)}
    wanted = {k for k in range(1, 10) if np.ptp(_reached(k, 3)) == 0}
    if given == wanted:
        return None
    outside = given - set(range(1, 10))
    if outside:
        return f"{min(outside)} is none of the sizes from 1 to 9."
    wrong = given - wanted
    if wrong:
        counts = sorted(set(_reached(min(wrong), 3).tolist()))
        found = " or ".join(f"{count:g}" for count in counts)
        return f"With a kernel of {min(wrong)}, a place is reached by {found} stamps."
    return "All of these are even. There are more."


@exercise("transposed-and-dilated-paths", because="Uneven times uneven: each layer adds its own.")
def paths(answer: Any) -> str | None:
    """How uneven two 3×3 transposed convolutions of stride 2 are, in two dimensions."""
    given = number(answer)
    plane = np.ones((8, 8))
    for _ in range(2):
        plane = conv_transpose2d(plane, np.ones((3, 3)), stride=2)
    inside = plane[8:-8, 8:-8]
    ratio = inside.max() / inside.min()
    if np.isclose(given, ratio):
        return None
    if np.isclose(given, np.sqrt(ratio)):
        return "That is the ratio along a row. A picture has columns, too."
    if np.isclose(given, 4):
        return "That is one layer alone. The second one adds what the first one left uneven."
    if np.isclose(given, 16):
        return (
            "That multiplies the two ratios. But do the places that the second layer reaches most "
            "often get what the first layer made largest, and nothing else?"
        )
    return "Take a row: what does the second layer make of 1, 2, 1, 2, 1, …?"


@exercise(
    "transposed-and-dilated-flat", because="What counts is the sum of the weights at each phase."
)
def flat(answer: Any) -> str | None:
    """A 1-D kernel of three weights that keeps a row of ones, with stride 2, in spite of all."""
    kernel = array(answer, 3)
    inside = conv_transpose2d(np.ones((1, 8)), kernel[None], stride=(1, 2))[0, 2:-2]
    if not np.allclose(inside, inside[0]):
        return f"Of a row of ones, it makes {inside[0]:g} and {inside[1]:g}, in turns."
    if not np.isclose(inside[0], 1):
        return f"The row comes out flat, at {inside[0]:g} instead of 1."
    return None


@exercise(
    "transposed-and-dilated-icnr", because="Four equal filters: a block of four equal pixels."
)
def icnr(answer: Any) -> str | None:
    """Weights of a pixel shuffle that starts as nearest-neighbour interpolation."""
    rng = np.random.default_rng(0)
    w = rng.normal(size=(2, 3, 3, 3))
    given = array(result_of(answer, w.copy()), None, None, None, None)
    if given.shape != (8, 3, 3, 3):
        return f"Of (2, 3, 3, 3) weights it makes {given.shape}; it must be four times the filters."
    x = rng.normal(size=(3, 6, 6))
    shuffled = _shuffled(conv2d(x, given))
    if np.allclose(shuffled, np.repeat(np.repeat(conv2d(x, w), 2, axis=1), 2, axis=2)):
        return None
    if np.allclose(given[:2], w) and np.allclose(given[2:4], w):
        return (
            "The copies are right, their order is not. The shuffle takes the first four filters "
            "for the first map."
        )
    return "The blocks of the shuffled output are not flat, or are not what the filters give."


@exercise("transposed-and-dilated-dilate", because="Every second row, every second column.")
def dilate(answer: Any) -> str | None:
    """A 2×2 kernel with dilation 2 on a 4×4 picture."""
    wanted = conv2d(PICTURE, KERNEL, dilation=2)
    given = array(answer)
    if given.shape == (3, 3):
        return "A kernel of 2 with a gap spans 3 pixels. How often does that fit into 4?"
    if given.shape != wanted.shape:
        return f"Your result has the shape {given.shape}. How often does the kernel fit?"
    if np.allclose(given, wanted):
        return None
    if np.allclose(given, conv2d(PICTURE, KERNEL[::-1, ::-1], dilation=2)):
        return "You turned the kernel. In a network, convolution does not."
    if np.allclose(given, conv2d(PICTURE, KERNEL)[:2, :2]):
        return "That is without dilation: between two weights, one pixel is left out."
    i, j = np.argwhere(~np.isclose(given, wanted))[0]
    return f"The entry in row {i}, column {j} is not right. Which four pixels does it read?"


@exercise("transposed-and-dilated-stuffed", because="The gaps hold zeros, two between weights.")
def stuffed(answer: Any) -> str | None:
    """The kernel without dilation that equals (1, 2, 3) with dilation 3."""
    given = array(answer, None)
    wanted = np.zeros(7)
    wanted[::3] = 1, 2, 3
    if len(given) in (8, 9) and np.allclose(given[:7], wanted) and not given[7:].any():
        return "Zeros behind the last weight only make the output shorter."
    if np.array_equal(given, [1, 0, 0, 0, 2, 0, 0, 0, 3]):
        return "That is a dilation of 4: the next weight lies 4 places on."
    if len(given) != 7:
        return f"It spans {len(given)} places. How many does the dilated kernel span?"
    if np.allclose(given, wanted):
        return None
    return "Its length is right. Where do the three weights lie?"


@exercise("transposed-and-dilated-doubling", because="One more than twice the sum, 15.")
def doubling(answer: Any) -> str | None:
    """The receptive field of four 3×3 layers with dilations 1, 2, 4, 8."""
    given = integer(answer)
    side = len(_offsets([1, 2, 4, 8]))
    if given == side:
        return None
    if given == side**2:
        return "That many pixels. The exercise asks for one side."
    if given == 9:
        return "That would be four layers without dilation."
    if given == 17:
        return "That is what the last layer spans on the map below it. What do those see?"
    if given == side // 2:
        return "That is how far it reaches to one side."
    if given == side - 1:
        return "That is what the layers add. What does an output see without any?"
    return "Each layer adds twice its dilation."


@exercise("transposed-and-dilated-share", because="One pixel in four along each axis, and an end.")
def share(answer: Any) -> str | None:
    """Which share of its field three 3×3 layers of dilation 4 see."""
    given = number(answer)
    row = _offsets([4, 4, 4]) > 0
    seen = row.mean() ** 2
    if abs(given - seen) < 5e-4:
        return None
    if abs(given - row.mean()) < 5e-4:
        return "That is the share along a row."
    if np.isclose(given, 1 / 16):
        return "Close: that is the share of an endless picture. Count within the field."
    if given > 1:
        return "A share lies between 0 and 1."
    return "How many pixels along a row does the output depend on, and how long is the field?"


@exercise("transposed-and-dilated-gapless", because="Each triples the field, and no gap opens.")
def gapless(answer: Any) -> str | None:
    """Dilations of four 3-wide layers that see 81 pixels without a gap."""
    given = [integer(value) for value in array(answer, 4)]
    if min(given) < 1:
        return "A dilation is at least 1."
    if sum(given) != 40:
        return f"Their field has {1 + 2 * sum(given)} pixels along a row."
    row = _offsets(given)
    if row.min() > 0:
        return None
    return f"The field is right, but {int((row == 0).sum())} of its 81 pixels are not seen."


@exercise("transposed-and-dilated-cheaper", because="27 weights in place of 225.")
def cheaper(answer: Any) -> str | None:
    """How many times the weights of a dilated stack one 15×15 kernel has, channels alike."""
    given = number(answer)
    ratio = 15**2 / (3 * 3**2)
    if abs(given - ratio) < 0.01 * ratio:
        return None
    if abs(given - 1 / ratio) < 0.01 / ratio:
        return "The other way round."
    if np.isclose(given, 15**2 / 9):
        return "The stack has more than one layer."
    if abs(given - 15**2 / (7 * 9)) < 0.01 * ratio:
        return "That is a stack without dilation."
    if np.isclose(given, 5):
        return "A kernel has two sides."
    return "How many layers with dilations 1, 2, 4, … see 15 pixels? How many weights has each?"


@exercise(
    "transposed-and-dilated-wrapped", because="Only where the kernel stays inside is it right."
)
def wrapped(answer: Any) -> str | None:
    """How many outputs of a circular 9×9 convolution on 64×64 mix both ends of the picture."""
    given = integer(answer)
    inside = conv2d(np.ones((64, 64)), np.ones((9, 9))).size
    if given == 64**2 - inside:
        return None
    if given == inside:
        return "So many are right. How many are not?"
    if given == 64**2 - 55**2:
        return "A kernel of 9 fits into 64 more often than 55 times."
    if given in (8 * 64, 2 * 8 * 64):
        return "Rows and columns both wrap around, and they share a corner."
    return "At how many places does the kernel lie inside the picture?"


def _reached(kernel: int, stride: int) -> Float[np.ndarray, " n"]:
    """How many stamps reach each place, away from the ends."""
    counts = conv_transpose2d(np.ones((1, 20)), np.ones((1, kernel)), stride=(1, stride))[0]
    return np.asarray(counts[9:-9])


def _offsets(dilations: list[int]) -> Float[np.ndarray, " n"]:
    """Along a row, how many paths of a stack of 3-wide layers lead to each pixel of the field."""
    row = np.ones(1)
    for dilation in dilations:
        weights = np.zeros(2 * dilation + 1)
        weights[::dilation] = 1
        row = np.convolve(row, weights)
    return row


def _shuffled(maps: Float[np.ndarray, "c h w"]) -> Float[np.ndarray, "c_out h2 w2"]:
    """Weave groups of four maps into maps of twice the size, as torch's pixel_shuffle."""
    channels, height, width = maps.shape
    blocks = maps.reshape(channels // 4, 2, 2, height, width)
    return blocks.transpose(0, 3, 1, 4, 2).reshape(channels // 4, 2 * height, 2 * width)
