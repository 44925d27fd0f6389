"""The photographs of the book: files that scikit-image's package carries, never the network's.

Each comes with the facts that its licence wants stated. They are taken from the documentation of
`skimage.data`, where scikit-image states them file by file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float, Int


@dataclass(frozen=True)
class Photograph:
    """Where a photograph comes from, and on which terms it may be used."""

    file: str
    title: str
    author: str
    licence: str


PHOTOGRAPHS: dict[str, Photograph] = {
    "cat": Photograph("chelsea.png", "Chelsea the cat", "Stefan van der Walt", "CC0"),
    "camera": Photograph("camera.png", "Camera", "Lav Varshney", "CC0"),
    "coffee": Photograph(
        "coffee.png", "Coffee cup", "Rachel Michetti (Pikolo Espresso Bar)", "CC0"
    ),
    "bricks": Photograph("brick.png", "Brick wall", "CC0Textures (Bricks25)", "CC0"),
    "coins": Photograph(
        "coins.png",
        "Greek coins from Pompeii",
        "Brooklyn Museum Collection",
        "no known copyright restrictions",
    ),
}

# Luma of ITU-R BT.601: the eye takes green for brighter than red, and red for brighter than blue.
LUMA = (0.299, 0.587, 0.114)


def colour(name: str) -> Float[np.ndarray, "h w 3"]:
    """A photograph in colour, float64 from 0 to 1; a grey one has three equal channels.

    Raises
    ------
    ValueError
        If there is no photograph of this name.
    FileNotFoundError
        If this scikit-image does not carry the file.
    """
    pixels = _pixels(name)
    return np.stack([pixels] * 3, axis=-1) if pixels.ndim == 2 else pixels


def grey(name: str) -> Float[np.ndarray, "h w"]:
    """A photograph in grey, float64 from 0 (black) to 1 (white).

    Raises
    ------
    ValueError
        If there is no photograph of this name.
    FileNotFoundError
        If this scikit-image does not carry the file.
    """
    pixels = _pixels(name)
    return pixels if pixels.ndim == 2 else pixels @ np.array(LUMA)


def crops(
    pictures: Sequence[Float[np.ndarray, "h w"]], rng: np.random.Generator, side: int, count: int
) -> tuple[Float[np.ndarray, "count side side"], Int[np.ndarray, " count"]]:
    """Square pieces of pictures, each picture and each place in it as likely; and whose they are.

    Raises
    ------
    ValueError
        If there are no pictures, or a piece does not fit into one of them.
    """
    if not pictures:
        raise ValueError("pictures is empty; it must hold at least one")
    for picture in pictures:
        if min(picture.shape) < side:
            raise ValueError(f"side is {side}; a picture has the shape {picture.shape}")
    labels = rng.integers(len(pictures), size=count)
    pieces = np.empty((count, side, side))
    for piece, label in zip(pieces, labels, strict=True):
        height, width = pictures[label].shape
        top, left = rng.integers(height - side + 1), rng.integers(width - side + 1)
        piece[...] = pictures[label][top : top + side, left : left + side]
    return pieces, labels


def _pixels(name: str) -> Float[np.ndarray, "*shape"]:
    if name not in PHOTOGRAPHS:
        raise ValueError(f"no photograph named {name!r}; there are {', '.join(PHOTOGRAPHS)}")
    # Read from the package's folder: skimage.data's own functions would try to download a file
    # that is missing.
    import skimage
    from skimage.io import imread

    file = Path(skimage.__file__).parent / "data" / PHOTOGRAPHS[name].file
    if not file.exists():
        raise FileNotFoundError(
            f"this installation of scikit-image does not carry {file.name}; a wheel from PyPI does"
        )
    return np.asarray(imread(file), dtype=np.float64) / 255
