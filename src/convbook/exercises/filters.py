"""The exercises of the chapter Filters. A kernel is judged by what it does, not by its entries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from convbook.exercises import array, exercise, number, one_of, result_of
from convbook.filters import box, compose, displacement, filtered, transfer
from convbook.ops import PADDING_MODES

if TYPE_CHECKING:
    from jaxtyping import Float

    from convbook.ops.padding import PaddingMode

TOLERANCE = 1e-6

# The kernels that the exercises ask about.
LOOK_RIGHT = np.array([[0, 0, 0], [0, 0, 1], [0, 0, 0]])
CRISPEN = np.array([[0, -1, 0], [-1, 6, -1], [0, -1, 0]])
LOPSIDED = np.array([[1, 2, 0], [0, 0, 0], [0, 0, -3]])
THIN_LINES = np.array([[1, -2, 1], [2, -4, 2], [1, -2, 1]])


@exercise("filters-shift", because="The output copies its right neighbour, so all moves left.")
def shift(answer: Any) -> str | None:
    """Where a kernel with a single 1 moves the picture: (down, right)."""
    given, wanted = array(answer, 2), np.array(displacement(LOOK_RIGHT))
    if _same(given, wanted):
        return None
    if _same(given, -wanted):
        return (
            "That is where the kernel looks. Something found there appears in the middle: "
            "in which direction has it travelled?"
        )
    if _same(given, wanted[::-1]) or _same(given, -wanted[::-1]):
        return "Mind the order: first rows (down), then columns (right)."
    return "Write down y[i, j] for this kernel: a single pixel of x remains. Which one?"


@exercise("filters-constant", because="On one grey level, only the sum of the weights counts.")
def constant(answer: Any) -> str | None:
    """What `CRISPEN` makes of the grey level 0.4."""
    wanted = 0.4 * CRISPEN.sum()
    if _same(number(answer), wanted):
        return None
    if _same(number(answer), 0.4):
        return "The grey level would survive if the nine weights added up to 1. Add them."
    return "All nine pixels have the same value: take it out of the sum, and see what is left."


@exercise("filters-unflip", because="Turned twice by 180°, a kernel is what it was.")
def unflip(answer: Any) -> str | None:
    """The kernel with which SciPy's convolve does what conv2d does with `LOPSIDED`."""
    given = array(answer, 3, 3)
    seen = given[::-1, ::-1]  # what scipy.ndimage.convolve slides over the image
    if _same(seen, LOPSIDED):
        return None
    if _same(given, LOPSIDED):
        return "SciPy turns the kernel before it slides it. Turned, this one is another kernel."
    if _same(seen, LOPSIDED[::-1]) or _same(seen, LOPSIDED[:, ::-1]):
        return "You turned it about one axis; SciPy turns it about both."
    if _same(seen, LOPSIDED.T) or _same(given, LOPSIDED.T):
        return "A transposed kernel swaps rows and columns; that is not what SciPy does."
    return "Mark where the 1 stands, and follow it through SciPy's turn."


@exercise("filters-stripes", because="The two half weights at the ends keep it in the middle.")
def stripes(answer: Any) -> str | None:
    """A 7×7 kernel that keeps grey, removes stripes of period 6, and moves nothing."""
    kernel = array(answer, 7, 7)
    harmonics = np.arange(1, 4) / 6
    if not _keeps_grey(kernel):
        return "A picture of one grey level does not come out as it was."
    for down, right, name in ((0 * harmonics, harmonics, "vertical"), (harmonics, 0, "horizontal")):
        if _gain(kernel, down, right).max() > TOLERANCE:
            return f"Some {name} stripes with a period of 6 pixels are still there."
    if not _same(displacement(kernel), (0, 0)):
        return "The stripes are gone, but the picture has moved: see its displacement."
    return None


@exercise("filters-motion", because="It averages along one direction and leaves the other alone.")
def motion(answer: Any) -> str | None:
    """A 9×9 kernel that blurs along the falling diagonal only."""
    kernel = array(answer, 9, 9)
    f = np.linspace(0.05, 0.45, 9)
    if not _keeps_grey(kernel):
        return "A picture of one grey level does not come out as it was."
    if np.abs(transfer(kernel, f, f) - 1).max() < TOLERANCE:
        return "This blurs along the other diagonal, from the bottom left to the top right."
    if np.abs(transfer(kernel, f, -f) - 1).max() > TOLERANCE:
        return (
            "A picture that does not change along the falling diagonal should come out as it was. "
            "Which pixels may the kernel mix?"
        )
    if _gain(kernel, 1 / 9, 1 / 9) > 0.1:
        return "Stripes that cross the diagonal, with a period of 9 pixels, should fade to a tenth."
    return None


@exercise("filters-twice", because="Two boxes make a tent: a first step towards the Gaussian.")
def twice(answer: Any) -> str | None:
    """The one kernel that does what the 3×3 average does twice."""
    given, wanted = array(answer, None, None), compose(box(3), box(3))
    if given.shape != wanted.shape:
        return "How far can a pixel's influence reach after one average, and how far after two?"
    if _same(given, wanted):
        return None
    if _same(given / given.sum() if given.sum() else given, wanted):
        return "The shape is right; the strength is not. What becomes of one grey level?"
    if _same(given, box(5)):
        return "That weighs all 25 pixels alike. In how many ways does the middle one enter?"
    return "Send one bright pixel through the average twice, and look at what comes out."


@exercise("filters-median", because="No sum of products can do that: sums of products add up.")
def medians(answer: Any) -> str | None:
    """Two signals of three pixels whose medians do not add up."""
    a, b = array(answer, 2, 3)
    if min(a.min(), b.min()) <= 0:
        return "All six numbers should be positive."
    if np.isclose(np.median(a) + np.median(b), np.median(a + b)):
        return "For these two, the medians add up. Let the middle value sit at different pixels."
    return None


@exercise("filters-separate", because="A column times a row: 6 multiplications instead of 9.")
def separated(answer: Any) -> str | None:
    """A column and a row whose product is `THIN_LINES`."""
    column, row = _column_and_row(answer)
    product = np.outer(column, row)
    if _same(product, THIN_LINES):
        return None
    if _same(product, THIN_LINES.T):
        return "Your product is the kernel transposed: which of the two runs down?"
    if np.any(product) and np.linalg.matrix_rank(np.stack([product, THIN_LINES]).reshape(2, 9)) < 2:
        return "The product has the right shape but another strength, or the wrong sign."
    return "Look at the rows of the kernel: each is a multiple of the same row. Which multiples?"


@exercise("filters-line", because="A second derivative across, nothing along.")
def line(answer: Any) -> str | None:
    """A 3×3 kernel for bright vertical lines, one pixel wide."""
    kernel = array(answer, 3, 3)
    vertical = np.zeros((7, 7))
    vertical[:, 3] = 1
    if not _same(filtered(np.ones((7, 7)), kernel), 0):
        return "On a picture of one grey level the response should be 0."
    if not _same(filtered(vertical.T, kernel)[1:-1, 1:-1], 0):
        return "It answers to a horizontal line; it should be blind to that."
    if not _same(_on_ramp(kernel, 0, 1), 0):
        return (
            "It answers to brightness that rises steadily to the right: that is an edge detector."
        )
    at_line = filtered(vertical, kernel)[3, 3]
    if at_line < 0:
        return "On a bright vertical line the response should be positive."
    if not _same(at_line, 1):
        return "On a bright vertical line the response should be exactly 1. Scale it."
    return None


@exercise("filters-sharpen", because="The picture plus what a blur would have taken away.")
def sharpen(answer: Any) -> str | None:
    """A 3×3 kernel that keeps grey and slopes, and triples the finest stripes."""
    kernel = array(answer, 3, 3)
    if not _keeps_grey(kernel):
        return "A picture of one grey level does not come out as it was."
    if not _same([_on_ramp(kernel, 1, 0), _on_ramp(kernel, 0, 1)], 0):
        return "A steady slope does not come out as it was: it is shifted to brighter or darker."
    finest = transfer(kernel, [0, 0.5], [0.5, 0])
    if np.abs(finest).max() < 1:
        return "This weakens the finest stripes: it is a blur."
    if finest.real.max() < 0:
        return "In the finest stripes, light and dark have changed places. Mind the signs."
    if not _same(finest.real, 3):
        return "Stripes of period 2, vertical or horizontal, should come out three times as strong."
    return None


@exercise("filters-emboss", because="A slope along one diagonal, added to the picture itself.")
def emboss(answer: Any) -> str | None:
    """A 3×3 kernel that lights brightness, taken as height, from the top left."""
    kernel = array(answer, 3, 3)
    if not _keeps_grey(kernel):
        return "A picture of one grey level does not come out as it was."
    if not _same(_on_ramp(kernel, 1, -1), 0):
        return (
            "A slope that rises to the bottom left runs across the light; it should stay as it is."
        )
    along = _on_ramp(kernel, 1, 1)
    if _same(along, 0):
        return "A slope that rises to the bottom right faces the light, yet it gets no brighter."
    if along < 0:
        return "The light comes from the wrong side: from the bottom right."
    return None


@exercise("filters-direction", because="Rows count downwards, so upwards is a negative angle.")
def direction(answer: Any) -> str | None:
    """The gradient's angle, in degrees, where brightness rises to the upper right."""
    angle = number(answer)
    if _same(angle % 360, 315):
        return None
    if _same(angle % 360, 45):
        return "That is right where the second axis points up. Which way do rows count?"
    if _same(angle, -np.pi / 4):
        return "Give the angle in degrees."
    return "Take signs first: is the slope down positive or negative here, and the slope right?"


@exercise("filters-band-pass", because="Nothing of the grey, little of the finest, most between.")
def band_pass(answer: Any) -> str | None:
    """A kernel that prefers stripes of period 8 to finer and to coarser ones."""
    kernel = array(answer, None, None)
    if kernel.shape[0] != kernel.shape[1] or kernel.shape[0] % 2 == 0 or len(kernel) > 15:
        return "The kernel should be square, with an odd side of 15 at most."
    if not _same(kernel.sum(), 0):
        return "A picture of one grey level should come out as 0."
    frequencies = np.array([1 / 8, 1 / 3, 1 / 40])
    for down, right in ((0 * frequencies, frequencies), (frequencies, 0 * frequencies)):
        wanted, fine, coarse = _gain(kernel, down, right)
        if wanted < TOLERANCE:
            return "Stripes of period 8 do not pass at all, in one direction at least."
        if wanted < 2 * fine:
            return "Stripes of period 3 are too strong beside those of period 8."
        if wanted < 2 * coarse:
            return "Stripes of period 40 are too strong beside those of period 8."
    return None


@exercise("filters-border", because="On a torus every pixel enters equally many windows.")
def border(answer: Any) -> str | None:
    """Under which padding an average changes no picture's mean."""
    chosen = cast("PaddingMode", one_of(answer, tuple(PADDING_MODES)))
    image = np.zeros((9, 9))
    image[0], image[:, 1] = 1, 0.5
    if _same(filtered(image, box(5), chosen).mean(), image.mean()):
        return None
    return "Count for a pixel at the edge, and for its neighbour, how often the windows show each."


@exercise("filters-ncc", because="Brightness and contrast drop out; the pattern is left.")
def ncc(answer: Any) -> str | None:
    """A function that correlates two patches, whatever their brightness and contrast."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 5, 6))

    def given(first: Float[np.ndarray, "h w"], second: Float[np.ndarray, "h w"]) -> float:
        return number(result_of(answer, first.copy(), second.copy()))

    if not _same(given(a, a), 1):
        return "A patch compared with itself should give 1."
    if not _same(given(a, a + 0.3), 1):
        return "A patch and a brighter copy of it (0.3 added) should give 1."
    if not _same(given(a, 2 * a), 1):
        return "A patch and a copy of twice the contrast should give 1."
    if not _same(given(a, 1 - a), -1):
        return "A patch and its negative should give −1."
    if not _same(given(a, b), np.corrcoef(a.ravel(), b.ravel())[0, 1]):
        return "For two unrelated patches the value is off; is every sum over all pixels?"
    return None


def _same(given: Any, wanted: Any) -> bool:
    return bool(np.allclose(given, wanted, rtol=0, atol=TOLERANCE))


def _column_and_row(answer: Any) -> Float[np.ndarray, "2 3"]:
    """Two vectors of three numbers, which may come as 3×1 and 1×3, as in the chapter."""
    try:
        column, row = answer
    except (TypeError, ValueError):
        return array(answer, 2, 3)  # which says what was expected
    flat = [part.ravel() if part.size == 3 else part for part in (array(column), array(row))]
    return np.stack([array(part, 3) for part in flat])


def _keeps_grey(kernel: Float[np.ndarray, "kh kw"]) -> bool:
    return _same(kernel.sum(), 1)


def _gain(kernel: Float[np.ndarray, "kh kw"], down: Any, right: Any) -> Float[np.ndarray, "*shape"]:
    return np.asarray(np.abs(transfer(kernel, down, right)))


def _on_ramp(kernel: Float[np.ndarray, "kh kw"], down: float, right: float) -> float:
    """What a kernel answers in the middle of a ramp whose height there is 0."""
    rows, columns = np.indices(kernel.shape) - 1
    return float(np.sum(kernel * (down * rows + right * columns)))
