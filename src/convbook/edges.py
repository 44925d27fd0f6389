"""Images of bright bands: a task so small that every claim about a network can be tried in minutes.

An image is one grey level, the background, with a band across it: horizontal, vertical, diagonal,
a horizontal and a vertical one, or none. Nothing else tells the classes apart. In particular a
diagonal band lights exactly as many pixels as an upright one of the same width, so that no count
of bright pixels gives it away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from convbook._arguments import as_integer

if TYPE_CHECKING:
    from jaxtyping import Bool, Float32, Int

SIDE = 28  # of an image, in pixels
THREE = ("horizontal", "vertical", "none")
FIVE = (*THREE, "diagonal", "both")


@dataclass(frozen=True)
class Edges:
    """Images, and the class of each as an index into ``classes``."""

    images: Float32[np.ndarray, "n side side"]
    labels: Int[np.ndarray, " n"]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        """How many there are."""
        return len(self.labels)

    @property
    def tensors(self) -> tuple[Float32[np.ndarray, "n 1 side side"], Int[np.ndarray, " n"]]:
        """The images with an axis for their one channel, and the labels."""
        return self.images[:, None], self.labels


def draw_edges(
    rng: np.random.Generator,
    per_class: int,
    *,
    classes: Sequence[str] = THREE,
    side: int = SIDE,
    widths: tuple[int, int] = (1, 4),
    intensities: tuple[float, float] = (0.25, 1.0),
    backgrounds: tuple[float, float] = (0.0, 0.2),
    places: tuple[float, float] = (0.0, 1.0),
    angles: Sequence[float] = (30, 45, 120, 135),
    noise: float = 0.0,
) -> Edges:
    """Draw a balanced set of images, class after class.

    Everything is uniform: the grey levels of background and band within their ranges, the width
    among its whole numbers, the place of an upright band among all that fit, a diagonal's angle
    among the given ones. A diagonal crosses the image's middle, along the axis that it crosses
    more steeply, in the middle half, so that it is about as long as the image is wide.

    Parameters
    ----------
    rng
        Where all draws come from.
    per_class
        How many images of each class.
    classes
        Some of ``FIVE``; a label is an index into these.
    side
        Of an image, in pixels.
    widths
        The narrowest and the widest band, in pixels, both included.
    intensities, backgrounds
        The range of the band's and of the background's grey level.
    places
        The part of the image that upright bands lie in, as shares of its side: (0, 0.5) keeps
        horizontal bands in the upper and vertical ones in the left half.
    angles
        Of diagonal bands, in degrees, counter-clockwise from the horizontal.
    noise
        Standard deviation of normal noise, added to every pixel last. Values are not clipped.

    Raises
    ------
    ValueError
        If a class is unknown, a range is empty, no band fits, or ``places`` is restricted for
        diagonal bands, which cross both halves.
    """
    per_class = as_integer("per_class", per_class, least=1)
    side = as_integer("side", side, least=2)
    _check_classes(classes)
    for name, (low, high) in {"intensities": intensities, "backgrounds": backgrounds}.items():
        if not low <= high:
            raise ValueError(f"{name} is {(low, high)}; it must be a range (low, high)")
    if noise < 0:
        raise ValueError(f"noise is {noise}; it must be 0 or more")
    if not (1 <= widths[0] <= widths[1]):
        raise ValueError(f"widths is {widths}; it must be a range from 1 on, as (1, 4)")
    first, end = _room(places, side, widths[1])
    if "diagonal" in classes and (first, end) != (0, side):
        raise ValueError(f"places is {places}; diagonal bands need the whole image, (0, 1)")

    n = per_class * len(classes)
    labels = np.repeat(np.arange(len(classes)), per_class)
    background, intensity = (
        rng.uniform(*span, size=(n, 1, 1)) for span in (backgrounds, intensities)
    )
    rows = _bands(rng, n, first, end, side, widths)  # n side: which rows a horizontal band lights
    columns = _bands(rng, n, first, end, side, widths)
    lit = np.zeros((n, side, side), dtype=bool)
    for label, name in enumerate(classes):
        own = labels == label
        if name in ("horizontal", "both"):
            lit[own] |= rows[own, :, None]
        if name in ("vertical", "both"):
            lit[own] |= columns[own, None, :]
        if name == "diagonal":
            lit[own] = _diagonals(rng, per_class, side, widths, angles)
    images = np.where(lit, intensity, background)
    if noise:
        images = images + rng.normal(0, noise, size=images.shape)
    return Edges(images.astype(np.float32), labels, tuple(classes))


def shuffle_labels(rng: np.random.Generator, edges: Edges) -> Edges:
    """The same images with their labels dealt out anew: there is nothing left to learn."""
    return replace(edges, labels=rng.permutation(edges.labels))


def permutation(
    rng: np.random.Generator, side: int = SIDE, block: int | None = None
) -> Int[np.ndarray, " pixels"]:
    """Draw a new order of an image's pixels, for `permute`.

    Parameters
    ----------
    side
        Of an image, in pixels.
    block
        If given, pixels stay within blocks of this side, and all blocks share one order: what is
        near stays near, at the scale of the blocks.

    Raises
    ------
    ValueError
        If blocks do not tile the image.
    """
    side = as_integer("side", side, least=1)
    block = side if block is None else as_integer("block", block, least=1)
    if side % block:
        raise ValueError(f"block is {block}; it must divide the image's side, {side}")
    order = rng.permutation(block * block).reshape(block, block)
    down, across = np.divmod(order, block)  # where in its block each pixel is taken from
    corners = np.arange(0, side, block)
    rows = (
        corners[:, None, None, None] + down[None, :, None, :]
    )  # block row, row, block column, column
    columns = corners[None, None, :, None] + across[None, :, None, :]
    return (rows * side + columns).ravel()


def permute(edges: Edges, order: Int[np.ndarray, " pixels"]) -> Edges:
    """The same images with their pixels in another order: new pixel ``k`` is old ``order[k]``.

    Raises
    ------
    ValueError
        If ``order`` does not name every pixel once.
    """
    pixels = edges.images[0].size
    if not np.array_equal(np.sort(np.ravel(order)), np.arange(pixels)):
        raise ValueError(f"order must hold each of 0 to {pixels - 1} once, a place for every pixel")
    moved = edges.images.reshape(len(edges), pixels)[:, np.ravel(order)]
    return replace(edges, images=moved.reshape(edges.images.shape))


def _check_classes(classes: Sequence[str]) -> None:
    if not classes or isinstance(classes, str) or len(set(classes)) < len(classes):
        raise ValueError(f"classes is {classes!r}; it must list some of {FIVE}, each once")
    for name in classes:
        if name not in FIVE:
            raise ValueError(f"classes holds {name!r}; the classes are {', '.join(FIVE)}")


def _room(places: tuple[float, float], side: int, widest: int) -> tuple[int, int]:
    """The first row that a band may light, and the one behind the last."""
    low, high = places
    if not 0 <= low < high <= 1:
        raise ValueError(f"places is {places}; it must be a range within (0, 1)")
    first, end = round(low * side), round(high * side)
    if widest > end - first:
        raise ValueError(
            f"widths go up to {widest}; places {places} of {side} pixels has room for {end - first}"
        )
    return first, end


def _bands(
    rng: np.random.Generator, n: int, first: int, end: int, side: int, widths: tuple[int, int]
) -> Bool[np.ndarray, "n side"]:
    """For n bands, which rows (or columns) each one lights."""
    width = rng.integers(widths[0], widths[1] + 1, size=(n, 1))
    start = rng.integers(first, end - width + 1)
    place = np.arange(side)
    return (start <= place) & (place < start + width)


def _diagonals(
    rng: np.random.Generator,
    n: int,
    side: int,
    widths: tuple[int, int],
    angles: Sequence[float],
) -> Bool[np.ndarray, "n side side"]:
    """The width · side pixels that lie nearest to each of n random lines."""
    width = rng.integers(widths[0], widths[1] + 1, size=n)
    angle = np.radians(rng.choice(np.asarray(angles, dtype=float), size=n))[:, None, None]
    up, right = np.sin(angle), np.cos(angle)  # the line's direction
    crossing = rng.uniform(-side / 4, side / 4, size=(n, 1, 1))  # from the centre
    steep = np.abs(up) > np.abs(right)
    offset = np.where(steep, crossing * up, crossing * right)  # of the line from the centre
    place = np.arange(side) - (side - 1) / 2
    y, x = -place[:, None], place[None, :]
    distance = np.abs(x * up - y * right - offset)  # n side side
    along = np.abs(x * right + y * up)  # settles ties: the lit pixels nearest to the centre win
    order = np.argsort((distance + 1e-6 * along).reshape(n, -1), axis=1, kind="stable")
    lit = np.zeros((n, side * side), dtype=bool)
    np.put_along_axis(lit, order, np.arange(side * side) < width[:, None] * side, axis=1)
    return lit.reshape(n, side, side)
