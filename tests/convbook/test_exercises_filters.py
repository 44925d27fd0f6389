"""The exercises of the chapter Filters: right in any form, wrong in the usual ways."""

import re

import numpy as np
import pytest
import scipy.ndimage
import torch
from hypothesis import given
from hypothesis import strategies as st
from trying import accept, cases, hint_for, ids_of, loaded_by_check

from convbook.exercises import check
from convbook.exercises import filters as exercises
from convbook.filters import (
    box,
    difference_of_gaussians,
    gaussian,
    identity,
    laplacian,
    laplacian_of_gaussian,
    prewitt,
    sobel,
    transfer,
)

CROSS = identity() - laplacian() / 2
STENCIL = np.array([0.5, 1, 1, 1, 1, 1, 0.5]) / 6
TENT = np.outer([1, 2, 3, 2, 1], [1, 2, 3, 2, 1]) / 81
LINE = np.outer([1, 1, 1], [-0.5, 1, -0.5]) / 3
EMBOSS = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
# A second sharpening kernel: the same on stripes along the axes, another on diagonals.
DIAGONAL = np.outer([1, -2, 1], [1, -2, 1])


def padded_box():
    kernel = np.zeros((7, 7))
    kernel[:6, :6] = 1 / 36
    return kernel


def ncc(a, b):
    a, b = a - a.mean(), b - b.mean()
    return (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())


def ncc_that_spoils_its_input(a, b):
    a -= a.mean()
    b -= b.mean()
    return np.float64(np.vdot(a, b) / np.linalg.norm(a) / np.linalg.norm(b))


RIGHT = {
    "filters-shift": [(0, -1), [0, -1.0], np.array([0, -1]), torch.tensor([0, -1])],
    "filters-constant": [0.8, np.float32(0.8), np.array([0.8]), 4 / 5],
    "filters-unflip": [exercises.LOPSIDED[::-1, ::-1], [[-3, 0, 0], [0, 0, 0], [0, 2, 1]]],
    "filters-stripes": [np.outer(STENCIL, STENCIL), np.outer(STENCIL, STENCIL).tolist()],
    "filters-motion": [np.eye(9) / 9, (np.eye(9) / 9).tolist()],
    "filters-twice": [TENT, TENT.tolist(), np.float32(TENT)],
    "filters-median": [([1, 2, 9], [8, 3, 1]), ((1, 9, 2), (8, 1, 3)), [[1, 2, 9], [9, 2, 1]]],
    "filters-separate": [
        ([1, 2, 1], [1, -2, 1]),
        ([-1, -2, -1], [-1, 2, -1]),
        (np.array([2, 4, 2]), np.array([0.5, -1, 0.5])),
        (np.array([[1], [2], [1]]), np.array([[1, -2, 1]])),
        (torch.tensor([[1.0], [2.0], [1.0]]), [1, -2, 1]),
    ],
    "filters-line": [
        LINE,
        np.outer([0, 1, 0], [-0.5, 1, -0.5]),
        np.outer([1, 2, 1], [-0.5, 1, -0.5]) / 4,
    ],
    "filters-sharpen": [CROSS, CROSS.tolist(), CROSS + DIAGONAL / 4],
    "filters-emboss": [
        EMBOSS,
        [[-1, 0, 0], [0, 1, 0], [0, 0, 1]],
        [[-1, -1, 0], [-1, 1, 1], [0, 1, 1]],
        [[0, -1, 0], [-1, 1, 1], [0, 1, 0]],
    ],
    "filters-direction": [-45, 315, -45.0, np.float64(-405)],
    "filters-band-pass": [
        laplacian_of_gaussian(1.8, radius=6),
        -5 * laplacian_of_gaussian(1.6, radius=6),
        difference_of_gaussians(1.5, 2.4, radius=7),
        laplacian_of_gaussian(1.4, radius=5),
    ],
    "filters-border": ["circular", " Circular "],
    "filters-ncc": [
        ncc,
        ncc_that_spoils_its_input,
        lambda a, b: np.corrcoef(a.ravel(), b.ravel())[0, 1],
    ],
}

WRONG = {
    "filters-shift": [(0, 1), (-1, 0), (1, 0), (0, 0), (0, -2), 1, "left"],
    "filters-constant": [0.4, 2.4, 0, 2, -0.8, "four fifths", None],
    "filters-unflip": [
        exercises.LOPSIDED,
        exercises.LOPSIDED[::-1],
        exercises.LOPSIDED[:, ::-1],
        exercises.LOPSIDED.T,
        exercises.LOPSIDED[::-1, ::-1].T,
        -exercises.LOPSIDED[::-1, ::-1],
        np.zeros((3, 3)),
    ],
    "filters-stripes": [
        box(7),
        padded_box(),
        padded_box()[::-1, ::-1],
        36 * np.outer(STENCIL, STENCIL),
        np.outer(STENCIL, np.eye(7)[3]),
        np.outer(np.eye(7)[3], STENCIL),
        identity(7),
        box(6),
    ],
    "filters-motion": [
        np.eye(9),
        np.eye(9)[::-1] / 9,
        box(9),
        identity(9),
        np.outer(np.eye(9)[4], np.ones(9)) / 9,
        np.eye(3) / 3,
    ],
    "filters-twice": [
        TENT * 81,
        box(5),
        box(9),
        box(3),
        gaussian(1, 2),
        np.zeros((5, 5)),
        TENT[1:4, 1:4],
    ],
    "filters-median": [
        ([1, 2, 3], [4, 5, 6]),
        ([0, 0, 1], [0, 1, 0]),
        ([1, 2, 9], [-1, 5, 3]),
        ([1, 2], [3, 4]),
        "none",
    ],
    "filters-separate": [
        ([1, -2, 1], [1, 2, 1]),
        ([2, 4, 2], [1, -2, 1]),
        ([1, 2, 1], [-1, 2, -1]),
        ([1, 1, 1], [1, -2, 1]),
        ([0, 0, 0], [0, 0, 0]),
        (np.array([[1, -2, 1]]), np.array([[1], [2], [1]])),
        ([1, 2], [1, 2, 3]),
        [1, 2, 1],
        3,
    ],
    "filters-line": [
        -LINE,
        2 * LINE,
        LINE.T,
        prewitt(),
        sobel(),
        -laplacian() / 4,
        np.outer([1, 1, 1], [0, 1, 0]) / 3,
        np.zeros((3, 3)),
    ],
    "filters-sharpen": [
        identity(),
        identity() + laplacian() / 2,
        identity() + laplacian(),
        identity() - laplacian(),
        2 * CROSS,
        CROSS + prewitt(),
        box(3),
        -laplacian(),
        np.zeros((3, 3)),
    ],
    "filters-emboss": [
        EMBOSS[::-1, ::-1],
        EMBOSS[:, ::-1],
        EMBOSS - identity(),
        EMBOSS * 2,
        identity(),
        identity() + prewitt(1),
        identity() + prewitt(0),
    ],
    "filters-direction": [45, 135, -135, -np.pi / 4, 0, 90, "down"],
    "filters-band-pass": [
        laplacian(),
        gaussian(2, 5),
        laplacian_of_gaussian(0.8),
        laplacian_of_gaussian(6, radius=6),
        laplacian_of_gaussian(1.8),  # 19 × 19
        np.outer([0, 0, 1, 0, 0], [1, 2, 0, -2, -1]),
        np.zeros((5, 5)),
        np.ones((3, 5)),
        np.ones((4, 4)),
    ],
    "filters-border": ["zeros", "reflect", "replicate", "wrap", 3],
    "filters-ncc": [
        lambda a, b: float(np.sum(a * b)),
        lambda a, b: np.sum((a - a.mean()) * (b - b.mean())),
        lambda a, b: abs(ncc(a, b)),
        lambda a, b: np.sum(a * b) / np.linalg.norm(a) / np.linalg.norm(b),
        lambda a, b: np.sign(ncc(a, b)),
        lambda a, b: a + b,
        lambda a: a,
        0.5,
    ],
}

# What a hint must not say: the answer.
SECRETS = {
    "filters-shift": r"-1|−1|\bleft\b",
    "filters-constant": r"0\.8|\b2\b|twice",
    "filters-unflip": r"-3|−3",
    "filters-stripes": r"half|1/12|0\.5",
    "filters-motion": r"np\.eye|1/9 each|equal",
    "filters-twice": r"\b5\b|1, 2, 3|81",
    "filters-separate": r"1, 2, 1|2, 4, 2",
    "filters-line": r"0\.5|½|-2|second",
    "filters-sharpen": r"0\.5|½|Laplacian",
    "filters-emboss": r"-2|−2",
    "filters-direction": r"45|315",
    "filters-band-pass": r"1\.8|Laplacian|Gaussian",
    "filters-border": r"circular",
    "filters-ncc": r"mean\(|norm\(|corrcoef",
}


def test_every_exercise_is_tried():
    assert ids_of("filters") == set(RIGHT) == set(WRONG)


@pytest.mark.parametrize("id, answer", cases(RIGHT))
def test_right_answers_of_any_form(id, answer):
    accept(id, answer)


@pytest.mark.parametrize("id, answer", cases(WRONG))
def test_wrong_answers_get_a_hint_that_keeps_the_secret(id, answer):
    hint = hint_for(id, answer)
    if "The exercise asks for one of" not in hint:
        # Only the list of choices may name the answer, and it names all.
        assert not re.search(SECRETS.get(id, "$^"), hint), hint


def test_the_usual_mistakes_are_told_apart():
    """The more a hint knows of the mistake, the more it helps: different ones, different hints."""
    for id, answers in WRONG.items():
        hints = {check(id, answer).message for answer in answers}
        assert len(hints) >= 2, id


def test_stripes_tripled_with_the_wrong_sign_are_not_said_to_be_too_weak():
    swapped, weak = (check("filters-sharpen", identity() + t * laplacian()) for t in (1, -0.1))
    assert not swapped
    assert swapped.message != weak.message


def test_unflipped_is_what_scipy_needs():
    image = np.random.default_rng(0).random((9, 9))
    theirs = scipy.ndimage.convolve(image, RIGHT["filters-unflip"][0].astype(float), mode="mirror")
    expected = scipy.ndimage.correlate(image, exercises.LOPSIDED.astype(float), mode="mirror")
    assert np.allclose(theirs, expected)


@given(st.floats(0.05, 20), st.integers(0, 2))
def test_any_split_of_the_strength_between_column_and_row_is_right(scale, sign):
    scale = scale if sign else -scale
    assert check("filters-separate", (scale * np.array([1, 2, 1]), np.array([1, -2, 1]) / scale))


@given(st.floats(-0.5, 0.5))
def test_sharpening_is_judged_by_what_it_does(corner):
    """All 3×3 kernels that meet the four properties are a family of one number, the corners'."""
    kernel = CROSS + corner * DIAGONAL
    finest = transfer(kernel, [0, 0.5], [0.5, 0]).real
    assert np.allclose(finest, 3)
    assert check("filters-sharpen", kernel)


@given(st.floats(0.01, 5), st.floats(-3, 3))
def test_emboss_of_any_strength_is_right(strength, side):
    across = side * np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
    along = strength * np.array([[-1, 0, 0], [0, 0, 0], [0, 0, 1]])
    assert check("filters-emboss", identity() + along + across)


def test_checking_needs_numpy_alone():
    assert not loaded_by_check("filters-constant", 0.8)
