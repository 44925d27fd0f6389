"""Which batch fits, what it costs, and what to do when it does not fit."""

from __future__ import annotations

from typing import Any

import numpy as np

from convbook.exercises import array, exercise, integer, number, result_of
from convbook.exercises.gpu_memory._slips import close, slip


@exercise("gpu-memory-largest-batch", because="The fixed part is paid first, and once.")
def largest_batch(answer: Any) -> str | None:
    """The largest batch that a budget holds, of a fixed part and one for each image."""
    rng = np.random.default_rng(0)
    cases = [(2000, 300, 5000), (500, 7, 1000), (900, 30, 600), (600, 30, 600), (600, 30, 629)]
    cases += [tuple(rng.integers(1, (10**9, 10**8, 10**11)).tolist()) for _ in range(5)]
    for fixed, slope, budget in cases:
        given = integer(result_of(answer, fixed, slope, budget))
        right = max(0, (budget - fixed) // slope)
        if given == right:
            continue
        where = f"With {fixed:,} bytes, {slope:,} more per image and a budget of {budget:,}, "
        takes = fixed + slope * given
        if given < 0:
            return f"{where}you give {given}. What can be said when not even one image fits?"
        if given == budget // slope:
            return f"{where}that is how many images would fit if there were nothing else."
        if given == budget // (fixed + slope):
            return f"{where}does every image need the fixed part anew?"
        if takes > budget:
            return f"{where}a batch of {given} takes {takes:,}."
        return f"{where}a batch of {given} takes {takes:,}. Is there room for another image?"
    return None


@exercise("gpu-memory-two-points", because="Two measurements fix a line.")
def two_points(answer: Any) -> str | None:
    """The peak at a batch, from the peaks at two others."""
    rng = np.random.default_rng(1)
    cases = [(32, 64, 256, 900, 12), (64, 16, 40, 700, 9), (8, 16, 0, 1000, 30)]
    for _ in range(4):
        b1, b2, b = rng.choice(np.arange(1, 600), size=3, replace=False).tolist()
        cases.append((b1, b2, b, *rng.integers(1, (10**9, 10**8)).tolist()))
    for b1, b2, b, fixed, slope in cases:
        m1, m2, right = (fixed + slope * each for each in (b1, b2, b))
        given = number(result_of(answer, b1, m1, b2, m2, b))
        if close(given, right):
            continue
        alike = "that makes the memory proportional to the batch. Is there nothing without images?"
        slips = [
            (m1 * b / b1, alike),
            (m2 * b / b2, alike),
            (slope * b, "that is what the images take. What is there without any?"),
            (fixed, "that is what there is without any image."),
            (slope, "that is what one more image takes."),
            (m1 + slope * b, "that counts the images of the first measurement in addition."),
            (m2 + slope * b, "that counts the images of the second measurement in addition."),
            (m1 - slope * (b - b1), "the memory goes the wrong way from the first measurement."),
            (m2 - slope * (b - b2), "the memory goes the wrong way from the second measurement."),
        ]
        rest = "that does not lie on the line. How much does one more image take?"
        where = f"From {m1:,} bytes at {b1} and {m2:,} at {b2} to a batch of {b}: "
        return where + slip(given, slips, rest)
    return None


@exercise("gpu-memory-checkpoint", because="Neither too many inputs, nor too long a group.")
def checkpoint(answer: Any) -> str | None:
    """After how many blocks to put a checkpoint, for the least memory."""
    rng = np.random.default_rng(2)
    cases = [(16, 50, 50), (16, 10, 160), (12, 5, 40), (36, 1, 3), (24, 1, 1000), (12, 100, 631)]
    cases += [(int(rng.choice([30, 48, 60])), *rng.integers(1, 10**9, 2).tolist()) for _ in "1234"]
    for n, s, c in cases:
        k = integer(result_of(answer, n, s, c))
        where = f"With {n} blocks, s = {s:,} and c = {c:,}, "
        if not 1 <= k <= n or n % k:
            return f"{where}your k is {k}, which does not divide {n} into whole groups."
        costs = {each: each * s + n // each * c for each in range(1, n + 1) if n % each == 0}
        if costs[k] == min(costs.values()):
            continue
        if costs[n // k] == min(costs.values()):
            return f"{where}that is how many groups there are. How many blocks has each?"
        if k == min(costs, key=lambda each: abs(each - np.sqrt(n))):
            return f"{where}you give {k}. Should s and c have no say?"
        return (
            f"{where}a checkpoint every {k} blocks leaves {costs[k]:,} bytes. "
            f"{min(costs.values()):,} are possible."
        )
    return None


@exercise("gpu-memory-accumulate", because="Each image counts alike, whatever it comes with.")
def accumulate(answer: Any) -> str | None:
    """By which factors to multiply the mean losses of micro-batches of these sizes."""
    rng = np.random.default_rng(3)
    cases = [[8, 8, 8, 8], [8, 8, 3], [5], *(rng.integers(1, 99, m).tolist() for m in (2, 5, 9))]
    for sizes in cases:
        given = array(result_of(answer, list(sizes)), len(sizes))
        share = np.array(sizes) / sum(sizes)
        if np.allclose(given, share, rtol=1e-6, atol=0):
            continue
        where = f"For micro-batches of {sizes}, "
        if np.allclose(given, 1 / len(sizes)):
            return f"{where}all count alike, and so an image of a small one counts more."
        if np.allclose(given, sizes):
            return f"{where}the sum is that of all images' losses. And their mean?"
        if np.allclose(given, 1):
            return f"{where}the gradients add up. How long would the step be?"
        if np.allclose(given, 1 / share):
            return f"{where}that is what to divide by. The factors are asked for."
        if np.allclose(given, share * len(sizes)):
            return f"{where}the gradient is {len(sizes)} times as long as it should be."
        if np.allclose(given, 1 / np.array(sizes)):
            return f"{where}each loss is a mean already: it has been divided by its own size."
        if np.allclose(given, 1 / sum(sizes)):
            return f"{where}that would be right for losses that are sums."
        if not np.isclose(given.sum(), 1):
            return f"{where}equal losses of 1 would give {given.sum():g} in all."
        return f"{where}that does not fit. How much should one image count?"
    return None


@exercise("gpu-memory-crossing", because="Below it the GPU waits, above it the CPU does.")
def crossing(answer: Any) -> str | None:
    """The batch at which arithmetic takes as long as launching."""
    some = np.random.default_rng(4).uniform((1e-3, 1e-5), (5e-2, 1e-3), (4, 2)).tolist()
    for launch, image in ((0.008, 0.0005), (0.01, 0.0003), *some):
        given = number(result_of(answer, launch, image))
        right = launch / image
        if np.isclose(given, right, rtol=1e-6, atol=0):
            continue
        where = f"With {launch:g} s of launching and {image:g} s per image, "
        if np.isclose(given, image / launch):
            return f"{where}that is the wrong way round: a batch of less than one image."
        if abs(given - right) < 1:
            return f"{where}that is about right, but rounded. Leave all decimals in."
        if given <= 0:
            return f"{where}you give {given:g}, which is no batch."
        return f"{where}a batch of {given:.4g} takes {given * image:.4g} s of arithmetic."
    return None
