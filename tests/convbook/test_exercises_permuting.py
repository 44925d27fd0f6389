"""The exercises about permuted pixels and pooling: right in any form, wrong in the usual ways."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from trying import accept, cases, hint_for, loaded_by_check

from convbook.exercises import Exercise, check
from convbook.exercises.inductive_bias import permuting

PIXELS = np.arange(16).reshape(4, 4)


def by_loop(weights, order):
    twin = np.zeros_like(weights)
    for new, old in enumerate(order):
        twin[:, new] = weights[:, old]
    return twin


def by_matrix(weights, order):
    return torch.tensor(weights) @ torch.eye(len(order), dtype=torch.float64)[:, order]


RIGHT = {
    "twin": [lambda weights, order: weights[:, order], by_loop, by_matrix],
    "harmless": [
        np.roll(PIXELS, 1, axis=1).ravel(),
        np.roll(PIXELS, (2, 3), axis=(0, 1)).ravel().tolist(),
        torch.tensor(np.roll(PIXELS, 1, axis=0).ravel()),
    ],
    "far": [[[7, 6], [6, 5]], [[3, 7], [7, 10]], np.array([[-7, 6], [6, -5]], dtype=float)],
    "blocks": [[16, 400], (16.0, 400.0), np.array([4**2, 20**2])],
    "larger": [[1 / 3, 1 / 9], (0.33, 0.11), np.array([20 / 60, (20 / 60) ** 2])],
}

WRONG = {
    "twin": [
        lambda weights, _: weights,
        lambda weights, order: weights[:, np.argsort(order)],
        lambda weights, _: weights[::-1],
        lambda weights, order: weights[:, order] + 1,
        lambda weights, order: weights[:, order].T,
        lambda weights: weights,
        "permute them",
    ],
    "harmless": [
        np.arange(16),
        np.zeros(16),
        np.random.default_rng(0).permutation(16),
        PIXELS.T.ravel(),
        PIXELS[:, ::-1].ravel(),
        np.arange(16) + 0.5,
        PIXELS,
        None,
    ],
    "far": [
        [[2, 0], [0, 1]],
        [[7, 1], [6, 1]],
        [[1, 7], [0, 9]],
        [[1, 0], [0, 1]],
        [[0.5, 7], [7, 10]],
        [1, 2],
        np.full((2, 2), 1e300),
        "far",
    ],
    "blocks": [[25, 1], [400, 400], [16, 1], [4, 400], [16, 256], [400, 16], 16, "many"],
    "larger": [
        [3, 9],
        [1 / 9, 1 / 3],
        [1, 1],
        [1 / 3, 1 / 3],
        [1 / 2, 1 / 9],
        [1 / 3, 1 / 6],
        [1 / 3],
        "less",
    ],
}


def whole(table):
    return {f"inductive-bias-{slug}": entry for slug, entry in table.items()}


def test_every_exercise_is_tried():
    ids = {item.id for item in vars(permuting).values() if isinstance(item, Exercise)}
    assert ids == set(whole(RIGHT)) == set(whole(WRONG))


@pytest.mark.parametrize(("id", "answer"), cases(whole(RIGHT)))
def test_right_answers_are_accepted_in_every_form(id, answer):
    accept(id, answer)


@pytest.mark.parametrize(("id", "answer"), cases(whole(WRONG)))
def test_wrong_answers_get_a_hint(id, answer):
    hint_for(id, answer)


def test_each_usual_mistake_has_a_hint_of_its_own():
    counts = {"twin": 4, "harmless": 3, "far": 3, "blocks": 5, "larger": 6}
    for slug, count in counts.items():
        hints = {hint_for(f"inductive-bias-{slug}", answer) for answer in WRONG[slug][:count]}
        assert len(hints) == count, slug


@given(st.integers(0, 3), st.integers(0, 3))
def test_every_translation_but_none_is_harmless(rows, columns):
    order = np.roll(PIXELS, (rows, columns), axis=(0, 1)).ravel()
    assert bool(check("inductive-bias-harmless", order)) == ((rows, columns) != (0, 0))


@given(st.permutations(range(16)))
def test_no_other_order_is_harmless(order):
    grid = np.reshape(order, (4, 4))
    moved = [np.roll(PIXELS, (r, c), axis=(0, 1)) for r in range(4) for c in range(4)]
    translation = any(np.array_equal(grid, one) for one in moved[1:])
    assert bool(check("inductive-bias-harmless", order)) == translation


@given(st.lists(st.integers(-25, 25), min_size=4, max_size=4))
def test_far_is_right_for_invertible_matrices_that_part_neighbours(entries):
    (a, b), (c, d) = matrix = np.reshape(entries, (2, 2))
    apart = [max(min(x % 20, -x % 20) for x in step) for step in matrix.T]
    right = np.gcd(a * d - b * c, 20) == 1 and min(apart) >= 5
    assert bool(check("inductive-bias-far", matrix)) == right


def test_checking_loads_nothing_heavy():
    assert not loaded_by_check("inductive-bias-larger", [1 / 3, 1 / 9])
