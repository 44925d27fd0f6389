"""The exercises about procedure and shift: right in any form, wrong in the usual ways."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from scipy.stats import binom
from trying import accept, cases, hint_for, ids_of, loaded_by_check

from convbook.calibration import fitted_temperature

CHAPTER = "inductive-bias"


def by_torch(scores, labels):
    z, y = torch.tensor(scores), torch.tensor(labels)
    return minimize_scalar(
        lambda t: float(torch.nn.functional.cross_entropy(z / t, y)),
        bounds=(0.05, 50),
        method="bounded",
    ).x


def best_of_ten():
    """Exactly, by the distribution of the largest of ten binomial numbers."""
    below = binom.cdf(np.arange(151), 150, 0.7) ** 10
    return float((1 - below).sum() / 150 - 0.7)


RIGHT = {
    "calibration-error": [0.135, 27 / 200, np.array([0.135])],
    "temperature": [
        fitted_temperature,
        by_torch,
        lambda z, y: [fitted_temperature(z, y)],
        lambda z, y: 1.02 * fitted_temperature(z, y),  # the loss agrees to four digits
    ],
    "optimism": [best_of_ten(), 0.057, 1.54 * np.sqrt(0.21 / 150)],
    "evidence": [
        lambda n, w: (0, w * n / 2, w * n / 2),
        lambda n, w: np.array([0, n // 2, n // 2]) * w,
    ],
    "offsets": [6, 6.0, np.int64(6)],
    "shifts": [lambda p: 2**p, lambda p: 1 << p],
}

WRONG = {
    "calibration-error": [13.5, 0.1, -0.105, 0.105, 0.2, 0.5, "large"],
    "temperature": [
        lambda z, y: 1 / fitted_temperature(z, y),
        lambda *_: 1.0,
        lambda *_: -2,
        lambda z, y: 1.1 * fitted_temperature(z, y),
        lambda _: 1,
        2.5,
    ],
    "optimism": [0.7 + best_of_ten(), 5.67, 0, 0.0374, 0.3, "much"],
    "evidence": [
        lambda n, w: (w * n / 2, w * n / 2, 0),
        lambda n, w: (0, w * n, 0),
        lambda n, w: (0, 0, w * n),
        lambda _, w: (0, w, w),
        lambda n, w: w * n,
        (0, 14, 14),
    ],
    "offsets": [14, 8, 20, 5, 0, 6.5, "none"],
    "shifts": [
        lambda p: 2 * p if p else 1,
        lambda p: 2 ** (p + 1),
        lambda _: 1,
        lambda _: 0,
        lambda p: 3**p,
        lambda p: p + 0.5,
        2,
    ],
}


def of_chapter(table):
    return cases({f"{CHAPTER}-{slug}": answers for slug, answers in table.items()})


def test_every_exercise_is_tried():
    assert {f"{CHAPTER}-{slug}" for slug in RIGHT} <= ids_of(CHAPTER)
    assert RIGHT.keys() == WRONG.keys()


@pytest.mark.parametrize(("id", "answer"), of_chapter(RIGHT))
def test_right_answers_are_accepted(id, answer):
    accept(id, answer)


@pytest.mark.parametrize(("id", "answer"), of_chapter(WRONG))
def test_wrong_answers_get_a_hint(id, answer):
    hint_for(id, answer)


@pytest.mark.parametrize("slug", RIGHT)
def test_different_mistakes_get_different_hints(slug):
    hints = {hint_for(f"{CHAPTER}-{slug}", answer) for answer in WRONG[slug]}
    assert len(hints) >= len(WRONG[slug]) - 2


def test_no_hint_gives_the_number_away():
    for slug, number in (("calibration-error", "0.135"), ("optimism", "0.05"), ("offsets", "six")):
        for answer in WRONG[slug]:
            assert number not in hint_for(f"{CHAPTER}-{slug}", answer)


def test_the_best_of_ten_is_what_a_simulation_finds():
    scores = np.random.default_rng(0).binomial(150, 0.7, (200_000, 10)) / 150
    assert abs(scores.max(1).mean() - 0.7 - best_of_ten()) < 3e-4


def test_checking_loads_nothing_heavy():
    assert loaded_by_check("inductive-bias-offsets", 6) == set()


def test_a_shift_that_works_but_is_not_the_smallest_is_told_from_one_that_does_not_work():
    works, does_not = (
        hint_for("inductive-bias-shifts", lambda p, given=given: given if p == 2 else 2**p)
        for given in (8, 6)
    )
    assert "8 works" in works
    assert "6 works" not in does_not
