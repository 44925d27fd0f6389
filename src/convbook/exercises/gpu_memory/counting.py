"""What a training step keeps in memory, in bytes."""

from __future__ import annotations

from typing import Any

import numpy as np

from convbook.exercises import array, exercise, number, result_of
from convbook.exercises.gpu_memory._slips import close, slip


@exercise("gpu-memory-mib", because="The two units differ by almost 5 %.")
def mib(answer: Any) -> str | None:
    """Bytes in MB and in MiB."""
    for size in (44_726_568, 2**20, 10**6, *_some(0, 1, 10**11, 3)):
        given = array(result_of(answer, size), 2)
        mega, mebi = size / 10**6, size / 2**20
        if close(given[0], mega) and close(given[1], mebi):
            continue
        where = f"For {size:,} bytes, "
        if close(given[0], mebi) and close(given[1], mega):
            return f"{where}the two are the wrong way round. Which of the units is the larger one?"
        if close(given[0], given[1]):
            return f"{where}you give one number twice. What does the i in MiB stand for?"
        if close(given[0], size * 10**6) or close(given[1], size * 2**20):
            return f"{where}there are more MB or MiB than bytes."
        if close(given[0], size / 10**3) or close(given[1], size / 2**10):
            return f"{where}that is kB or KiB."
        if close(given[0], 8 * mega) or close(given[1], 8 * mebi):
            return f"{where}that counts bits."
        if np.allclose(given, [mega, mebi], rtol=0, atol=1):
            return f"{where}that is about right, but rounded. Leave all decimals in."
        return f"{where}the {'second' if close(given[0], mega) else 'first'} does not fit."
    return None


@exercise("gpu-memory-state", because="Adam keeps more for a parameter than the parameter itself.")
def state(answer: Any) -> str | None:
    """Bytes of parameters, gradients and the optimizer's state, in float32."""
    for n in (1000, 11_181_642, *_some(1, 1, 10**9, 2)):
        for optimizer, kept in (("sgd", 0), ("momentum", 1), ("adam", 2)):
            given = number(result_of(answer, n, optimizer))
            right = 4 * n * (2 + kept)
            if close(given, right):
                continue
            slips = [
                (right / 4, "that counts numbers. How many bytes does a number in float32 take?"),
                (8 * n, "that is what training needs before the optimizer keeps anything."),
                (right - 4 * n, "one number for each parameter is missing."),
                (right + 4 * n, "that is one number for each parameter too many."),
                (2 * right, "that is twice too much. Are the numbers in float64?"),
                (4 * n * kept, "that is the optimizer's share alone."),
            ]
            rest = "that does not fit. Count what is kept for a single parameter."
            return f'With {n:,} parameters and "{optimizer}", ' + slip(given, slips, rest)
    return None


@exercise("gpu-memory-conv-activation", because="Every image of the batch has maps of its own.")
def conv_activation(answer: Any) -> str | None:
    """Bytes that the output of a convolution takes."""
    sizes = [[64, 24, 112, 56, 4], [7, 5, 3, 11, 2]]
    sizes += [[*_some(2, 2, 300, 4), 2], [*_some(3, 2, 300, 4), 8]]
    for batch, channels, height, width, each in sizes:
        given = number(result_of(answer, batch, channels, height, width, each))
        right = batch * channels * height * width * each
        if close(given, right):
            continue
        slips = [
            (right / each, "that is how many numbers there are. How many bytes do they take?"),
            (right / batch, "that is what one image takes."),
            (right / channels, "that is what one of the maps of each image takes."),
            (right / height, "that counts one row of each map."),
            (right / width, "that counts one column of each map."),
            (right * 8, "that counts bits."),
            (right / each * 4, "not every number takes 4 bytes: see the last argument."),
            (right * 2, "that is twice too much. Only the output is asked for."),
        ]
        rest = "that does not fit. How many numbers do all the maps of all images hold?"
        shape = f"{batch} × {channels} × {height} × {width}"
        return f"For {shape} numbers of {each} bytes, " + slip(given, slips, rest)
    return None


@exercise("gpu-memory-block", because="Two maps, and two numbers for each of their channels.")
def block(answer: Any) -> str | None:
    """Bytes that convolution, batch norm and a ReLU in place keep for the backward pass."""
    for n, c_in, c_out, h, w in ((16, 3, 64, 32, 20), (5, 32, 8, 7, 9), (*_some(4, 2, 99, 5),)):
        given = number(result_of(answer, n, c_in, c_out, h, w))
        image, one, norm = 4 * n * c_in * h * w, 4 * n * c_out * h * w, 4 * c_out
        right = 2 * one + 2 * norm
        if close(given, right):
            continue
        in_place = "does the ReLU, in place, need memory of its own for its result?"
        missing = "one of the maps is missing. Go through the layers: what does each of them keep?"
        beside = "that is not asked for: parameters, running statistics and the block's input."
        slips = [
            (right / 4, "that counts numbers. How many bytes does a number in float32 take?"),
            (2 * one, "what has batch norm found out about each channel, beside its output?"),
            (2 * one + norm, "batch norm keeps more than one number for each channel."),
            (one + 2 * norm, missing),
            (one, missing),
            (3 * one + 2 * norm, in_place),
            (3 * one, in_place),
            (right + image, beside),
            (right + 2 * norm, beside),
            (right + 4 * norm, beside),
            (right + 4 * 9 * c_in * c_out, beside),
            (2 * image + 8 * c_in, "the maps in question are not those that come in."),
            (2 * one / n + 2 * norm, "each image of the batch has maps of its own."),
        ]
        rest = "that does not fit. Which tensors are kept, and how many numbers does each hold?"
        shape = f"{n} images of {h}×{w}, {c_in} channels in and {c_out} out"
        return f"For {shape}, " + slip(given, slips, rest)
    return None


@exercise("gpu-memory-precision", because="What is kept for each parameter does not get smaller.")
def precision(answer: Any) -> str | None:
    """Bytes before the backward pass under autocast to bfloat16, with Adam."""
    for n, a in ((1_000_000, 640_000_000), (11_173_962, 3_000), (10**8, 4 * 10**9 + 12)):
        given = number(result_of(answer, n, a))
        right = 14 * n + a / 2
        if close(given, right):
            continue
        slips = [
            (12 * n + a / 2, "the copy that the convolutions compute with is missing."),
            (14 * n + a, "are the activations kept in float32?"),
            (12 * n + a, "that is what it would be without autocast."),
            (18 * n + a / 2, "4 bytes for each parameter too many: what does not exist yet?"),
            (16 * n + a / 2, "2 bytes for each parameter too many: what is how wide?"),
            (10 * n + a / 2, "4 bytes for each parameter are missing: what stays in float32?"),
            (6 * n + a / 2, "the optimizer keeps its state between steps."),
            (7 * n + a / 2, "that halves everything. What does autocast leave in float32?"),
            (a / 2, "that is the activations alone."),
            (14 * n, "that is all but the activations."),
        ]
        rest = "that does not fit. What is kept for one parameter, and in how many bytes?"
        return f"With {n:,} parameters and {a:,} bytes in float32, " + slip(given, slips, rest)
    return None


def _some(seed: int, low: int, high: int, count: int) -> list[int]:
    """Whole numbers from ``low`` to ``high``, the same ones whenever an answer is checked."""
    drawn = np.random.default_rng(seed).integers(low, high, count, endpoint=True)
    return [int(each) for each in drawn]
