"""Which input pixels an entry of a feature map sees: receptive fields, exactly.

The usual recurrence follows one window, its size and its stride (Araujo, Norris and Sim 2019,
"Computing receptive fields of convolutional neural networks"). That is not enough where windows
differ from position to position. A transposed convolution with stride 2 is such a case: its even
outputs see other entries of the kernel, and other inputs, than its odd ones. What always holds is
that the windows *repeat*: some P positions further they are the same again, moved by a fixed
number of pixels. An `Axis` holds one such period.

A case by hand, along one axis: a convolution of 3 with stride 2, then a transposed convolution of
3 with stride 2, no padding. Entry i of the convolution sees the pixels 2i … 2i + 2. Entry j of the
transposed convolution touches those i with 0 ≤ j − 2i ≤ 2. An even j = 2m touches m − 1 and m, so
it sees 2m − 2 … 2m + 2, five pixels; an odd j = 2m + 1 touches m alone and sees 2m … 2m + 2, three.
The period is 2 outputs, and the shift 2 pixels: hence a stride of 1.

>>> i = after(Axis.of_pixels(9), convolution(3, stride=2), length=4)
>>> j = after(i, transposed_convolution(3, stride=2), length=9)
>>> j.windows, j.shift
(((-2, 2), (0, 2)), 2)
>>> j.extent, j.stride
(5, 1)

Padding is counted as though the image went on, so a window may start before pixel 0. All channels
of a map are taken together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

Window = tuple[int, int]  # the first and the last pixel


@dataclass(frozen=True)
class Axis:
    """What the positions of a map see of the input, along one axis.

    Position j sees the window ``windows[j]`` and, where it is not None, all of ``whole``. With
    P = ``len(windows)``, position j + P sees what j sees, ``shift`` pixels further.
    """

    length: int
    windows: tuple[Window | None, ...]  # None where a position sees nothing but the whole
    shift: int
    whole: Window | None = None  # what every position sees, as after a global pooling

    @classmethod
    def of_pixels(cls, length: int) -> Axis:
        """The axis of the input itself: each pixel sees itself."""
        return cls(length, windows=((0, 0),), shift=1)

    @classmethod
    def of_a_constant(cls, length: int, whole: Window | None) -> Axis:
        """An axis all of whose positions see the same."""
        return cls(length, windows=(None,), shift=0, whole=whole)

    def window(self, position: int) -> Window | None:
        """What a position sees, without the whole."""
        periods, residue = divmod(position, len(self.windows))
        window = self.windows[residue]
        return window and (window[0] + periods * self.shift, window[1] + periods * self.shift)

    def seen_from(self, positions: range) -> Window | None:
        """All that positions at equal steps see together."""
        period = len(self.windows)
        if len(positions) > 2 * period:  # those between see what lies between
            ends = [*positions[:period], *positions[-period:]]
        else:
            ends = [*positions]
        return hull([*map(self.window, ends), self.whole if ends else None])

    @property
    def extent(self) -> int:
        """The pixels from the first to the last that a position sees, where these are most."""
        period = len(self.windows)
        ends = {*range(self.length)[:period], *range(self.length)[-period:]}
        seen = [self.seen_from(range(j, j + 1)) for j in ends]
        return max(window[1] - window[0] + 1 if window else 0 for window in seen)

    @property
    def stride(self) -> int | Fraction | None:
        """Pixels between neighbouring positions, on average over a period; None without any."""
        stride = Fraction(self.shift, len(self.windows))
        if not stride:
            return None
        return stride.numerator if stride.denominator == 1 else stride

    @property
    def offset(self) -> float | None:
        """The centre of what position 0 sees, in pixels; 0 is the centre of the first pixel."""
        window = self.windows[0] or self.whole
        return window and (window[0] + window[1]) / 2


@dataclass(frozen=True)
class Touch:
    """What the positions of an operation's output touch of its input, along one axis.

    Position j touches ``positions[j]``, at equal steps. With P = ``len(positions)``, position
    j + P touches what j touches, ``shift`` positions further.
    """

    positions: tuple[range, ...]
    shift: int


def after(axis: Axis, touch: Touch, length: int) -> Axis:
    """What the positions see after one more operation, whose output has the given length."""
    if not touch.shift:
        return Axis.of_a_constant(length, axis.seen_from(touch.positions[0]))
    # So often, an operation's period moves on by a whole number of the axis's periods.
    repeats = len(axis.windows) // math.gcd(len(axis.windows), touch.shift)
    touched = [
        range(positions.start + n * touch.shift, positions.stop + n * touch.shift, positions.step)
        for n in range(repeats)
        for positions in touch.positions
    ]
    local = replace(axis, whole=None)
    windows = tuple(map(local.seen_from, touched))
    periods = touch.shift * repeats // len(axis.windows)
    return Axis(length, windows, periods * axis.shift, axis.whole)


def together(first: Axis, second: Axis) -> Axis | None:
    """What positions see through either of two maps that are added, multiplied or concatenated.

    A map of one position is repeated along the other one, as broadcasting does. None if the two
    have different strides: then nothing repeats.
    """
    length = max(first.length, second.length)
    first, second = (
        axis if axis.length == length else repeated(axis, length) for axis in (first, second)
    )
    whole = hull([first.whole, second.whole])
    if not (first.shift and second.shift):
        return replace(first if first.shift else second, whole=whole)
    if first.stride != second.stride:
        return None
    period = math.lcm(len(first.windows), len(second.windows))
    windows = tuple(hull([first.window(j), second.window(j)]) for j in range(period))
    return Axis(length, windows, first.shift * period // len(first.windows), whole)


def repeated(axis: Axis, length: int) -> Axis:
    """An axis of one position, or one whose positions all see the same, as such a one."""
    return Axis.of_a_constant(length, axis.seen_from(range(1)))


def hull(windows: Iterable[Window | None]) -> Window | None:
    """The smallest window around those given; None is an empty one."""
    seen = [window for window in windows if window is not None]
    return (min(seen)[0], max(last for _, last in seen)) if seen else None


# What operations touch


def convolution(kernel: int, stride: int = 1, before: int = 0, dilation: int = 1) -> Touch:
    """A convolution or a pooling, with so many pixels of padding before the first."""
    return Touch((range(-before, -before + dilation * (kernel - 1) + 1, dilation),), stride)


def transposed_convolution(
    kernel: int, stride: int = 1, before: int = 0, dilation: int = 1
) -> Touch:
    """A transposed convolution, with so many pixels cut off in front.

    Output j gets entry t of the kernel from input i, where j + before = stride·i + dilation·t.
    """
    common = math.gcd(stride, dilation)
    step = stride // common  # from one such t to the next
    inverse = pow(dilation // common, -1, step)
    positions = []
    for j in range(before, before + stride):
        entries = range(j // common * inverse % step, kernel, step)
        if j % common or not entries:
            positions.append(range(0))
        else:
            last, first = ((j - dilation * t) // stride for t in (entries[0], entries[-1]))
            positions.append(range(first, last + 1, dilation // common))
    return Touch(tuple(positions), shift=1)


def resampling(
    n: int, out: int, reach: int = 0, start: Fraction | int = 0, aligned: bool = False
) -> Touch:
    """A map of n positions spread over ``out``: output j lies at ``start + j·n / out``.

    It takes what is at the position before (reach 0), or at as many as ``reach`` on either side,
    as linear (1) and cubic (2) interpolation do. With ``aligned`` ends, outputs lie at
    ``j·(n − 1) / (out − 1)``.
    """
    step = Fraction(n - aligned, out - aligned) if out > aligned else Fraction(0)
    places = [start + j * step for j in range(step.denominator)]
    positions = []
    for place in places:
        before = math.floor(place)
        # Exactly on a position, that one has all the weight.
        alone = not reach or place == before
        positions.append(
            range(before, before + 1) if alone else range(before - reach + 1, before + reach + 1)
        )
    return Touch(tuple(positions), shift=step.numerator)


def adaptive_pooling(n: int, out: int) -> Touch:
    """Pooling over ``out`` windows that share n positions as evenly as whole numbers allow."""
    if out == 1:
        return everything(n)
    step = Fraction(n, out)
    edges = [(j * step, (j + 1) * step) for j in range(step.denominator)]
    windows = [range(math.floor(first), math.ceil(last)) for first, last in edges]
    return Touch(tuple(windows), shift=step.numerator)


def slicing(start: int, step: int = 1) -> Touch:
    """Every ``step``-th position from ``start`` on; with a negative start, padding in front."""
    return Touch((range(start, start + 1),), step)


def everything(length: int) -> Touch:
    """A global pooling, or a layer with a weight for every position."""
    return Touch((range(length),), shift=0)


# Both axes


@dataclass(frozen=True)
class Field:
    """What the entries of a feature map see of the image."""

    rows: Axis
    columns: Axis
    flat: bool = False  # the map has been flattened: its entries stand in one line

    @classmethod
    def of_image(cls, height: int, width: int) -> Field:
        """The field of the input itself."""
        return cls(Axis.of_pixels(height), Axis.of_pixels(width))

    def after(self, touch: tuple[Touch, Touch], size: tuple[int, int]) -> Field:
        """The field after an operation, given what it touches and the size of its output."""
        return Field(
            rows=after(self.rows, touch[0], size[0]),
            columns=after(self.columns, touch[1], size[1]),
        )

    def after_everything(self, flat: bool = False) -> Field:
        """The field of a global pooling (1 × 1), or of a fully connected layer (flat)."""
        touch = (everything(self.rows.length), everything(self.columns.length))
        return replace(self.after(touch, size=(1, 1)), flat=flat)

    def flattened(self) -> Field:
        """The field after the map has been flattened: its entries see what they saw."""
        return replace(self, flat=True)

    @property
    def receptive_field(self) -> tuple[int, int]:
        """Rows and columns of the largest window that an entry sees."""
        return self.rows.extent, self.columns.extent

    @property
    def stride(self) -> tuple[int | Fraction, int | Fraction] | None:
        """Pixels between the windows of neighbouring entries; None where all see the same."""
        rows, columns = self.rows.stride, self.columns.stride
        return None if self.flat or rows is None or columns is None else (rows, columns)

    @property
    def offset(self) -> tuple[float, float] | None:
        """The centre of what the first entry sees, in pixels."""
        rows, columns = self.rows.offset, self.columns.offset
        return None if rows is None or columns is None else (rows, columns)


def joined(fields: Iterable[Field]) -> Field | None:
    """What entries see through any of several maps; None where that does not repeat."""
    first, *rest = fields
    result: Field | None = first
    for field in rest:
        result = result and _two(result, field)
    return result


def _two(first: Field, second: Field) -> Field | None:
    rows = together(first.rows, second.rows)
    columns = together(first.columns, second.columns)
    if rows is None or columns is None:
        return None
    return Field(rows, columns, first.flat and second.flat)
