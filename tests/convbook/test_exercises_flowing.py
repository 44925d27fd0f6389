"""The exercises of the second half of Gradients: right in any form, wrong in the usual ways."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F
from trying import accept, cases, hint_for, ids_of, loaded_by_check

from convbook.exercises import Exercise, check
from convbook.exercises.gradients import flowing

PICTURE = [[1, 4, 2, 0], [3, 0, 5, 1], [2, 6, 1, 7], [8, 1, 0, 3]]


def one_entry(row, column, value):
    gradient = np.zeros((4, 4))
    gradient[row, column] = value
    return gradient


def first_winners(value):
    return sum(one_entry(*place, value) for place in [(0, 1), (1, 2), (3, 0), (2, 3)])


def split(dy, x):
    """By loops: ties share."""
    dx = np.zeros_like(x)
    for i, j in np.ndindex(dy.shape):
        window = x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
        winners = window == window.max()
        dx[2 * i : 2 * i + 2, 2 * j : 2 * j + 2] = dy[i, j] * winners / winners.sum()
    return dx


def torchs_shares(dy, x):
    """amax is torch's maximum that splits ties."""
    inputs = torch.tensor(x, requires_grad=True)
    m = len(dy)
    inputs.reshape(m, 2, m, 2).amax(dim=(1, 3)).backward(torch.tensor(dy))
    return inputs.grad


def to_the_first(dy, x):
    inputs = torch.tensor(x[None, None], requires_grad=True)
    F.max_pool2d(inputs, 2).backward(torch.tensor(dy)[None, None])
    return inputs.grad[0, 0]


def torchs_scores(p, t):
    scores = torch.log(torch.tensor(p)).requires_grad_()
    F.cross_entropy(scores[None], torch.tensor([t])).backward()
    return scores.grad


RIGHT = {
    "places": [
        lambda n, k, s, sx, sg: (((n - k) // s + 1) * sx * sg, ((n - k) // s + 1) * sg),
        lambda n, k, s, sx, sg: np.sqrt(
            len(range(0, n - k + 1, s)) ** 2 * np.array([sx * sg, sg]) ** 2
        ),
    ],
    "offset": [
        lambda n, k, sx, sg, mu, nu: (
            (n - k + 1) ** 2 * mu * nu,
            (n - k + 1) * np.sqrt((sx * sg) ** 2 + (mu * sg) ** 2 + (nu * sx) ** 2),
        ),
    ],
    "agree": [
        lambda x: x[1:-1, 1:-1],
        lambda x: -x[1:-1, 1:-1],
        lambda x: torch.tensor(x[1:-1, 1:-1]),
    ],
    "by-hand": [one_entry(3, 0, 3), one_entry(3, 0, 3).tolist()],
    "thin": [5, 5.0, np.int64(5)],
    "most": [9, 9.0],
    "shares": [split, torchs_shares, lambda dy, x: split(dy, x).tolist()],
    "softmax": [lambda p, t: p - np.eye(len(p))[t], torchs_scores],
}

WRONG = {
    "places": [
        lambda n, k, _, sx, sg: ((n - k + 1) * sx * sg, (n - k + 1) * sg),
        lambda n, k, s, sx, sg: (
            ((n - k) // s + 1) ** 2 * (sx * sg) ** 2,
            ((n - k) // s + 1) ** 2 * sg**2,
        ),
        lambda n, k, s, sx, sg: (((n - k) // s + 1) * sg, ((n - k) // s + 1) * sx * sg),
        lambda n, k, s, sx, sg: (((n - k) // s + 1) * sx * sg,) * 2,
        lambda n, k, s, sx, sg: (((n - k) // s + 1) * sx * sg, sg),
        lambda n, _k, _s, sx, sg: (n * sx * sg, n * sg),
        lambda n, k, _, sx, sg: (n - k) * sx * sg,
        lambda n: n,
        "m sx sg",
    ],
    "offset": [
        lambda n, k, sx, sg, mu, nu: (mu * nu, (n - k + 1) * sx * sg),
        lambda n, k, sx, sg, *_: (0, (n - k + 1) * sx * sg),
        lambda n, k, sx, sg, mu, nu: ((n - k + 1) ** 2 * mu * nu, (n - k + 1) * sx * sg),
        lambda n, k, sx, sg, mu, nu: (
            (n - k + 1) ** 2 * mu * nu,
            (n - k + 1) ** 2 * ((sx * sg) ** 2 + (mu * sg) ** 2 + (nu * sx) ** 2),
        ),
        lambda n, k, sx, sg, mu, nu: (
            (n - k + 1) ** 2 * mu * nu,
            (n - k + 1) * np.sqrt((sx**2 + mu**2) * (sg**2 + nu**2)),
        ),
        lambda n, k, sx, sg, mu, nu: ((n - k + 1) * mu * nu, (n - k + 1) * sx * sg),
        lambda *_: "both",
        1,
    ],
    "agree": [
        lambda x: np.ones((len(x) - 2, len(x) - 2)),
        lambda x: x[:-2, :-2],
        lambda x: 2 * x[1:-1, 1:-1],
        lambda x: x,
        lambda x: x[1:-1, 1:-1] * x[0, 0],
        lambda x: x[99],
        np.ones((6, 6)),
    ],
    "by-hand": [
        one_entry(3, 0, 1),
        first_winners(3),
        first_winners(1),
        np.full((4, 4), 3 / 16),
        one_entry(2, 3, 3),
        one_entry(3, 0, 3) + one_entry(0, 0, 1),
        np.zeros((4, 4)),
        [[3]],
        3,
    ],
    "thin": [4, 3, 0, 6, 10, 1000, -1, 4.98, "some"],
    "most": [1, 4, 3, 8, 10, 25, 0, 2.5, "all"],
    "shares": [
        to_the_first,
        lambda dy, _: np.kron(dy, np.full((2, 2), 0.25)),
        lambda dy, x: np.kron(dy, np.ones((2, 2))) * (split(np.ones_like(dy), x) > 0),
        lambda _, x: np.zeros_like(x),
        lambda dy, x: split(-dy, x),
        lambda dy, _: dy,
        lambda dy: dy,
        1,
    ],
    "softmax": [
        lambda p, t: np.eye(len(p))[t] - p,
        lambda p, _: p,
        lambda p, t: -1 / p[t],
        lambda p, t: np.where(np.arange(len(p)) == t, -1 / p[t], 0),
        lambda p, _: p - 1 / len(p),
        lambda *_: "p",
        0,
    ],
}


def whole(table):
    return {f"gradients-{slug}": entry for slug, entry in table.items()}


def test_every_exercise_is_tried():
    ids = {item.id for item in vars(flowing).values() if isinstance(item, Exercise)}
    assert ids == set(whole(RIGHT)) == set(whole(WRONG))
    assert ids <= ids_of("gradients")


@pytest.mark.parametrize(("id", "answer"), cases(whole(RIGHT)))
def test_right_answers_are_accepted_in_every_form(id, answer):
    accept(id, answer)


@pytest.mark.parametrize(("id", "answer"), cases(whole(WRONG)))
def test_wrong_answers_get_a_hint(id, answer):
    hint_for(id, answer)


def test_each_usual_mistake_has_a_hint_of_its_own():
    counts = {"places": 5, "offset": 4, "agree": 3, "by-hand": 5, "most": 4, "shares": 3,
              "softmax": 3}  # fmt: skip
    for slug, count in counts.items():
        hints = {hint_for(f"gradients-{slug}", answer) for answer in WRONG[slug][:count]}
        assert len(hints) >= count - 1, slug


def test_the_gradient_by_hand_is_torchs():
    x = torch.tensor(PICTURE, dtype=torch.float64, requires_grad=True)
    loss = 3 * F.max_pool2d(F.max_pool2d(x[None, None], 2), 2).sum()
    loss.backward()
    assert check("gradients-by-hand", x.grad)


def test_one_wrong_entry_is_noticed_wherever_it_is():
    for place in np.ndindex(4, 4):
        off = one_entry(3, 0, 3)
        off[place] += 0.5
        assert not check("gradients-by-hand", off)


def test_the_laws_are_those_of_a_simulation():
    rng = np.random.default_rng(0)
    n, k, s, sx, sg, mu, nu, draws = 9, 3, 2, 1.5, 0.5, 0.7, -0.4, 20000
    m = (n - k) // s + 1
    sides = rng.choice([-1, 1], (2, draws, m, m))
    x, dy = sides[0] * sx, sides[1] * sg  # the pixels that one weight meets
    weight, bias = (x * dy).sum((1, 2)), dy.sum((1, 2))
    assert np.allclose(RIGHT["places"][0](n, k, s, sx, sg), [weight.std(), bias.std()], rtol=0.03)
    m = n - k + 1
    sides = rng.choice([-1, 1], (2, draws, m, m))
    entries = ((sides[0] * sx + mu) * (sides[1] * sg + nu)).sum((1, 2))
    assert np.allclose(RIGHT["offset"][0](n, k, sx, sg, mu, nu),
                       [entries.mean(), entries.std()], rtol=0.03)  # fmt: skip


@given(st.integers(-5, 40))
def test_thin_is_right_just_where_it_is_the_first(layers):
    first = next(n for n in range(20) if 4**n >= 1000)
    assert bool(check("gradients-thin", layers)) == (layers == first)


def test_checking_loads_nothing_heavy():
    assert not loaded_by_check("gradients-thin", 5)
