"""The exercises of the chapter Feature dimensions: right in any form, wrong in the usual ways."""

import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from convbook.exercises import all_exercises, check
from convbook.shapes import layer_table

HEAD = 25088 * 4096 + 4096 * 4096 + 4096 * 1000 - 512 * 1000 + 2 * 4096

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
    "pooled": [9, 7, 21, 14, 12, 36, 17, "all"],
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
}


def cases(table):
    return [
        pytest.param(f"feature-dimensions-{slug}", answer, id=f"{slug}-{n}")
        for slug, answers in table.items()
        for n, answer in enumerate(answers)
    ]


def test_every_exercise_is_tried():
    """Those of the first half; below, the second half has its own tables."""
    assert set(RIGHT) == set(WRONG) == set(SECRETS)
    assert len(RIGHT) == 10
    assert {f"feature-dimensions-{slug}" for slug in RIGHT} <= all_exercises().keys()


@pytest.mark.parametrize("id, answer", cases(RIGHT))
def test_right_answers_of_any_form(id, answer):
    verdict = check(id, answer)
    assert verdict, verdict
    assert verdict.message


@pytest.mark.parametrize("id, answer", cases(WRONG))
def test_wrong_answers_get_a_hint_that_keeps_the_secret(id, answer):
    verdict = check(id, answer)
    assert not verdict
    assert "cannot be checked" not in verdict.message
    assert len(verdict.message) > 10
    secret = SECRETS.get(id.removeprefix("feature-dimensions-"), "$^")
    told = verdict.message.replace(repr(answer), "")  # a hint may quote the reader
    assert not re.search(secret, told), verdict.message


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
    code = (
        "import sys; from convbook.exercises import check; "
        "assert check('feature-dimensions-pooled', 18); "
        "print({'torch', 'scipy', 'skimage', 'matplotlib'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


# Second half: downsampling, equivariance and invariance.
