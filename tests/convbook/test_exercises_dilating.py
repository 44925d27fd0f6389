"""The exercises on checkerboards and dilation: right in any form, wrong in the usual ways."""

import numpy as np
import pytest
import torch
from trying import accept, cases, hint_for, loaded_by_check

PREFIX = "transposed-and-dilated-"


def chapter(table):
    return {PREFIX + slug: answers for slug, answers in table.items()}


RIGHT = chapter(
    {
        "even": [[3, 6, 9], {9, 3, 6}, (6, 3, 9, 3), np.array([3, 6, 9]), range(3, 10, 3)],
        "paths": [9, 9.0, np.int64(9)],
        "flat": [
            [0.5, 1, 0.5],
            [1, 1, 0],
            (0, 1, 1),
            torch.tensor([2.0, 1, -1]),
            np.array([0.25, 1, 0.75]),
        ],
        "icnr": [
            lambda w: np.repeat(w, 4, axis=0),
            lambda w: torch.tensor(w).repeat_interleave(4, 0),
            lambda w: [kernel for kernel in w for _ in range(4)],
        ],
        "dilate": [[[16, 18], [24, 26]], np.array([[16.0, 18], [24, 26]])],
        "stuffed": [[1, 0, 0, 2, 0, 0, 3], (1.0, 0, 0, 2, 0, 0, 3)],
        "doubling": [31, 31.0],
        "share": [49 / 625, 0.0784, 0.078],
        "gapless": [[1, 3, 9, 27], (27, 1, 9, 3), np.array([3, 1, 27, 9])],
        "cheaper": [225 / 27, 8.33, 25 / 3],
        "wrapped": [960, 960.0],
    }
)

WRONG = chapter(
    {
        "even": [[3], [3, 6], [3, 6, 9, 12], [1, 3, 6, 9], [2, 4], [], [1.5], "3, 6, 9"],
        "paths": [3, 4, 16, 2, 1, 0, -9, "nine"],
        "flat": [[1, 1, 1], [1, 2, 1], [0, 0, 0], [0.5, 1], [1, 0, 0], "linear"],
        "icnr": [
            lambda w: np.tile(w, (4, 1, 1, 1)),
            lambda w: np.concatenate([w] * 4),
            lambda w: w,
            lambda _: np.zeros((8, 3, 3, 3)),
            lambda w: np.repeat(w, 4, axis=0)[::-1],
            lambda w: w.mean(),
            lambda _: 1 / 0,
            "repeat",
        ],
        "dilate": [
            [[16, 18], [24, 27]],
            [[19, 21], [27, 29]],
            [[9, 11], [17, 19]],
            np.ones((3, 3)),
            [16],
            16,
            "no",
        ],
        "stuffed": [
            [1, 2, 3],
            [1, 0, 2, 0, 3],
            [1, 0, 0, 0, 2, 0, 0, 0, 3],
            [1, 0, 0, 2, 0, 0, 3, 0, 0],
            [3, 0, 0, 2, 0, 0, 1],
            [0, 1, 0, 2, 0, 3, 0],
            7,
        ],
        "doubling": [15, 9, 17, 961, 30, 0, -1, 31.5, "all"],
        "share": [7 / 25, 1 / 16, 7.84, 0.5, 0, -1, "some"],
        "gapless": [
            [1, 2, 4, 8],
            [10, 10, 10, 10],
            [0, 4, 9, 27],
            [1, 4, 8, 27],
            [1, 3, 9],
            [1.5, 3, 9, 26.5],
            81,
        ],
        "cheaper": [27 / 225, 25, 225 / 63, 5, 1, 0, -8.33, "more"],
        "wrapped": [3136, 64**2 - 55**2, 512, 1024, 0, 4096, 960.5, "most"],
    }
)

ODD = [None, "", [], {}, object(), float("nan"), [[1, 2], [3]], lambda: 1, 1e300, np.zeros(0)]


@pytest.mark.parametrize(("id", "answer"), cases(RIGHT))
def test_right_answers_are_accepted_in_any_form(id, answer):
    accept(id, answer)


@pytest.mark.parametrize(("id", "answer"), cases(WRONG))
def test_wrong_answers_get_a_hint(id, answer):
    hint_for(id, answer)


@pytest.mark.parametrize(("id", "answer"), cases(dict.fromkeys(RIGHT, ODD)))
def test_odd_answers_get_a_hint(id, answer):
    hint_for(id, answer)


@pytest.mark.parametrize("id", RIGHT)
def test_different_mistakes_get_different_hints(id):
    assert len({hint_for(id, answer) for answer in WRONG[id]}) >= 4


@pytest.mark.parametrize(
    ("slug", "answer", "given_away"),
    [
        ("paths", 3, "9"),
        ("doubling", 9, "31"),
        ("share", 7 / 25, "49"),
        ("cheaper", 25, "8.3"),
        ("wrapped", 512, "960"),
        ("gapless", [1, 2, 4, 8], "27"),
    ],
)
def test_a_hint_does_not_give_the_answer_away(slug, answer, given_away):
    assert given_away not in hint_for(PREFIX + slug, answer)


def test_checking_loads_none_of_the_heavy_packages():
    assert loaded_by_check(PREFIX + "even", [3, 6, 9]) == set()
