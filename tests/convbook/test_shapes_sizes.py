"""Output sizes against torch, which must refuse what they refuse; and the mistakes of a caller."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from convbook.shapes import output_size, transposed_output_size

lengths = st.integers(1, 20)
kernels = st.integers(1, 7)
steps = st.integers(1, 4)
paddings = st.integers(0, 6)


def ours(function, *arguments):
    """A length, or None where the function refuses."""
    try:
        return function(*arguments)
    except ValueError:
        return None


def torchs(function, *arguments, **options):
    """The length of torch's result, or None where torch refuses."""
    try:
        return function(*arguments, **options).shape[2]
    except RuntimeError:
        return None


# torch remarks that it copies the image where the margins differ
@pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")
@settings(max_examples=1000)
@given(lengths, kernels, steps, paddings | st.sampled_from(["same", "valid"]), steps)
def test_convolution_is_torchs(n, kernel, stride, padding, dilation):
    x, w = torch.zeros(1, 1, n), torch.zeros(1, 1, kernel)
    expected = torchs(F.conv1d, x, w, stride=stride, padding=padding, dilation=dilation)
    assert ours(output_size, n, kernel, stride, padding, dilation) == expected


@settings(max_examples=1000)
@given(lengths, kernels, steps, paddings, steps, st.booleans())
@example(n=2, kernel=3, stride=2, padding=0, dilation=1, ceil_mode=True)  # hangs over, alone
@example(n=3, kernel=2, stride=3, padding=1, dilation=1, ceil_mode=True)  # would start behind
def test_pooling_is_torchs(n, kernel, stride, padding, dilation, ceil_mode):
    # The one exception. Pooling refuses a padding of more than half the kernel; a convolution
    # takes it, and without ceil_mode output_size cannot tell the two apart. (A layer of a spec
    # can: see test_shapes_notation.)
    assume(ceil_mode or padding <= kernel // 2)
    x = torch.zeros(1, 1, n, 1)
    actual = ours(output_size, n, kernel, stride, padding, dilation, ceil_mode)
    sizes = (kernel, 1), (stride, 1), (padding, 0)
    assert actual == torchs(F.max_pool2d, x, *sizes, (dilation, 1), ceil_mode)
    if dilation == 1:
        assert actual == torchs(F.avg_pool2d, x, *sizes, ceil_mode)


@settings(max_examples=1000)
@given(lengths, kernels, steps, paddings, paddings, steps)
def test_transposed_convolution_is_torchs(n, kernel, stride, padding, output_padding, dilation):
    expected = torchs(
        F.conv_transpose1d,
        torch.zeros(1, 1, n),
        torch.zeros(1, 1, kernel),
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        dilation=dilation,
    )
    arguments = n, kernel, stride, padding, output_padding, dilation
    assert ours(transposed_output_size, *arguments) == expected


@given(lengths, kernels, steps, st.integers(0, 3), steps)
def test_a_transposed_convolution_leads_back(n, kernel, stride, padding, dilation):
    room = n + 2 * padding - dilation * (kernel - 1) - 1
    assume(room >= 0)
    m = output_size(n, kernel, stride, padding, dilation)
    # what the floor has dropped, output_padding brings back
    assert transposed_output_size(m, kernel, stride, padding, room % stride, dilation) == n


def test_homework_4a():
    assert output_size(32, kernel=3, stride=1, padding=1) == 32
    assert output_size(32, kernel=4, stride=2, padding=0) == 15


@pytest.mark.parametrize(
    "arguments, names",
    [
        ({"n": 0, "kernel": 1}, ["n", "0"]),
        ({"n": 5, "kernel": 0}, ["kernel", "0"]),
        ({"n": 5, "kernel": 2.0}, ["kernel", "2.0"]),
        ({"n": 5, "kernel": 3, "stride": 0}, ["stride", "0"]),
        ({"n": 5, "kernel": 3, "stride": True}, ["stride", "True"]),
        ({"n": 5, "kernel": 3, "padding": -1}, ["padding", "-1"]),
        ({"n": 5, "kernel": 3, "padding": "full"}, ["padding", "full"]),
        ({"n": 5, "kernel": 3, "padding": None}, ["padding", "None"]),
        ({"n": 5, "kernel": 3, "padding": "same", "stride": 2}, ["stride", "2"]),
        ({"n": 5, "kernel": 3, "dilation": "2"}, ["dilation", "'2'"]),
        ({"n": 5, "kernel": 3, "dilation": 3}, ["kernel", "dilation", "5", "7"]),
        ({"n": 5, "kernel": 3, "padding": 2, "ceil_mode": True}, ["padding", "2", "1"]),
    ],
)
def test_a_mistake_is_named(arguments, names):
    with pytest.raises(ValueError) as told:  # noqa: PT011 (the names follow)
        output_size(**arguments)
    assert all(name in str(told.value) for name in names)


@pytest.mark.parametrize(
    "arguments, names",
    [
        ({"n": -1, "kernel": 1}, ["n", "-1"]),
        ({"n": 5, "kernel": 3, "padding": "same"}, ["padding", "same"]),
        ({"n": 5, "kernel": 3, "output_padding": 1}, ["output_padding", "1", "stride"]),
        ({"n": 1, "kernel": 3, "padding": 2}, ["padding", "2", "3", "1"]),
    ],
)
def test_a_mistake_in_a_transposed_convolution_is_named(arguments, names):
    with pytest.raises(ValueError) as told:  # noqa: PT011 (the names follow)
        transposed_output_size(**arguments)
    assert all(name in str(told.value) for name in names)
