"""Receptive fields: against sets of pixels written out in full, and cases done by hand."""

import doctest
import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convbook import shapes
from convbook.shapes import arranging, fields, notation, sizes
from convbook.shapes.fields import Axis, after, together

N = 30  # pixels of the axis

small = st.integers(1, 4)


# Each operation as the periodic map under test, and as the set of inputs that output j touches.


@st.composite
def operations(draw):
    kind = draw(st.sampled_from(["convolution", "transposed", "nearest", "linear", "adaptive"]))
    kernel, stride, dilation = draw(small), draw(small), draw(small)
    before = draw(st.integers(0, 3))
    if kind == "convolution":
        return fields.convolution(kernel, stride, before, dilation), lambda j: {
            j * stride - before + dilation * t for t in range(kernel)
        }
    if kind == "transposed":
        return fields.transposed_convolution(kernel, stride, before, dilation), lambda j: {
            (j + before - dilation * t) // stride
            for t in range(kernel)
            if (j + before - dilation * t) % stride == 0
        }
    n, out = draw(st.integers(2, 9)), draw(st.integers(2, 9))
    if kind == "nearest":
        return fields.resampling(n, out), lambda j: {j * n // out}
    if kind == "linear":

        def touched(j):
            place = (j + 0.5) * n / out - 0.5  # as torch has it without align_corners
            nearest = round(place)
            whole = abs(place - nearest) < 1e-9
            return {nearest} if whole else {math.floor(place), math.floor(place) + 1}

        start = Fraction(n, 2 * out) - Fraction(1, 2)
        return fields.resampling(n, out, 1, start), touched
    return fields.adaptive_pooling(n, out), lambda j: {
        i
        for i in range(j * n // out - 3, (j + 1) * n // out + 3)
        if i * out < (j + 1) * n and (i + 1) * out > j * n  # pixel i overlaps the j-th share
    }


def pixels(touched, j):
    """All that position j of the last operation sees: the image goes on beyond its ends."""
    seen = {j}
    for touch in reversed(touched):
        seen = {i for position in seen for i in touch(position)}
    return seen


def span(seen):
    return (min(seen), max(seen)) if seen else None


@settings(max_examples=500)
@given(st.lists(operations(), min_size=1, max_size=4), st.integers(0, 20))
def test_windows_are_those_of_the_sets(chain, j):
    axis = Axis.of_pixels(N)
    for touch, _ in chain:
        axis = after(axis, touch, length=N)
    assert axis.window(j) == span(pixels([touched for _, touched in chain], j))
    assert axis.window(j + len(axis.windows)) == (
        axis.window(j) and tuple(edge + axis.shift for edge in axis.window(j))
    )


@given(st.lists(operations(), min_size=1, max_size=3), st.integers(1, 12))
def test_the_extent_is_the_largest(chain, length):
    axis = Axis.of_pixels(N)
    for touch, _ in chain:
        axis = after(axis, touch, length)
    spans = [span(pixels([touched for _, touched in chain], j)) for j in range(length)]
    assert axis.extent == max(1 + s[1] - s[0] if s else 0 for s in spans)


@given(st.lists(operations(), min_size=1, max_size=3), st.integers(1, 12))
def test_after_everything_all_see_all(chain, length):
    axis = Axis.of_pixels(N)
    for touch, _ in chain:
        axis = after(axis, touch, length)
    pooled = after(axis, fields.everything(length), 1)
    seen = set().union(*(pixels([touched for _, touched in chain], j) for j in range(length)))
    assert pooled.whole == span(seen)
    assert pooled.stride is None
    later = after(pooled, fields.convolution(3, 2, 1), 5)
    assert later.extent == pooled.extent
    assert later.offset == pooled.offset


@given(operations(), operations(), operations(), st.integers(0, 20))
def test_two_branches_see_what_either_sees(first, second, last, j):
    branches = [after(Axis.of_pixels(N), touch, N) for touch, _ in (first, second)]
    joined = together(*branches)
    assert (joined is None) == (branches[0].stride != branches[1].stride)
    if joined:
        seen = pixels([first[1]], j) | pixels([second[1]], j)
        assert joined.window(j) == span(seen)
        seen = set().union(*(pixels([b[1]], i) for b in (first, second) for i in last[1](j)))
        assert after(joined, last[0], N).window(j) == span(seen)


@given(small, small, st.integers(0, 20))
def test_branches_with_other_periods_are_seen_together(first, second, j):
    """Down and up again, by either: equal strides, but windows that repeat at other intervals."""
    branches, touched = [], []
    for step in (first, second):
        down, up = fields.convolution(3, step), fields.transposed_convolution(3, step)
        branches.append(after(after(Axis.of_pixels(N), down, N), up, N))
        touched.append(
            [
                lambda j, step=step: {j * step + t for t in range(3)},
                lambda j, step=step: {(j - t) // step for t in range(3) if (j - t) % step == 0},
            ]
        )
    seen = pixels(touched[0], j) | pixels(touched[1], j)
    assert together(*branches).window(j) == span(seen)


def test_the_extent_counts_the_last_position_too():
    local = after(Axis.of_pixels(N), fields.convolution(3), N)
    mean = Axis.of_a_constant(N, (0, N - 1))
    assert together(local, mean).extent == N + 2  # from pixel 0 to the last window's end


def test_a_map_times_its_mean_sees_all_and_keeps_its_stride():
    """As in squeeze-and-excitation."""
    local = after(Axis.of_pixels(N), fields.convolution(3, 2, 1), 15)
    mean = after(local, fields.everything(15), 1)
    gated = after(together(local, mean), fields.convolution(3, 2, 1), 8)
    assert (gated.stride, gated.offset) == (4, 0)
    assert gated.window(2) == (5, 11)
    assert mean.whole == (-1, 29)
    assert gated.extent == 29 - -3 + 1  # the first position's window begins at −3


def test_downsampling_and_a_transposed_convolution_give_two_kinds_of_windows():
    """An affine formula cannot say this: 5 pixels at even outputs, 3 at odd ones."""
    axis = after(Axis.of_pixels(9), fields.convolution(3, 2), 4)
    axis = after(axis, fields.transposed_convolution(3, 2), 9)
    assert [axis.window(j) for j in range(4)] == [(-2, 2), (0, 2), (0, 4), (2, 4)]
    assert (axis.extent, axis.stride, axis.offset) == (5, 1, 0)


def test_a_gap_between_stamps_sees_nothing():
    axis = after(Axis.of_pixels(4), fields.transposed_convolution(1, 3), 10)
    assert axis.windows == ((0, 0), None, None)
    assert axis.stride == Fraction(1, 3)
    assert axis.extent == 1
    averaged = after(axis, fields.convolution(2, 3, dilation=1), 3)
    assert averaged.window(1) == (1, 1)


def test_large_numbers_take_no_longer():
    axis = after(Axis.of_pixels(10**9), fields.convolution(10**8 + 1, 1, 5 * 10**7), 10**9)
    axis = after(axis, fields.transposed_convolution(10**8, 2), 2 * 10**9)
    assert axis.extent == 10**8 + 1 + 10**8 // 2 - 1
    assert after(axis, fields.everything(2 * 10**9), 1).extent > 10**9


@pytest.mark.parametrize("module", [fields, sizes, notation, arranging, shapes])
def test_the_examples_in_the_documentation(module):
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0
