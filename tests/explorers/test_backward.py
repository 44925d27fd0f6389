"""The gradient explorer's arithmetic against convbook, torch, and cases worked out by hand."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from node import run
from torch.nn import functional as F

from convbook.ops import (
    avg_pool2d,
    avg_pool2d_backward,
    conv2d,
    conv2d_backward,
    max_pool2d,
    max_pool2d_backward,
)

SCRIPT = """
import { backward, difference, forward, outputSides, paths } from "./arithmetic/backward.mjs";
answer(data.map(attempt(({ layer, x, dy, pixel, step }) => ({
  sides: outputSides(layer, [x.length, x[0].length]),
  y: forward(layer, x),
  ...backward(layer, x, dy),
  paths: paths(layer, x).map((path) => [...path.output, ...path.pixel, path.inside, path.slope]),
  difference: difference(layer, x, dy, pixel, step),
}))));
"""

STEP = 1e-4


@dataclass(frozen=True)
class Case:
    """A layer with what goes in and what flows back to it."""

    kind: str
    x: np.ndarray
    dy: np.ndarray
    window: tuple[int, int]
    kernel: np.ndarray
    stride: int
    padding: int
    pixel: tuple[int, int]

    def sent(self):
        layer = {"kind": self.kind, "stride": self.stride, "padding": self.padding}
        layer |= {"kernel": self.kernel.tolist()} if self.kind == "conv" else {}
        layer |= {} if self.kind == "conv" else {"size": self.window[0]}
        return {
            "layer": layer,
            "x": self.x.tolist(),
            "dy": self.dy.tolist(),
            "pixel": list(self.pixel),
            "step": STEP,
        }

    def by_convbook(self):
        """The output, its gradient by x, and that by the kernel, or None."""
        if self.kind == "conv":
            steps = {"stride": self.stride, "padding": self.padding}
            y = conv2d(self.x, self.kernel, **steps)
            back = conv2d_backward(self.dy, self.x, self.kernel, **steps)
            return y, back.dx, back.dw
        forward, backward = {
            "max": (max_pool2d, max_pool2d_backward),
            "average": (avg_pool2d, avg_pool2d_backward),
        }[self.kind]
        steps = (self.window[0], self.stride, self.padding)
        return forward(self.x, *steps), backward(self.dy, self.x, *steps), None

    def by_torch(self):
        x = torch.tensor(self.x[None, None], requires_grad=True)
        w = torch.tensor(self.kernel[None, None], requires_grad=True)
        if self.kind == "conv":
            y = F.conv2d(x, w, stride=self.stride, padding=self.padding)
        else:
            pool = F.max_pool2d if self.kind == "max" else F.avg_pool2d
            y = pool(x, self.window[0], self.stride, self.padding)
        y.backward(torch.tensor(self.dy[None, None]))
        dw = w.grad[0, 0].numpy() if self.kind == "conv" else None
        return y[0, 0].detach().numpy(), x.grad[0, 0].numpy(), dw


def draw(rng: np.random.Generator) -> Case:
    """Any layer, also one that cannot be; whole numbers are drawn often, for ties."""
    kind = str(rng.choice(["conv", "max", "average"]))
    sides = rng.integers(1, 8, 2)
    window = rng.integers(1, 5, 2) if kind == "conv" else np.repeat(rng.integers(1, 5), 2)
    stride, padding = int(rng.integers(0, 5)), int(rng.integers(0, 3))
    out = (sides + 2 * padding - window) // max(stride, 1) + 1
    out = np.maximum(out, 1) + (rng.random() < 0.05)  # now and then of another shape

    def numbers(shape):
        whole = rng.random() < 0.5
        return rng.integers(-2, 3, shape).astype(float) if whole else rng.normal(0, 3, shape)

    pixel = (int(rng.integers(sides[0])), int(rng.integers(sides[1])))
    drawn = numbers(sides), numbers(out), tuple(window.tolist()), numbers(window)
    return Case(kind, *drawn, stride, padding, pixel)


@pytest.fixture(scope="module")
def answered():
    """3,000 cases, and what the page makes of each."""
    seed = np.random.SeedSequence().entropy
    print(f"seed {seed}")  # pytest shows it where a test fails
    rng = np.random.default_rng(seed)
    cases = [draw(rng) for _ in range(3000)]
    return list(zip(cases, run(SCRIPT, [case.sent() for case in cases]), strict=True))


def valid(answered, kinds=("conv", "max", "average")):
    found = [(c, a) for c, a in answered if "refused" not in a and c.kind in kinds]
    assert len(found) > 300
    return found


def test_the_page_refuses_what_convbook_refuses(answered):
    refused = 0
    for case, answer in answered:
        if "refused" in answer:
            refused += 1
            with pytest.raises(ValueError, match=r"\d"):
                case.by_convbook()
        else:
            case.by_convbook()
    assert 300 < refused < 2700


def test_outputs_and_gradients_are_those_of_convbook(answered):
    for case, answer in valid(answered):
        y, dx, dw = case.by_convbook()
        assert answer["sides"] == list(y.shape)
        np.testing.assert_allclose(answer["y"], y, atol=1e-9)
        np.testing.assert_allclose(answer["dx"], dx, atol=1e-9)
        assert (answer["dw"] is None) == (dw is None)
        if dw is not None:
            np.testing.assert_allclose(answer["dw"], dw, atol=1e-9)


def test_outputs_and_gradients_are_those_of_torch(answered):
    for case, answer in valid(answered)[:300]:  # torch takes its time with each
        y, dx, dw = case.by_torch()
        np.testing.assert_allclose(answer["y"], y, atol=1e-9)
        np.testing.assert_allclose(answer["dx"], dx, atol=1e-9)
        if dw is not None:
            np.testing.assert_allclose(answer["dw"], dw, atol=1e-9)


def test_what_goes_to_the_padding_makes_up_the_sum(answered):
    """A pooling hands on all that it gets, a convolution that times the sum of its weights."""
    for case, answer in valid(answered):
        p = case.padding
        factor = case.kernel.sum() if case.kind == "conv" else 1
        np.testing.assert_allclose(np.sum(answer["padded"]), factor * case.dy.sum(), atol=1e-9)
        inner = np.array(answer["padded"])[p : p + len(case.x), p : p + case.x.shape[1]]
        np.testing.assert_array_equal(inner, answer["dx"])
        if case.kind == "max":
            np.testing.assert_allclose(np.sum(answer["dx"]), case.dy.sum(), atol=1e-9)


def test_the_paths_to_a_pixel_add_up_to_its_gradient(answered):
    for case, answer in valid(answered):
        dx = np.zeros_like(case.x)
        for i, j, p, q, inside, slope in answer["paths"]:
            within = 0 <= p < len(case.x) and 0 <= q < case.x.shape[1]
            assert inside == within
            if inside:
                dx[p, q] += slope * case.dy[i, j]
        np.testing.assert_allclose(answer["dx"], dx, atol=1e-9)


def apart(case: Case) -> bool:
    """Whether no two numbers are so near that moving one by a step could tie them."""
    values = np.sort(case.x, axis=None)
    return bool(np.all(np.diff(values) > 3 * STEP))


def test_finite_differences_agree_away_from_ties(answered):
    found = [(c, a) for c, a in valid(answered) if c.kind != "max" or apart(c)]
    assert sum(case.kind == "max" for case, _ in found) > 50
    for case, answer in found:
        assert answer["difference"] == pytest.approx(answer["dx"][case.pixel[0]][case.pixel[1]],
                                                     abs=1e-6)  # fmt: skip


def test_at_a_tie_the_first_gets_all_and_the_difference_says_a_half():
    case = {"layer": {"kind": "max", "size": 2, "stride": 2, "padding": 0},
            "x": [[0, 1], [1, 1]], "dy": [[1]], "step": STEP}  # fmt: skip
    pixels = [(0, 0), (0, 1), (1, 0), (1, 1)]
    answers = run(SCRIPT, [case | {"pixel": pixel} for pixel in pixels])
    assert all(answer["dx"] == [[0, 1], [0, 0]] for answer in answers)
    differences = [answer["difference"] for answer in answers]
    assert differences == pytest.approx([0, 0.5, 0.5, 0.5], abs=1e-9)


def test_the_padding_of_a_maximum_never_wins():
    case = {"layer": {"kind": "max", "size": 2, "stride": 2, "padding": 1},
            "x": [[-5, -2], [-3, -4]], "dy": [[1, 2], [3, 4]], "pixel": [0, 0],
            "step": STEP}  # fmt: skip
    (answer,) = run(SCRIPT, [case])
    assert answer["y"] == [[-5, -2], [-3, -4]]
    assert answer["dx"] == [[1, 2], [3, 4]]


def test_the_padding_of_an_average_takes_its_share():
    case = {"layer": {"kind": "average", "size": 2, "stride": 2, "padding": 1},
            "x": [[8, 4], [4, 4]], "dy": [[4, 8], [0, 0]], "pixel": [0, 1],
            "step": STEP}  # fmt: skip
    (answer,) = run(SCRIPT, [case])
    assert answer["y"] == [[2, 1], [1, 1]]
    assert answer["dx"] == [[1, 2], [0, 0]]
    assert answer["padded"] == [[1, 1, 2, 2], [1, 1, 2, 2], [0, 0, 0, 0], [0, 0, 0, 0]]


def test_the_chapters_example_of_a_convolution():
    """Worked out by hand in the chapter *Gradients*, in the section on dw."""
    case = {"layer": {"kind": "conv", "kernel": [[1, 0], [-1, 2]], "stride": 1, "padding": 0},
            "x": [[1, 2, 0], [0, 1, 3], [2, 1, 1]], "dy": [[1, -1], [0, 2]], "pixel": [1, 1],
            "step": STEP}  # fmt: skip
    (answer,) = run(SCRIPT, [case])
    assert answer["dw"] == [[1, 8], [1, 0]]
    assert answer["dx"] == [[1, -1, 0], [-1, 5, -2], [0, -2, 4]]
