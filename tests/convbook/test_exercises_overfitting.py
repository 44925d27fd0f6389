"""The exercises on overfitting and few images: right in any form, wrong in the usual ways."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch.nn import functional as F
from trying import accept, cases, hint_for, loaded_by_check

from convbook.exercises import Exercise, check
from convbook.exercises.inductive_bias import overfitting


def rows(*profile):
    """A 7×7 kernel of constant rows, the first of the given ones two above its middle or one."""
    kernel = np.zeros((7, 7))
    first = 1 if len(profile) > 3 else 2
    kernel[first : first + len(profile)] = np.array(profile)[:, None]
    return kernel


def gap_above_the_band(image):
    pixels = np.sort(image, axis=None)
    return pixels[-1] - pixels[-28]


RIGHT = {
    "leak": [gap_above_the_band, np.max, lambda image: 255 * image.max() - 3],
    "parts": [[1, 0, -1], np.array([[1], [0], [-1]]), (1.0, 0.0, -1.0)],
    "invisible": [
        [[1, -1, 0], [-1, 1, 0], [0, 0, 0]],
        [[1, -2, 1], [-2, 4, -2], [1, -2, 1]],
        [[0, 0, 0], [0, 1e-6, -1e-6], [0, -1e-6, 1e-6]],
    ],
    "learned": [lambda k: 2 * k - 1, lambda k: k * k - (k - 1) ** 2, lambda k: 1 + 2 * (k - 1)],
    "blind": [rows(-1, 2, -1), rows(1, -2, 1), 0.01 * rows(-1, -1, 4, -1, -1)],
    "dead": [0.1, 1e-9, 5, np.float64(2)],
}

WRONG = {
    "leak": [
        lambda image: image[0].sum(),
        lambda image: -image.max(),
        lambda image: image.mean(),
        lambda image: str(image.max()),
        lambda: 1,
        3,
    ],
    "parts": [
        [2 / 3, 0, -2 / 3],
        [2, 1, 0],
        [6, 3, 0],
        [0, 1, -1],
        [1, 1, 1],
        [1, 0],
        np.ones((3, 3)),
        "rows",
    ],
    "invisible": [
        np.zeros((3, 3)),
        np.ones((3, 3)),
        [[1, 1, 1], [0, 0, 0], [-1, -1, -1]],
        [[1, 0, -1], [1, 0, -1], [1, 0, -1]],
        [[1, -1], [-1, 1]],
    ],
    "learned": [
        lambda k: 2 * k,
        lambda k: 2 * (k - 1),
        lambda k: k * k,
        lambda k: (k - 1) ** 2,
        lambda k: k,
        lambda: 13,
        13,
    ],
    "blind": [
        np.zeros((7, 7)),
        np.ones((7, 7)),
        rows(1, -1),
        rows(-1, 2, -1).T,
        rows(1, 0, -1),
        np.ones((3, 3)),
    ],
    "dead": [0, -0.1, "positive", [1, 2]],
}


def whole(table):
    return {f"inductive-bias-{slug}": answers for slug, answers in table.items()}


def test_every_exercise_of_the_module_is_tried():
    made = {item.id for item in vars(overfitting).values() if isinstance(item, Exercise)}
    assert made == whole(RIGHT).keys() == whole(WRONG).keys()


@pytest.mark.parametrize(("id", "answer"), cases(whole(RIGHT)))
def test_right_answers_are_accepted_in_every_form(id, answer):
    accept(id, answer)


@pytest.mark.parametrize(("id", "answer"), cases(whole(WRONG)))
def test_wrong_answers_get_a_hint(id, answer):
    hint_for(id, answer)


def test_each_usual_mistake_has_a_hint_of_its_own():
    counts = {"leak": 3, "parts": 6, "invisible": 4, "learned": 5, "blind": 4, "dead": 2}
    for slug, count in counts.items():
        hints = {hint_for(f"inductive-bias-{slug}", answer) for answer in WRONG[slug][:count]}
        assert len(hints) == count, slug


@given(hnp.arrays(np.float64, 7, elements=st.integers(-3, 3)))
def test_a_kernel_of_constant_rows_is_judged_as_torch_would(profile):
    """A kernel has no blind spot just where torch's convolution answers to all 106 bands."""
    kernel = torch.tensor(np.repeat(profile[:, None], 7, axis=1))
    bands = torch.zeros(106, 1, 28, 28, dtype=torch.float64)
    places = [(width, first) for width in range(1, 5) for first in range(29 - width)]
    for band, (width, first) in zip(bands, places, strict=True):
        band[0, first : first + width] = 1

    def answers(images):
        maps = F.conv2d(F.pad(images, (3, 3, 3, 3), mode="reflect"), kernel[None, None])
        return F.relu(maps).mean((1, 2, 3))

    flat = answers(torch.ones(1, 1, 28, 28, dtype=torch.float64))
    right = bool((answers(bands) > 0).all() and not flat.any() and not answers(bands.mT).any())
    assert bool(check("inductive-bias-blind", kernel)) == right


@given(st.floats(-5, 5, allow_subnormal=False))
def test_a_bias_wakes_a_kernel_just_where_torch_finds_a_gradient(bias):
    kernel = torch.zeros(1, 1, 3, 3, dtype=torch.float64, requires_grad=True)
    image = torch.rand(1, 1, 5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    F.relu(F.conv2d(image, kernel, torch.tensor([bias], dtype=torch.float64))).sum().backward()
    assert bool(check("inductive-bias-dead", bias)) == bool(kernel.grad.any())


def test_checking_loads_nothing_heavy():
    assert not loaded_by_check("inductive-bias-dead", 1)
