"""The exercises about matrices and transposing: right in any form, wrong in the usual ways."""

import numpy as np
import pytest
import torch
from trying import accept, cases, hint_for, ids_of, loaded_by_check

MATRIX = [[0, -1, 0, 0, 0], [0, 1, 0, -1, 0], [0, 0, 0, 1, 0]]


def titled(table):
    return cases({f"transposed-and-dilated-{slug}": answers for slug, answers in table.items()})


RIGHT = {
    "local": [14400, 14400.0, np.int64(14400)],
    "matrix": [MATRIX, np.array(MATRIX), torch.tensor(MATRIX)],
    "recover": [[1, -1, 2], (1.0, -1.0, 2.0), np.array([1, -1, 2])],
    "unseen": [[1, 0, -1], [-0.5, 0, 0.5], np.array([1e-6, 0, -1e-6])],
    "stamps": [[2, 5, -7, 2], np.convolve([2, -1], [1, 3, -2])],
    "undo": [[0.6, 0.8], [1, 0], (0, -1), np.array([0.5, 0.5]) * np.sqrt(2)],
    "return": [1, 1.0],
    "turned": [[[4, 3], [2, 1]], np.rot90([[1, 2], [3, 4]], 2)],
    "linear": [
        np.array([1, 2, 3, 2, 1]) / 3,
        [0, 1 / 3, 2 / 3, 1, 2 / 3, 1 / 3, 0],
        np.convolve([1, 1, 1], [1, 1, 1]) / 3,
        [*np.array([1, 2, 3, 2, 1]) / 3, *np.zeros(30)],
    ],
}

# Answers that get a hint of their own, and a word that only this hint has.
FORESEEN = {
    "local": [(25, "share"), (24**2 * 28**2, "every pixel"), (28**2 * 25, "wholly"), (100, "many")],
    "matrix": [
        (np.transpose(MATRIX), "transpose"),
        (np.zeros((3, 7)), "shape"),
        (np.negative(MATRIX), "flipped"),
        ([[1, 0, -1, 0, 0], [0, 1, 0, -1, 0], [0, 0, 0, 1, 0]], "Row 0"),
        ([[0, -1, 0, 0, 0], [0, 1, 0, -1, 0], [0, 0, 0, 1, 5]], "Row 2"),
    ],
    "recover": [([2, -1, 1], "order"), ([1, 1, 1], "3, 3, 4")],
    "unseen": [([0, 0, 0], "All zeros"), ([1, 0, 0], "1 and 2"), ([1, -0.5, 0], "0 and 1.5")],
    "stamps": [
        ([2, 5, -7], "3 numbers"),
        ([-4, 8, -1, -1], "flipped"),
        ([2, 7, -7, 2], "Place 1"),
        ([2, 5, -7, -2], "Place 3"),
    ],
    "undo": [([1, 1], "makes 2"), ([0.5, 0.5], "0.5"), ([0, 0], "makes 0")],
    "return": [(0, "13"), (2, "stride"), (-1, "stride")],
    "turned": [
        ([[1, 2], [3, 4]], "single 1"),
        ([[1, 3], [2, 4]], "diagonal"),
        ([[3, 4], [1, 2]], "one axis"),
        ([[2, 1], [4, 3]], "one axis"),
        ([[4, 2], [3, 1]], "should the convolution"),
    ],
    "linear": [
        ([1, 1], "short"),
        ([1, 2, 3, 2, 1], "stay equal"),
        ([1, 1, 1], "steps of 1, 0"),
        ([0.5, 1, 0.5], "stay equal"),
        (np.zeros(5), "short"),
        (np.ones(30) / 10, "further"),
        # Averaged with its own shift by three, a tent maps lines to lines, and smooths the rest.
        (np.convolve(np.array([1, 2, 3, 2, 1]) / 3, [0.5, 0, 0, 0.5]), "further"),
    ],
}

ODD = ["", None, [], "many", [[1, 2], [3]], [np.nan] * 3, lambda x: x]


@pytest.mark.parametrize(("id", "answer"), titled(RIGHT))
def test_right_answers_are_accepted(id, answer):
    accept(id, answer)


@pytest.mark.parametrize(("id", "case"), titled(FORESEEN))
def test_a_usual_mistake_gets_its_own_hint(id, case):
    answer, word = case
    assert word in hint_for(id, answer)


@pytest.mark.parametrize(("id", "answer"), titled(dict.fromkeys(RIGHT, ODD)))
def test_what_is_no_answer_gets_a_hint(id, answer):
    hint_for(id, answer)


def test_every_answer_of_this_half_is_tried():
    assert set(RIGHT) == set(FORESEEN)
    assert {f"transposed-and-dilated-{slug}" for slug in RIGHT} <= ids_of("transposed-and-dilated")


def test_a_kernel_of_random_weights_is_none_of_the_answers():
    rng = np.random.default_rng(0)
    shapes = {"recover": 3, "unseen": 3, "undo": 2, "turned": (2, 2), "linear": 5}
    for slug, shape in shapes.items():
        hint_for(f"transposed-and-dilated-{slug}", rng.normal(size=shape))


def test_checking_needs_numpy_alone():
    assert loaded_by_check("transposed-and-dilated-turned", [[4, 3], [2, 1]]) == set()
