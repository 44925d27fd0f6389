"""The matrix of a convolution: torch convolves, the matrix multiplies, and they agree."""

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from convbook.matrices import convolution_matrix

numbers = st.floats(-10, 10)


@st.composite
def convolutions(draw, axes):
    """A signal, a kernel that fits, and how it moves."""
    kernel = tuple(draw(st.integers(1, 4)) for _ in range(axes))
    stride, padding, dilation = (draw(st.integers(*ends)) for ends in ((1, 3), (0, 3), (1, 3)))
    shape = tuple(
        draw(st.integers(max(1, dilation * (k - 1) + 1 - 2 * padding), 10)) for k in kernel
    )
    x = draw(arrays(np.float64, shape, elements=numbers))
    w = draw(arrays(np.float64, kernel, elements=numbers))
    return x, w, stride, padding, dilation


def in_torch(array):
    return torch.tensor(array)[None, None]


@given(convolutions(axes=1))
def test_the_product_is_the_convolution_of_a_row(case):
    x, w, *steps = case
    expected = torch.conv1d(in_torch(x), in_torch(w), None, *steps).numpy()
    np.testing.assert_allclose(
        convolution_matrix(w, x.shape, *steps) @ x, expected[0, 0], atol=1e-10
    )


@given(convolutions(axes=2))
def test_the_product_is_the_convolution_of_a_plane(case):
    x, w, *steps = case
    expected = torch.conv2d(in_torch(x), in_torch(w), None, *steps).numpy()
    np.testing.assert_allclose(
        convolution_matrix(w, x.shape, *steps) @ x.ravel(), expected.ravel(), atol=1e-10
    )


@given(convolutions(axes=2))
def test_the_transpose_is_the_gradient_by_the_input(case):
    x, w, *steps = case
    leaf = in_torch(x).requires_grad_()
    y = torch.conv2d(leaf, in_torch(w), None, *steps)
    dy = torch.randn(y.shape, generator=torch.Generator().manual_seed(0), dtype=y.dtype)
    y.backward(dy)
    matrix = convolution_matrix(w, x.shape, *steps)
    np.testing.assert_allclose(matrix.T @ dy.numpy().ravel(), leaf.grad.numpy().ravel(), atol=1e-10)


@given(arrays(np.float64, 3, elements=numbers), st.integers(3, 9))
def test_that_of_a_row_is_a_toeplitz_matrix(w, length):
    first_row = np.concatenate([w, np.zeros(length - 3)])
    first_column = np.zeros(length - 2)
    first_column[0] = w[0]
    expected = scipy.linalg.toeplitz(first_column, first_row)
    np.testing.assert_array_equal(convolution_matrix(w, length), expected)


def test_a_small_one_is_as_worked_by_hand():
    matrix = convolution_matrix([1, 2, 3], 5, stride=2, padding=1)
    np.testing.assert_array_equal(matrix, [[2, 3, 0, 0, 0], [0, 1, 2, 3, 0], [0, 0, 0, 1, 2]])
    assert matrix.dtype == np.float64


def test_a_shape_may_be_a_list_or_come_from_numpy():
    expected = convolution_matrix([1, 2], 4)
    for shape in ([4], (4,), np.int64(4), torch.Size([4])):
        np.testing.assert_array_equal(convolution_matrix([1, 2], shape), expected)


@pytest.mark.parametrize(
    ("w", "shape", "steps", "named"),
    [
        ([1, 2], (4, 4), {}, "input_shape"),
        ([[1, 2]], 4, {}, "input_shape"),
        (np.ones((1, 1, 1)), (2, 2, 2), {}, "w"),
        ([1, 2, 3], 2, {}, "kernel"),
        ([1, 2], 0, {}, "input_shape"),
        ([1, 2], 4.0, {}, "input_shape"),
        ([1, 2], None, {}, "input_shape"),
        ([1, 2], "4", {}, "input_shape"),
        (["a"], 3, {}, "w"),
        ([1, 2], 4, {"stride": 0}, "stride"),
        ([1, 2], 4, {"padding": -1}, "padding"),
        ([1, 2], 4, {"dilation": 0}, "dilation"),
        # more than any memory holds
        ([1, 2], 10**6, {}, "input_shape"),
        ([[1, 2]], (2**63, 2), {"stride": 2**63}, "padding|input_shape"),
        ([1, 2], 4, {"padding": 2**63, "stride": 2**63}, "padding"),
    ],
)
def test_a_mistake_is_named(w, shape, steps, named):
    with pytest.raises(ValueError, match=named):
        convolution_matrix(w, shape, **steps)
