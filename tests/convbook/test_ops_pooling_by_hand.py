"""Pooling and its gradients, done by hand: ties, paddings, windows over the end."""

import numpy as np
import pytest
import torch
from layers import tensor

from convbook.ops import avg_pool2d, avg_pool2d_backward, max_pool2d, max_pool2d_backward

X = np.array(
    [
        [1, 5, 2, 0],
        [3, 4, 8, 7],
        [6, 0, 1, 1],
        [2, 9, 1, 1],
    ]
)
DY = np.array([[1, 10], [100, 1000]])


def test_touching_windows_done_by_hand():
    np.testing.assert_array_equal(max_pool2d(X, 2), [[5, 8], [9, 1]])
    np.testing.assert_array_equal(avg_pool2d(X, 2), [[13 / 4, 17 / 4], [17 / 4, 1]])
    np.testing.assert_array_equal(
        max_pool2d_backward(DY, X, 2),
        # at last a tie: the first in reading order
        [[0, 1, 0, 0], [0, 0, 10, 0], [0, 0, 1000, 0], [0, 100, 0, 0]],
    )
    np.testing.assert_array_equal(avg_pool2d_backward(DY, X, 2), np.kron(DY / 4, np.ones((2, 2))))


def test_overlapping_windows_add_up():
    dx = max_pool2d_backward([[1, 10]], [[0, 1, 0]], (1, 2), stride=1)
    np.testing.assert_array_equal(dx, [[0, 11, 0]])
    dx = avg_pool2d_backward([[2, 20]], [[0, 1, 0]], (1, 2), stride=1)
    np.testing.assert_array_equal(dx, [[1, 11, 10]])


@pytest.mark.parametrize(
    "window, first",
    [
        ([[7, 7], [7, 7]], (0, 0)),
        ([[0, 7], [7, 7]], (0, 1)),
        ([[0, 0], [7, 7]], (1, 0)),
        ([[0, 7], [7, 0]], (0, 1)),
        ([[-np.inf, -np.inf], [-np.inf, -np.inf]], (0, 0)),
        ([[np.inf, np.inf], [0, np.inf]], (0, 0)),
        # zero and minus zero are equal
        ([[-0.0, 0.0], [0.0, -0.0]], (0, 0)),
        # of numbers that are none, the last
        ([[0, np.nan], [7, np.nan]], (1, 1)),
        ([[np.nan, np.inf], [np.nan, 7]], (1, 0)),
    ],
)
def test_of_equal_maxima_the_first_in_reading_order_has_the_gradient(window, first):
    expected = np.zeros((2, 2))
    expected[first] = 3
    np.testing.assert_array_equal(max_pool2d_backward([[3]], window, 2), expected)
    leaf = tensor(np.array([window], dtype=float))
    torch.nn.functional.max_pool2d(leaf, 2).backward(torch.full((1, 1, 1), 3.0).double())
    np.testing.assert_array_equal(leaf.grad[0].numpy(), expected)


def test_the_padding_never_wins():
    x = np.full((2, 2), -np.inf)
    np.testing.assert_array_equal(max_pool2d(x, 2, padding=1), x)
    dy = np.array([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(max_pool2d_backward(dy, x, 2, padding=1), dy)
    np.testing.assert_array_equal(max_pool2d([[-3, -2]], (1, 2), padding=(0, 1)), [[-3, -2]])


def test_a_window_that_shows_padding_alone_has_no_gradient_to_hand_on():
    x = np.array([[5.0]])
    y = max_pool2d(x, 2, padding=1, dilation=2)  # one entry before the pixel, one behind it
    np.testing.assert_array_equal(y, [[-np.inf]])
    np.testing.assert_array_equal(max_pool2d_backward([[3]], x, 2, padding=1, dilation=2), [[0]])


def test_a_window_may_hang_over_the_end():
    x = [[1, 2, 3, 4, 5]]
    np.testing.assert_array_equal(max_pool2d(x, (1, 2)), [[2, 4]])
    np.testing.assert_array_equal(max_pool2d(x, (1, 2), ceil_mode=True), [[2, 4, 5]])
    np.testing.assert_array_equal(avg_pool2d(x, (1, 2), ceil_mode=True), [[1.5, 3.5, 5]])
    # … but not start in the padding behind: that window is left out
    shown = {"kernel_size": (1, 3), "stride": (1, 3), "padding": (0, 1), "ceil_mode": True}
    np.testing.assert_array_equal(max_pool2d([[1, 2]], **shown), [[2]])


def test_what_is_counted_when_a_window_hangs_over_padding_and_more():
    x = np.full((1, 4), 12.0)
    shown = {"kernel_size": (1, 4), "stride": (1, 3), "padding": (0, 1), "ceil_mode": True}
    # windows start at −1 and 2: a zero and three 12s; two 12s, a zero, and one place beyond it
    np.testing.assert_array_equal(avg_pool2d(x, **shown), [[36 / 4, 24 / 3]])
    np.testing.assert_array_equal(avg_pool2d(x, **shown, count_include_pad=False), [[12, 12]])
    np.testing.assert_array_equal(avg_pool2d(x, **shown, divisor_override=2), [[18, 12]])


@pytest.mark.parametrize("far", [100, 2**62, 2**63, 10**20])
@pytest.mark.parametrize("ceil_mode", [False, True])
def test_a_stride_may_lead_out_of_the_image_at_once(far, ceil_mode):
    for pool in (max_pool2d, avg_pool2d):
        y = pool([[1, 1, 7], [1, 1, 7]], 2, stride=far, ceil_mode=ceil_mode)
        np.testing.assert_array_equal(y, [[1]])


def test_an_infinite_gradient_stays_with_the_maximum():
    np.testing.assert_array_equal(max_pool2d_backward([[np.inf]], [[1, 2]], (1, 2)), [[0, np.inf]])


def test_the_gradient_of_an_average_needs_the_shape_of_x_alone():
    dy = np.ones((2, 2))
    unknown = np.full((4, 4), np.nan)
    np.testing.assert_array_equal(avg_pool2d_backward(dy, unknown, 2), np.full((4, 4), 0.25))
