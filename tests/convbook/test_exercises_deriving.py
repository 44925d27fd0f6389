"""The exercises of the first half of Gradients: right in any form, wrong in the usual ways."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from trying import accept, cases, hint_for, loaded_by_check

from convbook.exercises import check
from convbook.ops import conv2d, conv2d_backward

DW = [[0, 4], [3, 0]]
DX = [[2, 5, 2], [0, 1, 5], [0, 0, -3]]


def by_loops(x, dy):
    out = np.zeros((3, 3))
    for i, j in np.ndindex(*dy.shape):
        out += dy[i, j] * x[2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
    return out


def by_torch(x, dy):
    w = torch.zeros(1, 1, 3, 3, dtype=torch.float64, requires_grad=True)
    y = torch.nn.functional.conv2d(torch.tensor(x)[None, None], w, stride=2)
    return torch.autograd.grad(y, w, torch.tensor(dy)[None, None])[0][0, 0]


def first_row_with_gradient(weights, bias):
    row = np.flatnonzero(bias)[0]
    return weights[row] / bias[row]


RIGHT = {
    "dw": [DW, np.array(DW), torch.tensor(DW)],
    "silent": [[[1, -1], [0, 0]], np.array([[3, -1], [-1, -1.0]]), [[1e-3, 0], [0, -1e-3]]],
    "dx": [DX, np.array(DX, dtype=float)],
    "strided": [
        lambda x, dy: conv2d(x, dy, dilation=2)[:3, :3],
        lambda x, dy: conv2d_backward(dy, x, np.ones((3, 3)), stride=2).dw,
        by_loops,
        by_torch,
    ],
    "step": [[[2, -1], [-1.5, 3]], np.array([[2, -1], [-1.5, 3]])],
    "rate": [0.1, 1 / 10, np.float64(0.1)],
    "momentum": [-0.542, -0.2 * (1 + 0.9 + 0.81)],
    "span": [
        lambda target, seen: np.linalg.lstsq(seen.T, target, rcond=None)[0],
        lambda target, seen: np.append(
            np.linalg.solve(seen[:9].T, target), np.zeros(len(seen) - 9)
        ).tolist(),
        lambda target, seen: target @ np.linalg.pinv(seen),
    ],
    "recover": [
        first_row_with_gradient,
        lambda weights, bias: bias @ weights / (bias @ bias),
        lambda weights, bias: weights[np.abs(bias).argmax()] / bias[np.abs(bias).argmax()],
    ],
    "needed": [41, 41.0],
}

WRONG = {
    "dw": [
        [[0, 3], [4, 0]],
        [[0, 1], [0.75, 0]],
        conv2d(np.array([[1.0, 0, 2], [3, 1, 0], [0, 2, 1]]), np.array([[-1.0, 0], [2, 1]])),
        [[0, 4], [3, 1]],
        [[0, 0], [0, 0]],
        [0, 4, 3, 0],
        "0 4 3 0",
    ],
    "silent": [[[0, 0], [0, 0]], [[1, 0], [0, 0]], np.ones((2, 2)), np.ones((3, 3)), 0],
    "dx": [
        np.transpose(DX),
        conv2d(np.array([[1.0, 2], [0, -1]]), np.array([[2.0, 1], [0, 3]]), padding=1),
        np.zeros((3, 3)),
        np.zeros((2, 2)),
        None,
    ],
    "strided": [
        lambda x, dy: conv2d(x, dy),
        lambda x, dy: conv2d(x, dy, dilation=2),
        lambda x, dy: conv2d(x, dy, stride=2)[:3, :3],
        lambda x, dy: by_loops(x, dy)[::-1, ::-1],
        lambda x, dy: by_loops(x, dy).T,
        lambda _x, dy: dy.sum(),
        len,
        3,
    ],
    "step": [
        [[2, 3], [1.5, 3]],
        [[2, -3], [-3, 3]],
        [[0, -2], [-1.5, 0]],
        [[2, 1], [0, 3]],
        [2, -1, -1.5, 3],
        "less",
    ],
    "rate": [10, 1 / 6, 0.2, 0, -0.1, 1, "small", [0.1, 0.1]],
    "momentum": [0.542, -0.2, 0.2, -0.162, -0.38, 0, 2, "most"],
    "span": [
        lambda target, seen: seen @ target,
        lambda _, seen: np.ones(len(seen)) / len(seen),
        lambda target, _: target,
        lambda *_: np.zeros((9, 9)),
        len,
        9,
    ],
    "recover": [
        lambda weights, bias: weights[0] / bias[0],
        lambda weights, bias: weights[1] / bias[1] if bias[0] else np.zeros(6),
        lambda weights, _: weights[1],
        lambda weights, _: weights.sum(0),
        lambda *_: np.ones(6),
        lambda weights, bias: weights / bias[:, None],
        lambda *_: "picture",
        6,
    ],
    "needed": [40, 123, 122, 14, 13, 1, 3072, 40.96, "all"],
}


@pytest.mark.parametrize(("id", "answer"), cases(RIGHT))
def test_right_answers_are_accepted_in_every_form(id, answer):
    accept(f"gradients-{id}", answer)


@pytest.mark.parametrize(("id", "answer"), cases(WRONG))
def test_wrong_answers_get_a_hint(id, answer):
    hint_for(f"gradients-{id}", answer)


def test_each_usual_mistake_has_a_hint_of_its_own():
    for id, count in {"dw": 5, "dx": 3, "step": 5, "rate": 3, "momentum": 4, "needed": 4}.items():
        hints = {hint_for(f"gradients-{id}", answer) for answer in WRONG[id][:count]}
        assert len(hints) >= count - 1


@pytest.mark.parametrize("id", ["dw", "dx", "step"])
def test_one_wrong_entry_is_noticed_wherever_it_is(id):
    right = np.array(RIGHT[id][0], dtype=float)
    for place in np.ndindex(right.shape):
        off = right.copy()
        off[place] += 0.5
        assert not check(f"gradients-{id}", off)


@given(st.lists(st.floats(-5, 5), min_size=3, max_size=3))
def test_a_flat_picture_teaches_nothing_where_dy_sums_to_zero(entries):
    dy = np.array([*entries, -sum(entries)]).reshape(2, 2)
    if np.abs(dy).max() > 1e-3:
        assert check("gradients-silent", dy)
        dy[0, 0] += 0.1
        assert not check("gradients-silent", dy)


def test_the_worked_gradients_are_torchs():
    x = torch.tensor([[1.0, 0, 2], [3, 1, 0], [0, 2, 1]], requires_grad=True)
    w = torch.tensor([[2.0, 1], [0, 3]], requires_grad=True)
    y = torch.nn.functional.conv2d(x[None, None], w[None, None])
    dx, dw = torch.autograd.grad(y[0, 0], (x, w), torch.tensor([[1.0, 2], [0, -1]]))
    assert check("gradients-dx", dx)
    assert check("gradients-dw", dw)
    assert check("gradients-step", (w - 0.5 * dw).detach())


def test_the_coefficient_with_momentum_is_that_of_torchs_optimiser():
    weight = torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.SGD([weight], 0.1, momentum=0.9)
    for slope in (2.0, 0.0, 0.0):
        weight.grad = torch.tensor([slope])
        optimiser.step()
    assert check("gradients-momentum", weight.detach())


def test_checking_loads_nothing_heavy():
    assert not loaded_by_check("gradients-dw", DW)
