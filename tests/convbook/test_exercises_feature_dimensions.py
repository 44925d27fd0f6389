"""The exercises of the chapter Feature dimensions: right in any form, wrong in the usual ways."""

import re

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given
from hypothesis import strategies as st
from trying import accept, cases, hint_for, ids_of, loaded_by_check

from convbook.exercises import check
from convbook.shapes import layer_table

HEAD = 25088 * 4096 + 4096 * 4096 + 4096 * 1000 - 512 * 1000 + 2 * 4096


def containing_the_brightest(picture):
    row, column = np.unravel_index(picture.argmax(), picture.shape)
    return picture[row % 2 :: 2, column % 2 :: 2]


RIGHT = {
    "shape": [[16, 32, 32, 23], (16, 32, 32, 23), torch.Size([16, 32, 32, 23])],
    "invert": [[13, 14], {13, 14}, (14, 13), np.array([13, 14]), range(13, 15), [14, 13, 14]],
    "halve": [3, 3.0, np.int64(3)],
    "quarter": [(4, 4, 0), [7, 4, 2], (5, 4, 1), (8, 4, 2), np.array([6, 4, 1])],
    "groups": [51328, 25 * 16 * 128 + 128],
    "mistake": [1168, np.float32(1168)],
    "pooled": [18, np.array([18])],
    "depth": [112, 112.0],
    "stack": [
        "CONV3-16 RELU CONV3-16,d2,g16 RELU CONV3-16,d4,g16",
        "CONV3-4 → CONV3-4,d2 → CONV3-16,d4",
        "conv15-1,nobias conv1-16",
        "CONV3x1-4 CONV1x3-4 CONV3-4,d2 CONV3-16,d4,same",
        "CONV3-3,g3,circular CONV3-3,g3,d2 CONV3-3,g3,d4 CONV1-16",
        "CONV15x1-2 CONV1x15-16",
    ],
    "head": [HEAD, -HEAD, float(HEAD)],
    "budget": [
        "CONV3-16 POOL2 CONV3-16 POOL2" + 4 * " CONV3-16",
        "POOL2 POOL2" + 6 * " CONV3-16",
        "conv3-16 → pool2 → conv3-16 conv3-16 conv3-16 pool2 conv3-16 conv3-16",
    ],
    "stem": [4, 4.0, np.array([4])],
    "total-stride": [12, 12.0],
    "thirds": [
        [1 / 3, 1 / 3, 1 / 3],
        np.array([1, 2, 3, 2, 1]) / 9,
        np.ones(9) / 9,
        np.convolve([1, 1, 1], [0.5, -2.5, 3]) / 3,
        torch.ones(6) / 6,
    ],
    "choose": [
        lambda x: max((x[i::2, j::2] for i in (0, 1) for j in (0, 1)), key=np.sum),
        lambda x: min((x[i::2, j::2] for i in (0, 1) for j in (0, 1)), key=np.std).tolist(),
        containing_the_brightest,
    ],
    "shuffle": [
        lambda x: np.maximum(x - np.roll(x, 1, axis=1), 0).mean(),
        lambda x: (x * np.roll(x, (1, 1), (0, 1))).sum(),
        lambda x: np.abs(np.fft.fft2(x)).sum(),
        lambda x: torch.tensor((x - np.roll(x, 1, 0)) ** 2).max(),
    ],
    "seam-square": [20, 20.0],
    "torus": [(1, 2, 1, 2), [3, 0, 0, 3], np.array([2, 1, 3, 0]), (0, 3, 0, 3)],
    "circulant": [
        np.stack([np.roll([1, -1, 0, 0, 0, 0], n) for n in range(6)], axis=1),
        np.ones((6, 6)),
        np.roll(np.eye(6), 1, axis=0).tolist(),
        scipy.linalg.circulant([3, 1, 4, 1, 5, 9]),
    ],
    "ring": [448, 448.0],
}

WRONG = {
    "shape": [
        [16, 32, 23, 32],
        [16, 3, 32, 23],
        [32, 32, 32, 23],
        [16, 32, 31, 23],
        [16, 32, 32, 24],
        [16, 32, 32, 22],
        [16, 32, 64, 48],
        [16, 32, 32],
        "16, 32, 32, 23",
    ],
    "invert": [13, [13], [14], [12, 13], [13, 14, 15], [12.5], [0, 13], 7, [], "13 and 14"],
    "halve": [0, 1, 2, 4, 2.5, 3.5, -3, "same"],
    "quarter": [
        (1, 4, 0),
        (3, 4, 0),
        (4, 4, 1),
        (11, 4, 2),
        (4, 2, 0),
        (4, 4, 224),
        (0, 4, 0),
        (300, 4, 0),
        (4, 4),
        (5.5, 5, 0),
        "4, 4, 0",
    ],
    "groups": [51200, 204928, 204800, 12928, 12832, 12800, 128, 51232, "many"],
    "mistake": [448, 1152, 608, 10250, 0, 450, 7168, None],
    "pooled": [9, 7, 21, 15, 14, 12, 36, 17, "all"],
    "depth": [111, 113, 224, 75, 0, -1, 111.5],
    "stack": [
        "CONV3-16",
        " ".join(["CONV3-16"] * 7),
        "CONV3-16 CONV3-16,d2 CONV3-16,d4",
        "CONV3-4 CONV3-4,d2 CONV3-8,d4",
        "CONV3-4,s2 CONV3-4,d2 CONV3-16,d4",
        "CONV15x1-16",
        "POOL15,s1,p7 CONV1-16",
        "CONV1-16 FLATTEN FC-10",
        "CONV1-16 GAP",
        "CONV3-16 CONV3-16,g5",
        "CONV3",
        "CONV3-16,stride=2",
        "",
        15,
        ["CONV3-16"],
    ],
    "head": [
        HEAD + 512 * 1000 + 1000,
        513000,
        HEAD - 8192,
        HEAD - 9192,
        138357544,
        25088 * 4096,
        0,
        "most",
    ],
    "budget": [
        6 * "CONV3-16 ",
        6 * "CONV3-16 " + "POOL2 POOL2",
        "CONV3-16 CONV3-16 POOL2" + 4 * " CONV3-16",
        "CONV3-16 CONV3-16 POOL2 CONV3-16 POOL2" + 3 * " CONV3-16",
        "POOL2 POOL2 POOL2" + 6 * " CONV3-16",
        "POOL2 POOL2" + 5 * " CONV3-16",
        "POOL2 POOL2" + 5 * " CONV3-16" + " CONV3-16,d2",
        "POOL4" + 6 * " CONV3-16",
        "POOL2 POOL2" + 6 * " CONV3-8",
        "POOL2 POOL2 RELU" + 6 * " CONV3-16",
        "many",
        6,
    ],
    "stem": [16, 2, 1, 0.25, 4.03, -4, 0, "four"],
    "total-stride": [1, 2, 3, 4, 6, 7, 24, 0, -12, 1.5, "all"],
    "thirds": [
        [1],
        [0.25, 0.5, 0.25],
        [1, 1, 1],
        np.ones(10) / 10,
        [0.5, 0.5],
        np.zeros(3),
        np.eye(3),
        "blur",
    ],
    "choose": [
        lambda x: x[::2, ::2],
        lambda x: x,
        lambda x: x.reshape(4, 2, 5, 2).mean(axis=(1, 3)),
        lambda x: x.reshape(4, 2, 5, 2).max(axis=(1, 3)),
        lambda x: x[1::2, ::2] if x[0, 0] > 0.5 else x[::2, ::2],
        lambda x: max((x[i::2, ::2] for i in (0, 1)), key=np.sum),
        lambda x: x.mean(),
        lambda x: x[::3, ::3],
        lambda x: x["a"],
        4,
    ],
    "shuffle": [
        lambda x: x.mean(),
        lambda x: x.max(),
        lambda x: np.maximum(x - 0.5, 0).sum(),
        lambda x: (x - np.roll(x, 1, axis=1)).mean(),
        lambda x: x[0, 0],
        lambda x: np.abs(np.diff(x, axis=1)).sum(),
        lambda x: np.abs(np.diff(x, axis=0)).sum(),
        lambda x: 0 * x.sum(),
        lambda x: x,
        0.5,
    ],
    "seam-square": [56, 30, 42, 12, 0, 19, 2.5, "all"],
    "torus": [
        (1, 1, 1, 1),
        (2, 2, 2, 2),
        (0, 0, 0, 0),
        (1, 2, 2, 2),
        (1, 1, 1, 2),
        (3, 3, 3, 3),
        (1.5, 1.5, 1.5, 1.5),
        (-1, 4, 1, 2),
        (9, 0, 1, 2),
        (1, 2),
        3,
    ],
    "circulant": [
        np.eye(6),
        5 * np.eye(6),
        np.zeros((6, 6)),
        np.diag(np.arange(6.0)),
        np.triu(np.ones((6, 6))),
        np.eye(6)[::-1],
        scipy.linalg.toeplitz([1, 2, 0, 0, 0, 0]),
        np.ones((5, 5)),
        "circulant",
    ],
    "ring": [576, 124, 512, 496, 64, 0, 449, 1.5, "half"],
}

# What a hint must not say: the answer.
SECRETS = {
    "shape": r"\b23\b|, 32",
    "invert": r"\b1[34]\b",
    "halve": r"\b3\b",
    "quarter": r"\b4\b|\b7\b",
    "groups": r"51|\b16\b",
    "mistake": r"1168|1,168|\b8\b",
    "pooled": r"\b18\b|\b10\b",
    "depth": r"112",
    "stack": r"dilat|\bd[24]\b",
    "head": r"123|\b4096\b",
    "budget": r"\bfirst\b|early",
    "stem": r"\b4 times|root",
    "total-stride": r"\b12\b|product|multiple|multiply",
    "thirds": r"1/3|average|box",
    "choose": r"max|largest|sum|brightest",
    "shuffle": r"maximum|\babs\b|product|square",
    "seam-square": r"\b20\b",
    "torus": r"\b3\b|three",
    "circulant": r"circulant|convolution",
    "ring": r"448|\b24\b",
}


def whole(table):
    """A table by whole ids, of one by slugs."""
    return {f"feature-dimensions-{slug}": entry for slug, entry in table.items()}


def test_every_exercise_is_tried():
    ids = ids_of("feature-dimensions")
    assert ids == set(whole(RIGHT)) == set(whole(WRONG)) == set(whole(SECRETS))


@pytest.mark.parametrize("id, answer", cases(whole(RIGHT)))
def test_right_answers_of_any_form(id, answer):
    accept(id, answer)


@pytest.mark.parametrize("id, answer", cases(whole(WRONG)))
def test_wrong_answers_get_a_hint_that_keeps_the_secret(id, answer):
    told = hint_for(id, answer).replace(repr(answer), "")  # a hint may quote the reader
    assert not re.search(whole(SECRETS)[id], told), told


def test_the_usual_mistakes_are_told_apart():
    for slug, answers in WRONG.items():
        hints = {check(f"feature-dimensions-{slug}", answer).message for answer in answers}
        assert len(hints) >= 2, slug


def test_what_the_exercises_expect_is_what_torch_does():
    def out(layer, *shape):
        return list(layer(torch.empty(shape, device="meta")).shape)

    conv = torch.nn.Conv2d(3, 32, (5, 3), 2, (2, 0), device="meta")
    assert check("feature-dimensions-shape", out(conv, 16, 3, 64, 48))
    halving = torch.nn.Conv1d(1, 1, 3, 2, 1, device="meta")
    assert check(
        "feature-dimensions-invert", [n for n in range(1, 60) if out(halving, 1, 1, n)[-1] == 7]
    )
    grouped = torch.nn.Conv2d(64, 128, 5, groups=4, device="meta")
    assert check("feature-dimensions-groups", sum(p.numel() for p in grouped.parameters()))


@given(st.integers(1, 12), st.integers(1, 8), st.integers(0, 6))
def test_a_quarter_is_right_just_where_it_has_the_size_and_every_pixel_has_a_slope(
    kernel, stride, padding
):
    x = torch.zeros(1, 1, 224, requires_grad=True)
    y = torch.conv1d(x, torch.ones(1, 1, kernel), None, stride, padding)
    y.sum().backward()
    right = y.shape[-1] == 56 and bool((x.grad > 0).all())
    assert bool(check("feature-dimensions-quarter", (kernel, stride, padding))) == right


@given(st.lists(st.tuples(st.sampled_from([1, 3, 5]), st.integers(1, 4)), min_size=1, max_size=5))
def test_a_stack_is_judged_by_what_it_does(layers):
    spec = " ".join(f"CONV{k}-16,d{d},g{16 if n else 1}" for n, (k, d) in enumerate(layers))
    seen = 1 + sum(d * (k - 1) for k, d in layers)
    few = layer_table(spec, (32, 32, 3)).parameters <= 1000
    assert bool(check("feature-dimensions-stack", spec)) == (seen == 15 and few)


def test_checking_needs_numpy_alone():
    assert not loaded_by_check("feature-dimensions-pooled", 18)


@given(
    st.lists(st.sampled_from(["CONV3-16", "POOL2"]), min_size=6, max_size=9),
    st.integers(0, 6),
)
def test_a_budget_is_judged_by_what_the_layers_cost_and_see(layers, place):
    layers = [*layers[:place], *["CONV3-16"] * (6 - layers.count("CONV3-16")), *layers[place:]]
    side, step, channels, cost, sees = 64, 1, 3, 0, 1
    for layer in layers:
        if layer == "POOL2":
            sees, step, side = sees + step, 2 * step, side // 2
        else:
            sees, cost, channels = sees + 2 * step, cost + side**2 * 9 * channels * 16, 16
    right = layers.count("CONV3-16") == 6 and sees >= 30 and cost <= 12e6 and side >= 16
    assert bool(check("feature-dimensions-budget", " ".join(layers))) == right


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=9))
def test_thirds_is_right_just_where_each_pixel_counts_the_same(weights):
    """Of the kernel's weights, those that meet a kept pixel: every third, in three ways."""
    kernel = np.array(weights) / (sum(weights) or 1)
    shares = [kernel[start::3].sum() for start in range(3)]
    right = bool(np.allclose(shares, 1 / 3))
    assert bool(check("feature-dimensions-thirds", kernel)) == right


@given(st.tuples(*[st.integers(0, 6)] * 4))
def test_a_torus_is_one_where_all_windows_are_seen_equally_often(sides):
    def copies(length, before, after):
        padded = np.pad(np.arange(length), (before, after), mode="wrap")
        starts = padded[: max(0, len(padded) - 3)]
        return np.bincount(starts, minlength=length)

    vertical, horizontal = copies(6, *sides[:2]), copies(7, *sides[2:])
    right = np.ptp(vertical) == 0 and np.ptp(horizontal) == 0
    assert bool(check("feature-dimensions-torus", sides)) == right


@given(st.integers(0, 2**32 - 1))
def test_matrices_that_convolve_move_along_and_others_do_not(seed):
    first = np.random.default_rng(seed).normal(size=6)
    matrix = scipy.linalg.circulant(first)
    assert check("feature-dimensions-circulant", matrix)
    matrix[2, 3] += 0.1
    assert not check("feature-dimensions-circulant", matrix)


def test_the_squares_off_the_seam_are_those_with_the_same_features_in_torch():
    torch.manual_seed(0)
    squares = torch.zeros(56, 1, 7, 8, dtype=torch.float64)
    for n in range(56):
        square = torch.zeros(7, 8, dtype=torch.float64)
        square[:2, :2] = 1
        squares[n, 0] = torch.roll(square, (n // 8, n % 8), (0, 1))
    same = np.ones(56, dtype=bool)
    for _ in range(20):
        layers = [torch.nn.Conv2d(c, 3, 2, padding=1, padding_mode="circular") for c in (1, 3)]
        maps = squares
        for layer in layers:
            maps = torch.relu(layer.double()(maps))
        features = maps.mean((-2, -1)).detach()
        middle = features[2 * 8 + 3]
        same &= torch.isclose(features, middle, rtol=0, atol=1e-12).all(dim=1).numpy()
    assert check("feature-dimensions-seam-square", same.sum())


def test_the_ring_is_where_other_padding_changes_the_map_in_torch():
    layers = [torch.nn.Conv2d(1, 1, 3, dtype=torch.float64) for _ in range(4)]
    zeros = ones = torch.rand(1, 1, 32, 32, dtype=torch.float64)
    for layer in layers:
        torch.nn.init.uniform_(layer.weight, 0.1, 1)
        zeros = layer(torch.nn.functional.pad(zeros, (1, 1, 1, 1)))
        ones = layer(torch.nn.functional.pad(ones, (1, 1, 1, 1), value=1.0))
    differ = (zeros - ones).abs() > 1e-9
    assert check("feature-dimensions-ring", int(differ.sum()))
