"""The exercises about depth and about what the bias is: right in any form, wrong in usual ways."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from trying import accept, cases, hint_for, ids_of, loaded_by_check

from convbook.exercises import Exercise, check
from convbook.exercises.inductive_bias import ingredients


def band(first, width=2, *, light=1.0, ground=0.0):
    image = np.full((20, 20), ground)
    image[first : first + width] = light
    return image


def lone(row, column):
    image = np.zeros((20, 20))
    image[row, column] = 1
    return image


RIGHT = {
    "reach": [
        lambda n: math.sqrt(6 / n),
        lambda n: np.sqrt(6) / np.sqrt(n),
        lambda n: torch.nn.init.calculate_gain("relu") * math.sqrt(3 / n),
    ],
    "all-off": [
        lambda width, depth: 1 - (1 - 0.5**width) ** depth,
        lambda width, depth: sum(
            math.comb(depth, k) * 0.5 ** (width * k) * (1 - 0.5**width) ** (depth - k)
            for k in range(1, depth + 1)
        ),
    ],
    "exact": [196, 196.0, np.int64(196)],
    "rows": [
        lambda maps: maps.mean(axis=2).ravel(),
        lambda maps: maps.sum(-1),
        lambda maps: np.sort(maps, axis=2),
        lambda maps: np.concatenate([maps.mean(2).ravel(), maps.max(2).ravel()]),
    ],
    "twins": [
        (band(2), band(15)),
        [band(0).tolist(), band(18).tolist()],
        (band(3, 3, light=0.2, ground=0.7), band(13, 3, light=0.2, ground=0.7)),
        (torch.tensor(band(5)), torch.tensor(band(13))),
    ],
}

WRONG = {
    "reach": [
        lambda n: 1 / math.sqrt(n),
        lambda n: math.sqrt(2 / n),
        lambda n: math.sqrt(3 / n),
        lambda n: 6 / n,
        lambda n: n,
        lambda _: "sqrt",
        math.sqrt(6),
    ],
    "all-off": [
        lambda width, depth: (1 - 0.5**width) ** depth,
        lambda width, depth: depth * 0.5**width,
        lambda width, depth: 0.5 ** (width * depth),
        lambda width, depth: 1 - 0.5 ** (width * depth),
        lambda width, depth: width * depth,
        lambda *_: 0.5,
        lambda width: width,
        0.125,
    ],
    "exact": [784, 14, 195, 392, 1, 100, 2.5, "all"],
    "rows": [
        lambda maps: maps.mean(axis=1).ravel(),
        lambda maps: maps.mean(axis=(1, 2)),
        lambda maps: maps.ravel(),
        lambda maps: maps[:1].mean(axis=2),
        lambda maps: maps.mean(axis=2)[:, 1:],
        lambda maps: maps.mean(axis=2)[:, 0],
        lambda maps: maps.mean(axis=2)[:, :-1],
        lambda _: None,
        lambda _: "rows",
        lambda maps: maps[maps > 0.5],
        lambda maps: maps.mean(axis=7),
        1,
    ],
    "twins": [
        (band(2), band(2)),
        (band(2), band(15, 3)),
        (band(2), band(15, light=0.9)),
        (band(2), band(15, ground=0.1)),
        (band(0, 0), band(15)),
        (band(2), band(0, 0)),
        (lone(3, 4), lone(16, 4)),
        (band(15), band(2)),
        (band(8), band(15)),
        (band(2, light=1e-9), band(15, 3, light=1e-9)),
        band(2),
        (band(2)[:5], band(15)),
        3,
    ],
}


def whole(table):
    return {f"inductive-bias-{slug}": entry for slug, entry in table.items()}


def test_every_exercise_is_tried():
    ids = {item.id for item in vars(ingredients).values() if isinstance(item, Exercise)}
    assert ids == set(whole(RIGHT)) == set(whole(WRONG))
    assert ids <= ids_of("inductive-bias")


@pytest.mark.parametrize(("id", "answer"), cases(whole(RIGHT)))
def test_right_answers_are_accepted_in_every_form(id, answer):
    accept(id, answer)


@pytest.mark.parametrize(("id", "answer"), cases(whole(WRONG)))
def test_wrong_answers_get_a_hint(id, answer):
    hint_for(id, answer)


def test_each_usual_mistake_has_a_hint_of_its_own():
    counts = {"reach": 5, "all-off": 5, "exact": 5, "rows": 4, "twins": 6}
    for slug, count in counts.items():
        hints = {hint_for(f"inductive-bias-{slug}", answer) for answer in WRONG[slug][:count]}
        assert len(hints) >= count - 1, slug


def test_a_uniform_law_of_the_right_reach_keeps_the_mean_square():
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(100, generator=generator)
    reach = RIGHT["reach"][0](100)
    weights = reach * (2 * torch.rand(20_000, 100, generator=generator) - 1)
    made = torch.relu(weights @ x).square().mean()
    assert made.item() == pytest.approx(x.square().mean().item(), rel=0.05)


def test_the_probability_is_that_of_a_simulation():
    on = np.random.default_rng(0).random((20_000, 4, 3)) < 0.5  # networks, layers, channels
    stopped = ~on.any(axis=2).all(axis=1)
    assert RIGHT["all-off"][0](3, 4) == pytest.approx(stopped.mean(), abs=0.015)


@given(st.integers(0, 800))
def test_exact_is_right_for_the_even_moves_alone(moves):
    even = sum(down % 2 == across % 2 == 0 for down in range(28) for across in range(28))
    assert bool(check("inductive-bias-exact", moves)) == (moves == even)


@given(st.integers(0, 4), st.integers(1, 3), st.integers(0, 4), st.integers(1, 3))
def test_twins_are_bands_of_one_width_in_their_thirds(first, width, second, other):
    answer = (band(first, width), band(13 + second, other))
    assert bool(check("inductive-bias-twins", answer)) == (width == other)


def test_checking_loads_nothing_heavy():
    assert not loaded_by_check("inductive-bias-exact", 196)
