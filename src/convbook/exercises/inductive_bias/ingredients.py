"""Deeper networks, and what the inductive bias consists of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convbook.exercises import array, exercise, integer, number, result_of
from convbook.ops import conv2d

if TYPE_CHECKING:
    from jaxtyping import Float

SIDE, THIRD = 20, 7  # rows of an image, and of its top and of its bottom third


@exercise("inductive-bias-reach", because="The variance of a uniform law is a third of its reach².")
def reach(answer: Any) -> str | None:
    """How far a uniform law must reach that keeps the mean square through a ReLU."""
    for fan_in in (1, 6, 49, 147, 1000):
        given = number(result_of(answer, fan_in))
        right = np.sqrt(6 / fan_in)
        if np.isclose(given, right):
            continue
        where = f"With a fan-in of {fan_in}, "
        if np.isclose(given, 1 / np.sqrt(fan_in)):
            return f"{where}that is torch's own reach, by which the mean square shrinks to a sixth."
        if np.isclose(given, np.sqrt(2 / fan_in)):
            return f"{where}that is He's standard deviation. How far does a uniform law with it go?"
        if np.isclose(given, np.sqrt(3 / fan_in)):
            return (
                f"{where}that keeps the mean square up to the ReLU. What does the ReLU leave of it?"
            )
        if np.isclose(given, 6 / fan_in) or np.isclose(given, 2 / fan_in):
            return f"{where}that is a square: a reach has the unit of the weights themselves."
        return (
            f"{where}that does not fit. Weights with variance v make the mean square fan-in · v "
            "times as large, and the ReLU halves it."
        )
    return None


@exercise("inductive-bias-all-off", because="The wider a layer, the rarer all of it is off.")
def all_off(answer: Any) -> str | None:
    """How probable it is that some layer is off as a whole, at a half for each channel."""
    for width, depth in ((1, 1), (3, 1), (3, 2), (6, 4), (2, 10)):
        given = number(result_of(answer, width, depth))
        right = 1 - (1 - 0.5**width) ** depth
        if np.isclose(given, right):
            continue
        where = f"With {width} channels and {depth} layers, "
        if np.isclose(given, 1 - right):
            return f"{where}that is the probability that the signal gets through."
        if np.isclose(given, depth * 0.5**width):
            return f"{where}that counts twice what happens when two layers are off at once."
        if np.isclose(given, 0.5 ** (width * depth)):
            return f"{where}that is the probability that all layers are off. One is enough."
        if np.isclose(given, 1 - (1 - 0.5) ** (width * depth)):
            return f"{where}that is the probability that some channel is off. A layer needs all."
        if not 0 <= given <= 1:
            return f"{where}that is {given:g}, which is no probability."
        return f"{where}that does not fit. How probable is it that every layer has a channel on?"
    return None


@exercise("inductive-bias-exact", because="Even moves along both axes, and nothing else.")
def exact(answer: Any) -> str | None:
    """How many of the moves of a 28×28 image keep the features behind a 2×2 pooling."""
    given = integer(answer)
    if given == 14 * 14:
        return None
    if given == 28 * 28:
        return (
            "Those are all moves. By one pixel, other four pixels meet in a window of the pooling."
        )
    if given == 14:
        return "That counts the moves along one axis. An image can be moved along both at once."
    if given == 14 * 14 - 1:
        return "The move by nothing counts, too."
    if given == 28 * 28 // 2:
        return "A move that is even along one axis only still changes which pixels are pooled."
    if given in (1, 0):
        return "Moving the image by two rows moves what the pooling makes of it by one row."
    return "By how much must the image move for each window to hold what another one held before?"


@exercise("inductive-bias-rows", because="What a sum runs over, it forgets; the rest it keeps.")
def rows(answer: Any) -> str | None:
    """A head that tells rows apart but not columns: features from maps of shape (F, H, W)."""
    rng = np.random.default_rng(5)
    for shape in ((3, 6, 6), (2, 5, 8)):
        maps = rng.random(shape)
        before = _flat(answer, maps)
        sideways = [_flat(answer, np.roll(maps, step, axis=2)) for step in (1, 3)]
        down = [_flat(answer, np.roll(maps, step, axis=1)) for step in (1, 2)]
        where = f"For maps of the shape {shape}, "
        if any(len(each) != len(before) for each in (*sideways, *down)):
            return f"{where}the number of features changes with the image."
        stays = all(np.allclose(each, before) for each in sideways)
        tells = not any(np.allclose(each, before) for each in down)
        if not stays and not tells:
            return f"{where}features change with a move sideways, and stay with one down: turn it."
        if not stays:
            return f"{where}features change when the maps move sideways."
        if not tells:
            return (
                f"{where}features stay the same when the maps move down, too: rows are forgotten."
            )
        for one in np.ndindex(shape[:2]):  # map and row
            other = maps.copy()
            other[one] += 1
            if np.allclose(_flat(answer, other), before):
                return f"{where}features do not see all of the maps."
    return None


@exercise("inductive-bias-twins", because="One is the other, moved around the border.")
def twins(answer: Any) -> str | None:
    """Two images, a band in the top and one in the bottom third, with equal averaged features."""
    try:
        top, bottom = answer
    except (TypeError, ValueError):
        return "Give two images, as a pair."
    top, bottom = array(top, SIDE, SIDE), array(bottom, SIDE, SIDE)
    for name, image in (("first", top), ("second", bottom)):
        if np.ptp(image) == 0:
            return f"The {name} image is uniform: where is its band?"
    for name, image, own, rest in (
        ("first", top, slice(0, THIRD), slice(THIRD, SIDE)),
        ("second", bottom, slice(SIDE - THIRD, SIDE), slice(0, SIDE - THIRD)),
    ):
        if np.ptp(image[rest]) > 0:
            return (
                f"In the {name} image something lies outside its third; the rest must be uniform."
            )
        if np.ptp(image, axis=1).max() > 0:
            return f"The {name} image's band is not horizontal: its rows are not uniform."
        if not np.any(image[own] != image[rest][0, 0]):
            return f"The {name} image has no band in its third."
    rng = np.random.default_rng(8)
    for size in (3, 5):
        kernel = rng.normal(size=(size, size))
        one, two = (_averaged(image, kernel) for image in (top, bottom))
        if not np.isclose(one, two, rtol=1e-7, atol=0):  # however faint the bands are
            return (
                f"A random {size}×{size} kernel gives {one:.4f} and {two:.4f} on average. Do the "
                "images agree in everything but the place?"
            )
    return None


def _flat(answer: Any, maps: Float[np.ndarray, "F h w"]) -> Float[np.ndarray, " features"]:
    """The features that a reader's function makes of maps, in one line."""
    return array(result_of(answer, maps.copy())).ravel()


def _averaged(image: Float[np.ndarray, "h w"], kernel: Float[np.ndarray, "k k"]) -> float:
    """The mean of a circular convolution behind a ReLU."""
    made = conv2d(image, kernel, bias=None, padding=len(kernel) // 2, padding_mode="circular")
    return float(np.maximum(made, 0).mean())
