"""The convolution explorer agrees with convbook: sizes, numbers, matrices, refusals."""

import numpy as np
import pytest
from node import run

from convbook.matrices import convolution_matrix
from convbook.ops import PADDING_MODES, conv1d, conv2d, conv_transpose2d
from convbook.ops.padding import pad
from convbook.shapes import output_size, transposed_output_size

LAYERS = 3000
CONVOLVED = """
import { convolve, matrixOf, sources } from "./arithmetic/convolution.mjs";
answer(data.map(attempt((layer) => {
  const { output, terms, sides } = convolve(layer);
  const matrix = matrixOf(terms, layer.input.flat().length);
  return { output, sides, matrix, terms, sources: layer.transposed ? null : sources(layer) };
})));
"""
SIZES = """
import { outputSize, transposedOutputSize } from "./arithmetic/sizes.mjs";
answer(data.map(attempt((axis) => (axis.transposed ? transposedOutputSize : outputSize)(axis))));
"""


def random_layer(rng):
    """Any state that a reader can set, and modes that there are not."""
    dims = int(rng.integers(1, 3))
    sides = rng.integers(1, 8, 2) if dims == 2 else (1, rng.integers(1, 12))
    size = rng.integers(1, 5, 2) if dims == 2 else (1, rng.integers(1, 6))
    return {
        "dims": dims,
        "input": rng.normal(size=sides).round(2).tolist(),
        "kernel": rng.integers(-3, 4, size=size).tolist(),
        "stride": int(rng.integers(1, 5)),
        "padding": int(rng.integers(0, 5)),
        "mode": str(rng.choice([*PADDING_MODES, "mirror"], p=[0.4, 0.19, 0.19, 0.19, 0.03])),
        "dilation": int(rng.integers(1, 4)),
        "transposed": bool(rng.random() < 0.4),
        "outpad": int(rng.integers(0, 4)),
    }


def expected(layer):
    """What convbook makes of a layer, from any input of its shape."""
    flat = layer["dims"] == 1
    w = np.array(layer["kernel"])
    s, p, d, extra = (layer[key] for key in ("stride", "padding", "dilation", "outpad"))

    def convolve(x):
        if layer["transposed"]:
            s_, p_, d_, extra_ = (
                ((one, number) if flat else number)
                for one, number in ((1, s), (0, p), (1, d), (0, extra))
            )
            return conv_transpose2d(x, w, None, s_, p_, extra_, 1, d_)
        if flat:
            return conv1d(x[0], w[0], None, s, p, d, 1, layer["mode"])[None]
        return conv2d(x, w, None, s, p, d, 1, layer["mode"])

    return convolve


def attempt(function, *arguments, **named):
    """What a function returns, or None if it refuses."""
    try:
        return function(*arguments, **named)
    except ValueError:
        return None


@pytest.fixture(scope="module")
def convolved():
    rng = np.random.default_rng(20)
    layers = [random_layer(rng) for _ in range(LAYERS)]
    return list(zip(layers, run(CONVOLVED, layers), strict=True))


@pytest.fixture(scope="module")
def made(convolved):
    return [(layer, found) for layer, found in convolved if "refused" not in found]


def test_outputs_and_refusals_are_those_of_convbook(convolved):
    refused = 0
    for layer, found in convolved:
        y = attempt(expected(layer), np.array(layer["input"]))
        if y is None:
            assert set(found) == {"refused"}, layer
            refused += 1
        else:
            assert "output" in found, (layer, found)
            np.testing.assert_allclose(found["output"], y, atol=1e-9, rtol=0, err_msg=str(layer))
    assert LAYERS / 10 < refused < LAYERS / 2  # both were tried, often


def test_rows_of_the_matrix_are_those_of_convbook(made):
    for layer, found in made:
        sides = np.shape(layer["input"])
        impulses = np.eye(sides[0] * sides[1]).reshape(-1, *sides)
        convolve = expected(layer)
        columns = np.stack([convolve(impulse).ravel() for impulse in impulses], axis=1)
        np.testing.assert_allclose(found["matrix"], columns, atol=1e-9, rtol=0)
        if layer["mode"] == "zeros" and not layer["transposed"]:
            one = layer["dims"] == 1
            M = convolution_matrix(
                layer["kernel"][0] if one else layer["kernel"],
                sides[1] if one else sides,
                layer["stride"],
                layer["padding"],
                layer["dilation"],
            )
            np.testing.assert_array_equal(found["matrix"], M)


def test_padding_holds_what_convbook_puts_there(made):
    for layer, found in made:
        if layer["transposed"]:
            continue
        p = layer["padding"]
        margins = ((0, 0) if layer["dims"] == 1 else (p, p), (p, p))
        x = np.array(layer["input"])
        padded = pad(x, margins, layer["mode"])
        assert found["sides"] == list(padded.shape)
        holds = [0.0 if source < 0 else x.flat[source] for source in found["sources"]]
        np.testing.assert_array_equal(holds, padded.ravel())


def test_terms_lie_where_the_kernel_lies(made):
    """Along each axis the place on the large plane is stride·(small index) + dilation·(weight)."""
    for layer, found in made:
        flat = layer["dims"] == 1
        small = np.shape(layer["input"] if layer["transposed"] else found["output"])
        size, out = np.shape(layer["kernel"]), np.shape(found["output"])
        steps = [(1, 1) if flat else (layer["stride"], layer["dilation"])]
        steps.append((layer["stride"], layer["dilation"]))
        margins = (0 if flat else layer["padding"], layer["padding"])
        for o, terms in enumerate(found["terms"]):
            for term in terms:
                a = np.unravel_index(term["kernel"], size)
                start = term["input"] if layer["transposed"] else o
                i = np.unravel_index(start, small)
                cell = np.unravel_index(term["cell"], found["sides"])
                assert all(
                    c == s * j + d * k for c, (s, d), j, k in zip(cell, steps, i, a, strict=True)
                )
                if layer["transposed"]:
                    at = np.unravel_index(o, out)
                    assert all(c == j + p for c, j, p in zip(cell, at, margins, strict=True))
                assert term["weight"] == np.ravel(layer["kernel"])[term["kernel"]]
                held = 0 if term["input"] < 0 else np.ravel(layer["input"])[term["input"]]
                assert term["value"] == held


def test_each_product_stands_once(made):
    for layer, found in made:
        weights = np.size(layer["kernel"])
        for terms in found["terms"]:
            kernel = [term["kernel"] for term in terms]
            assert len(set(kernel)) == len(kernel)
            if not layer["transposed"]:
                assert kernel == list(range(weights))


def test_sizes_are_those_of_convbook():
    rng = np.random.default_rng(21)
    axes = [
        {
            "n": int(rng.integers(0, 40)),
            "kernel": int(rng.integers(0, 8)),
            "stride": int(rng.integers(0, 5)),
            "padding": int(rng.integers(-1, 6)),
            "dilation": int(rng.integers(0, 4)),
            "outpad": int(rng.integers(-1, 5)),
            "transposed": bool(rng.random() < 0.5),
        }
        for _ in range(6000)
    ]
    refused = 0
    for axis, found in zip(axes, run(SIZES, axes), strict=True):
        arguments = {key: axis[key] for key in ("n", "kernel", "stride", "padding", "dilation")}
        size, added = output_size, {}
        if axis["transposed"]:
            size, added = transposed_output_size, {"output_padding": axis["outpad"]}
        length = attempt(size, **arguments, **added)
        refused += length is None
        assert (found == length) if length else "refused" in found, axis
    assert 1000 < refused < 5000


def test_fractions_are_no_sizes():
    axes = [
        {"n": 8, "kernel": 3, "transposed": transposed, key: value}
        for transposed in (False, True)
        for key in ("n", "kernel", "stride", "padding", "dilation")
        for value in (1.5, "3", None)
    ]
    assert all("refused" in found for found in run(SIZES, axes))
