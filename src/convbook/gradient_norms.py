"""How large the gradient of a shared weight is, against the size of the image.

The gradient of one weight is a sum over all m·m places where its kernel lies. Drawn at random, as
question 5(b) of the homework assumes, its standard deviation is m·σx·σg. In a network, the images
and what flows back are neither random nor independent: `in_a_network` takes that apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from convbook import network
from convbook._arguments import as_array
from convbook.photographs import PHOTOGRAPHS, crops, grey

if TYPE_CHECKING:
    from jaxtyping import Float, Int

    Draw = Callable[[np.random.Generator, tuple[int, ...]], Float[np.ndarray, "*shape"]]


def _uniform(rng: np.random.Generator, shape: tuple[int, ...]) -> Float[np.ndarray, "*shape"]:
    return rng.uniform(-np.sqrt(3), np.sqrt(3), shape)


def _two_point(rng: np.random.Generator, shape: tuple[int, ...]) -> Float[np.ndarray, "*shape"]:
    return 2.0 * rng.integers(0, 2, shape, dtype=np.int8) - 1


def _laplace(rng: np.random.Generator, shape: tuple[int, ...]) -> Float[np.ndarray, "*shape"]:
    return rng.laplace(0, np.sqrt(0.5), shape)


# Three distributions of mean 0 and variance 1. None of them is normal.
DISTRIBUTIONS: dict[str, Draw] = {
    "uniform": _uniform,
    "two-point": _two_point,
    "Laplace": _laplace,
}


def weight_gradients(
    x: Float[np.ndarray, "b h w"], dy: Float[np.ndarray, "b *f m n"]
) -> Float[np.ndarray, "b *f kh kw"]:
    """The gradient of a convolution's kernels, for each image of a batch by itself.

    ``dw[h, l] = Σ dy[i, j] · x[i + h, j + l]``: no padding, stride 1; pad ``x`` beforehand.

    Parameters
    ----------
    x
        Images of one channel.
    dy
        What flows back to the output of one kernel (B, m, n), or of several (B, F, m, n).

    Raises
    ------
    ValueError
        If a shape is another, the numbers of images differ, or ``dy`` is larger than the images.
    """
    images, upstream = as_array("x", x), as_array("dy", dy)
    if images.ndim != 3 or upstream.ndim not in {3, 4}:
        raise ValueError(
            f"dy has shape {upstream.shape} and x {images.shape}; they must be (B, m, n) or "
            "(B, F, m, n), and (B, H, W)"
        )
    m, n = upstream.shape[-2:]
    height, width = images.shape[1] - m + 1, images.shape[2] - n + 1
    if len(images) != len(upstream) or height < 1 or width < 1:
        raise ValueError(
            f"dy has shape {upstream.shape} and x {images.shape}; they must hold as many images, "
            "and dy must not be larger"
        )
    entries = [
        np.einsum("bij,b...ij->b...", images[:, h : h + m, l : l + n], upstream)
        for h in range(height)
        for l in range(width)
    ]
    return np.stack(entries, axis=-1).reshape(*upstream.shape[:-2], height, width)


def root_mean_square(values: Float[np.ndarray, "*shape"]) -> float:
    """The typical size of an entry; of entries of mean zero, their standard deviation."""
    return float(np.sqrt(np.mean(np.square(values))))


def simulated(
    rng: np.random.Generator, draw: Draw, sizes: Sequence[int], kernel: int = 3, images: int = 48
) -> Float[np.ndarray, " sizes"]:
    """The standard deviation of ``dw``'s entries where all of ``x`` and ``dy`` is independent.

    For each size n: so many images n × n, and as many upstream gradients m × m, m = n − kernel + 1.
    """
    results = []
    for n in sizes:
        m = n - kernel + 1
        dw = weight_gradients(draw(rng, (images, n, n)), draw(rng, (images, m, m)))
        results.append(root_mean_square(dw))
    return np.array(results)


def exponent(
    sizes: Sequence[float], values: Float[np.ndarray, "*r sizes"]
) -> Float[np.ndarray, "*r"]:
    """The slope of log(values) against log(sizes): p where the values grow like sizes to the p."""
    logs = np.log(np.asarray(sizes, dtype=float))
    centred = logs - logs.mean()
    return np.asarray(np.log(values) @ centred / (centred @ centred))


def photographs() -> list[Float[np.ndarray, "h w"]]:
    """The book's photographs, their grey levels scaled together to mean 0 and variance 1."""
    pictures = [grey(name) for name in PHOTOGRAPHS]
    everything = np.concatenate([picture.ravel() for picture in pictures])
    return [(picture - everything.mean()) / everything.std() for picture in pictures]


def recogniser(
    pictures: Sequence[Float[np.ndarray, "h w"]],
    rng: np.random.Generator,
    steps: int = 120,
    side: int = 24,
) -> network.Arrays:
    """The parameters of `convbook.network`, trained to tell whose piece it is shown."""
    p = network.initial(rng, classes=len(pictures))
    for _ in range(steps):
        p, _ = network.step(p, *crops(pictures, rng, side, 16), rate=0.1)
    return p


def in_a_network(
    p: network.Arrays,
    pictures: Sequence[Float[np.ndarray, "h w"]],
    rng: np.random.Generator,
    sizes: Sequence[int],
    images: int = 64,
) -> dict[str, Float[np.ndarray, "sizes 3"]]:
    """The size of a first layer's weight gradients where assumptions fail, one after the other.

    The images are pieces of the pictures, ``dy`` is what flows back to the first convolution of the
    network `convbook.network` with parameters ``p``. For each size and each case: the root mean
    square of the gradient's entries, that of ``x``, and that of ``dy``. The cases are

    ``independent dy``
        the pieces, with ``dy`` replaced by independent draws;
    ``independent x``
        independent draws in place of the pieces, with the network's ``dy``;
    ``another's dy``
        the pieces, each with the ``dy`` that belongs to another piece;
    ``its own dy``
        the pieces, each with its own: the gradient of the network.
    """
    results: dict[str, list[list[float]]] = {}
    for n in sizes:
        x, labels = crops(pictures, rng, n, images)  # B n n
        dy = upstream(p, x, labels)  # B F n n
        cases = {
            "independent dy": (x, _laplace(rng, dy.shape)),
            "independent x": (_laplace(rng, x.shape), dy),
            "another's dy": (x, np.roll(dy, 1, axis=0)),
            "its own dy": (x, dy),
        }
        for name, (seen, flowing) in cases.items():
            dw = weight_gradients(np.pad(seen, ((0, 0), (1, 1), (1, 1))), flowing)
            found = [root_mean_square(values) for values in (dw, seen, flowing)]
            results.setdefault(name, []).append(found)
    return {name: np.array(rows) for name, rows in results.items()}


def upstream(
    p: network.Arrays, x: Float[np.ndarray, "b n n"], labels: Int[np.ndarray, " b"]
) -> Float[np.ndarray, "b f n n"]:
    """``dy`` of the first convolution, for the loss of each image (their sum, not their mean)."""
    a = network.forward(p, x)
    _, dscores = network.softmax_cross_entropy(a["scores"], labels)
    return network.backward(p, a, len(x) * dscores)["y1"]
