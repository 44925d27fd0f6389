"""A kernel's mean, rows, columns and rest: what they add up to, and what images see of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from convbook.kernel_parts import PARTS, shares, split, without
from convbook.ops import conv2d

sizes = st.tuples(st.integers(1, 7), st.integers(1, 7))
kernels = sizes.flatmap(
    lambda size: hnp.arrays(np.float64, (3, *size), elements=st.floats(-10, 10, width=16))
)


def test_a_case_done_by_hand():
    parts = split([[4, 2, 0], [1, 1, 1], [0, 0, 0]])
    assert np.allclose(parts["mean"], 1)
    assert np.allclose(parts["rows"], np.array([[1], [0], [-1]]) * np.ones(3))
    assert np.allclose(parts["columns"], np.ones((3, 1)) * [2 / 3, 0, -2 / 3])
    assert np.allclose(parts["rest"], np.array([[4, 0, -4], [-2, 0, 2], [-2, 0, 2]]) / 3)


@given(kernels)
def test_the_parts_add_up_and_their_energies_too(stack):
    parts = split(stack)
    assert np.allclose(sum(parts.values()), stack, atol=1e-9)
    energy = sum((part**2).sum() for part in parts.values())
    assert np.isclose(energy, (stack**2).sum(), atol=1e-9)
    assert np.allclose(parts["rest"].sum(-1), 0, atol=1e-9)
    assert np.allclose(parts["rest"].sum(-2), 0, atol=1e-9)


@given(kernels, st.integers(0, 2**32 - 1))
def test_images_that_are_constant_along_rows_see_mean_and_rows_alone(stack, seed):
    profile = np.random.default_rng(seed).normal(size=9)
    horizontal = np.repeat(profile[:, None], 9, axis=1)
    for kernel in stack:
        parts = split(kernel)
        seen = parts["mean"] + parts["rows"]
        assert np.allclose(conv2d(horizontal, kernel), conv2d(horizontal, seen), atol=1e-8)
        seen = parts["mean"] + parts["columns"]
        assert np.allclose(conv2d(horizontal.T, kernel), conv2d(horizontal.T, seen), atol=1e-8)


def test_a_random_kernel_shares_its_energy_by_the_numbers_of_dimensions():
    drawn = np.random.default_rng(0).normal(size=(20_000, 7, 7))
    assert np.allclose(shares(drawn).mean(0), np.array([1, 6, 6, 36]) / 49, atol=0.005)


def test_shares_sum_to_one_and_name_pure_kernels():
    assert np.allclose(shares(np.ones((3, 3))), [1, 0, 0, 0])
    assert np.allclose(shares([[1, 1], [-1, -1]]), [0, 1, 0, 0])
    assert np.allclose(shares([[1, -1], [1, -1]]), [0, 0, 1, 0])
    assert np.allclose(shares([[1, -1], [-1, 1]]), [0, 0, 0, 1])


@pytest.mark.parametrize("part", PARTS)
def test_taking_a_part_away_leaves_none_of_it_and_all_of_the_others(part):
    kernel = np.random.default_rng(1).normal(size=(2, 5, 5))
    left, whole = split(without(kernel, part)), split(kernel)
    for name in PARTS:
        assert np.allclose(left[name], 0 if name == part else whole[name])


def test_what_has_no_parts_is_refused():
    with pytest.raises(ValueError, match="kernels"):
        split([1, 2, 3])
    with pytest.raises(ValueError, match="zero"):
        shares(np.zeros((2, 3, 3)))
    with pytest.raises(ValueError, match="part is 'row'"):
        without(np.ones((3, 3)), "row")
