"""The exercises on which batch fits, and what to do when it does not: right in any form, and wrong.

Oracles are searches through all that is possible, and gradients by torch for the accumulation.
"""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.checkpoint import checkpoint
from trying import accept, cases, hint_for

from convbook.exercises import Exercise
from convbook.exercises.gpu_memory import planning


def by_bisection(fixed, slope, budget):
    fits, fails = 0, budget + 1
    while fails - fits > 1:
        batch = (fits + fails) // 2
        fits, fails = (batch, fails) if fixed + slope * batch <= budget else (fits, batch)
    return fits


def by_least_squares(b1, m1, b2, m2, b):
    return np.linalg.solve([[1, b1], [1, b2]], [m1, m2]) @ [1, b]


def divisors(n):
    return [k for k in range(1, n + 1) if n % k == 0]


def cheapest(n, s, c):
    return min(divisors(n), key=lambda k: k * s + n // k * c)


def by_hand_in_torch(sizes):
    """Factors with which micro-batches make the gradient of the whole batch, by least squares."""
    images = torch.rand(sum(sizes), len(sizes), generator=torch.Generator().manual_seed(0))
    weights = torch.zeros(len(sizes), dtype=torch.float64, requires_grad=True)

    def gradient(some):
        loss = (some.double() @ weights - 1).square().mean()
        return torch.autograd.grad(loss, weights)[0]

    parts = torch.stack([gradient(each) for each in images.split(list(sizes))], dim=1)
    return torch.linalg.lstsq(parts, gradient(images)).solution


RIGHT = {
    "largest-batch": [
        lambda fixed, slope, budget: max(0, (budget - fixed) // slope),
        lambda fixed, slope, budget: max(0.0, math.floor((budget - fixed) / slope)),
        by_bisection,
    ],
    "two-points": [
        lambda b1, m1, b2, m2, b: m1 + (m2 - m1) / (b2 - b1) * (b - b1),
        lambda b1, m1, b2, m2, b: (
            np.interp(b, [0, 1], [m2 - (m2 - m1) / (b2 - b1) * b2] * 2) + b * (m2 - m1) / (b2 - b1)
        ),
        lambda b1, m1, b2, m2, b: np.polyval(np.polyfit([b1, b2], [m1, m2], 1), b),
        by_least_squares,
    ],
    "checkpoint": [
        cheapest,
        lambda n, s, c: np.array(max(divisors(n), key=lambda k: -(k * s + n // k * c))),
        lambda n, s, c: min(divisors(n)[::-1], key=lambda k: k * s + n // k * c),
        lambda n, s, c: min(divisors(n), key=lambda k: abs(math.log(k / math.sqrt(n * c / s)))),
    ],
    "accumulate": [
        lambda sizes: [size / sum(sizes) for size in sizes],
        lambda sizes: np.array(sizes) / np.sum(sizes),
        lambda sizes: torch.tensor(sizes) / sum(sizes),
        by_hand_in_torch,
    ],
    "crossing": [
        lambda launch, image: launch / image,
        lambda launch, image: 1 / (image / launch),
        lambda launch, image: np.float64(launch) / image,
    ],
}

WRONG = {
    "largest-batch": [
        lambda _, slope, budget: budget // slope,
        lambda fixed, slope, budget: budget // (fixed + slope),
        lambda fixed, slope, budget: (budget - fixed) // slope,
        lambda fixed, slope, budget: max(0, math.ceil((budget - fixed) / slope)),
        lambda fixed, slope, budget: max(0, (budget - fixed - 1) // slope),
        lambda fixed, slope, budget: max(0, (budget - fixed) / slope),
        lambda fixed, slope, budget: max(1, (budget - fixed) // slope),
        lambda fixed, slope, budget: round(max(0, (budget - fixed) / slope)),
        lambda *_: None,
        lambda budget: budget,
        64,
    ],
    "two-points": [
        lambda b1, m1, _b2, _m2, b: m1 * b / b1,
        lambda b1, m1, b2, m2, b: (m2 - m1) / (b2 - b1) * b,
        lambda b1, m1, b2, m2, _: m1 - (m2 - m1) / (b2 - b1) * b1,
        lambda b1, m1, b2, m2, _: (m2 - m1) / (b2 - b1),
        lambda b1, m1, b2, m2, b: m1 + (m2 - m1) / (b2 - b1) * b,
        lambda b1, m1, b2, m2, b: m2 + (m2 - m1) / (b2 - b1) * b,
        lambda b1, m1, b2, m2, b: m1 - (m2 - m1) / (b2 - b1) * (b - b1),
        lambda b1, m1, b2, m2, b: m2 - (m2 - m1) / (b2 - b1) * (b - b2),
        lambda *_: 0,
        lambda _b1, _m1, b2, m2, b: m2 * b / b2,
        lambda b1, m1, b2, m2, b: np.interp(b, [b1, b2], [m1, m2]),
        lambda b1, m1: m1 / b1,
        lambda *_: (1, 2),
        "more",
    ],
    "checkpoint": [
        lambda n, s, c: n // cheapest(n, s, c),
        lambda n, _s, _c: min(divisors(n), key=lambda k: abs(k - math.sqrt(n))),
        lambda *_: 1,
        lambda n, *_: n,
        lambda n, s, c: max(1, min(n, round(math.sqrt(n * c / s)))),
        lambda n, s, c: min(divisors(n), key=lambda k: abs(k - math.sqrt(n * s / c))),
        lambda n, s, c: min(divisors(n), key=lambda k: abs(k - math.sqrt(n * c / s))),
        lambda *_: 0,
        lambda *_: 2.5,
        lambda n: n,
        4,
    ],
    "accumulate": [
        lambda sizes: [1 / len(sizes)] * len(sizes),
        lambda sizes: sizes,
        lambda sizes: [1] * len(sizes),
        lambda sizes: [sum(sizes) / size for size in sizes],
        lambda sizes: [1 / size for size in sizes],
        lambda sizes: [1 / sum(sizes)] * len(sizes),
        lambda sizes: [0.7 / len(sizes)] * len(sizes),
        lambda sizes: np.array(sizes) / np.mean(sizes),
        lambda sizes: np.array(sizes[::-1]) / sum(sizes),
        lambda sizes: np.array(sizes) / max(sizes) / len(sizes),
        lambda sizes: [size / sum(sizes) for size in sizes[1:]],
        lambda sizes: sum(sizes),
        [0.5, 0.5],
    ],
    "crossing": [
        lambda launch, image: image / launch,
        lambda launch, image: round(launch / image),
        lambda launch, image: -launch / image,
        lambda launch, image: launch * image,
        lambda launch, image: launch / image + 1.5,
        lambda launch, image: math.floor(launch / image),
        lambda launch, image: math.ceil(launch / image),
        lambda *_: "16",
        16,
    ],
}

OWN_HINTS = {  # how many of the wrong answers, from the first on, get a hint that no other gets
    "largest-batch": 5,
    "two-points": 9,
    "checkpoint": 4,
    "accumulate": 7,
    "crossing": 4,
}


def whole(table):
    return {f"gpu-memory-{slug}": entry for slug, entry in table.items()}


def test_every_exercise_is_tried():
    ids = {item.id for item in vars(planning).values() if isinstance(item, Exercise)}
    assert ids == set(whole(RIGHT)) == set(whole(WRONG)) == set(whole(OWN_HINTS))


@pytest.mark.parametrize(("id", "answer"), cases(whole(RIGHT)))
def test_right_answers_are_accepted_in_every_form(id, answer):
    accept(id, answer)


@pytest.mark.parametrize(("id", "answer"), cases(whole(WRONG)))
def test_wrong_answers_get_a_hint(id, answer):
    hint_for(id, answer)


@pytest.mark.parametrize(("slug", "count"), OWN_HINTS.items())
def test_each_usual_mistake_has_a_hint_of_its_own(slug, count):
    hints = {hint_for(f"gpu-memory-{slug}", answer) for answer in WRONG[slug][:count]}
    assert len(hints) == count


def test_hints_name_the_mistake():
    largest, points, group, factors, cross = (WRONG[slug] for slug in WRONG)
    assert "nothing else" in hint_for("gpu-memory-largest-batch", largest[0])
    assert "not even one" in hint_for("gpu-memory-largest-batch", largest[2])
    assert "whole number" in hint_for("gpu-memory-largest-batch", largest[5])
    for answer in (points[0], points[9]):
        assert "proportional" in hint_for("gpu-memory-two-points", answer)
    assert "how many groups" in hint_for("gpu-memory-checkpoint", group[0])
    assert "no say" in hint_for("gpu-memory-checkpoint", group[1])
    assert "does not divide" in hint_for("gpu-memory-checkpoint", group[4])
    assert "are possible" in hint_for("gpu-memory-checkpoint", group[6])
    assert "all count alike" in hint_for("gpu-memory-accumulate", factors[0])
    assert "as long as it should be" not in hint_for("gpu-memory-accumulate", factors[8])
    assert all("rounded" in hint_for("gpu-memory-crossing", cross[n]) for n in (1, 5, 6))


@pytest.mark.parametrize("group", [1, 2, 4, 8])
def test_checkpoints_in_torch_keep_the_inputs_of_groups_and_no_more(group):
    """Sigmoids keep their results: seven inside each block, and the last one is the next input."""
    inside, kept = 7, []
    blocks = [torch.nn.Sequential(*[torch.nn.Sigmoid()] * inside) for _ in range(8)]
    groups = [torch.nn.Sequential(*blocks[at : at + group]) for at in range(0, 8, group)]

    def pack(tensor):
        kept.append(tensor)  # and keeps it alive, so that no other takes its place
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        x = torch.rand(5, requires_grad=True)
        for each in groups:
            x = checkpoint(each, x, use_reentrant=True)
        assert len({tensor.data_ptr() for tensor in kept}) == 8 // group
        kept.clear()
        groups[0](torch.rand(5, requires_grad=True))
    assert len({tensor.data_ptr() for tensor in kept}) == group * inside


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_factors_by_size_give_the_gradient_of_the_whole_batch(sizes):
    images = torch.rand(sum(sizes), 3, dtype=torch.float64)
    weights = torch.rand(3, dtype=torch.float64, requires_grad=True)
    (images @ weights).sigmoid().log().mean().backward()
    right, weights.grad = weights.grad, None
    for some, factor in zip(images.split(sizes), RIGHT["accumulate"][0](sizes), strict=True):
        (factor * (some @ weights).sigmoid().log().mean()).backward()
    torch.testing.assert_close(weights.grad, right)
