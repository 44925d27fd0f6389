"""The package of operations as a whole: what it offers, what it loads, what it leaves alone."""

import inspect
import subprocess
import sys

import numpy as np
import pytest
import torch

from convbook import ops

SIGNALS = {"x": np.ones((2, 4, 5)), "w": np.ones((4, 4, 3))}
IMAGES = {"x": np.ones((2, 4, 5, 5)), "w": np.ones((4, 4, 3, 3))}
POOLED = {"x": np.ones((2, 4, 5, 5)), "kernel_size": 2}

# Each operation with arguments that fit, and the shape of what comes out.
FORWARD = {
    "conv1d": (SIGNALS, (2, 4, 3)),
    "conv2d": (IMAGES, (2, 4, 3, 3)),
    "conv_transpose2d": (IMAGES, (2, 4, 7, 7)),
    "max_pool2d": (POOLED, (2, 4, 2, 2)),
    "avg_pool2d": (POOLED, (2, 4, 2, 2)),
}
ALL = {name: arguments for name, (arguments, _) in FORWARD.items()} | {
    f"{name}_backward": {"dy": np.ones(shape)} | arguments
    for name, (arguments, shape) in FORWARD.items()
}


def arrays_of(result):
    return result if isinstance(result, tuple) else (result,)


def test_offers_every_operation_and_its_gradient():
    assert set(ALL) | {"Gradients", "PADDING_MODES", "pad", "windows"} == set(ops.__all__)
    assert all(hasattr(ops, name) for name in ops.__all__)


@pytest.mark.parametrize("name", FORWARD)
def test_the_gradient_takes_the_arguments_of_its_operation(name):
    forward = list(inspect.signature(getattr(ops, name)).parameters.values())
    backward = list(inspect.signature(getattr(ops, f"{name}_backward")).parameters.values())
    assert backward[0].name == "dy"
    assert backward[1:] == [parameter for parameter in forward if parameter.name != "bias"]


@pytest.mark.parametrize("name", FORWARD)
def test_arguments_stand_in_the_order_of_torch(name):
    ours = list(inspect.signature(getattr(ops, name)).parameters)
    named_by_torch = {
        "conv1d": "x w bias stride padding dilation groups",
        "conv2d": "x w bias stride padding dilation groups",
        "conv_transpose2d": "x w bias stride padding output_padding groups dilation",
        "max_pool2d": "x kernel_size stride padding dilation ceil_mode",
        "avg_pool2d": ("x kernel_size stride padding ceil_mode count_include_pad divisor_override"),
    }[name].split()
    assert ours[: len(named_by_torch)] == named_by_torch
    assert ours[len(named_by_torch) :] in ([], ["padding_mode"])


@pytest.mark.parametrize("name", ALL)
def test_leaves_its_arguments_alone(name):
    given = {key: np.copy(value) for key, value in ALL[name].items() if key != "kernel_size"}
    kept = {key: value.copy() for key, value in given.items()}
    for result in arrays_of(getattr(ops, name)(**ALL[name] | given)):
        result[...] = 7  # what comes out is new: writing to it changes no argument
    for key, value in given.items():
        np.testing.assert_array_equal(value, kept[key])


@pytest.mark.parametrize("name", ["max_pool2d", "avg_pool2d"])
def test_a_window_of_one_pixel_is_a_copy(name):
    x = np.arange(6.0).reshape(2, 3)
    y = getattr(ops, name)(x, 1)
    np.testing.assert_array_equal(y, x)
    assert not np.shares_memory(x, y)
    dx = getattr(ops, f"{name}_backward")(x, x, 1)
    np.testing.assert_array_equal(dx, x)
    assert not np.shares_memory(x, dx)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float16", "float32"])
def test_any_numbers_are_taken_and_float64_returned(name, dtype):
    given = {k: v if k == "kernel_size" else (77 * v).astype(dtype) for k, v in ALL[name].items()}
    doubles = {k: v if k == "kernel_size" else v.astype(float) for k, v in given.items()}
    function = getattr(ops, name)
    for actual, expected in zip(
        arrays_of(function(**given)), arrays_of(function(**doubles)), strict=True
    ):
        assert actual.dtype == np.float64
        np.testing.assert_array_equal(actual, expected)  # small integers did not overflow


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("as_other", [torch.from_numpy, np.ndarray.tolist], ids=["tensor", "list"])
def test_tensors_and_lists_are_arrays_too(name, as_other):
    given = {k: v if k == "kernel_size" else as_other(v) for k, v in ALL[name].items()}
    function = getattr(ops, name)
    for actual, expected in zip(
        arrays_of(function(**given)), arrays_of(function(**ALL[name])), strict=True
    ):
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("wrong", [None, "a", [[1, 2], [3]], 1j, np.ones((0, 4, 5, 5)), 3.0])
def test_what_is_no_array_of_the_right_kind_is_named(name, wrong):
    for key in ALL[name]:
        if key != "kernel_size":
            with pytest.raises(ValueError, match=rf"\b{key}\b"):
                getattr(ops, name)(**ALL[name] | {key: wrong})


@pytest.mark.parametrize("name", [name for name in ALL if name.endswith("_backward")])
def test_a_gradient_of_another_shape_than_the_output_is_named(name):
    dy = ALL[name]["dy"]
    for wrong in (dy[:1], dy[:, :1], dy[..., :1], dy[0], dy[None], np.ones(dy.shape[::-1])):
        with pytest.raises(ValueError, match=r"\bdy\b"):
            getattr(ops, name)(**ALL[name] | {"dy": wrong})


def test_loads_no_more_than_numpy():
    code = (
        "import sys, convbook.ops; "
        "print(sorted({'torch', 'matplotlib', 'scipy', 'IPython', 'jaxtyping'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
