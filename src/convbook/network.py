"""A whole convolutional network, forward and backward, in NumPy: every layer is one line.

    conv 3×3 → ReLU → max pool 2×2 → conv 3×3 → ReLU → average of each quarter → linear

Its parameters are a dictionary, and so is all that it computes: ``a["y1"]`` is the output of the
first convolution, and ``d["y1"]`` the derivative of the loss with respect to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convbook._arguments import as_array, as_integer
from convbook.ops import (
    avg_pool2d,
    avg_pool2d_backward,
    conv2d,
    conv2d_backward,
    max_pool2d,
    max_pool2d_backward,
)

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from numpy.typing import ArrayLike

    Arrays = dict[str, Float[np.ndarray, "*shape"]]


def initial(
    rng: np.random.Generator, widths: tuple[int, int] = (8, 16), classes: int = 10
) -> Arrays:
    """Parameters to start from: normal weights of variance 2 / inputs (He et al., 2015), no biases.

    The names are ``w1 b1 w2 b2 w3 b3``, in the order of the layers.
    """

    def weights(*shape: int) -> Float[np.ndarray, "*shape"]:
        return rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape)

    first, second = widths
    return {
        "w1": weights(first, 1, 3, 3),
        "b1": np.zeros(first),
        "w2": weights(second, first, 3, 3),
        "b2": np.zeros(second),
        "w3": weights(classes, 4 * second),
        "b3": np.zeros(classes),
    }


def forward(p: Arrays, images: Float[ArrayLike, "n h w"]) -> Arrays:
    """All that the network computes on its way from the images to the scores.

    Raises
    ------
    ValueError
        If the images are not (N, H, W) with sides that are multiples of 4.
    """
    x = _with_channel(images)
    a = {"x": x}  # N 1 H W
    a["y1"] = conv2d(x, p["w1"], p["b1"], padding=1)  # N 8 H W
    a["h1"] = np.maximum(a["y1"], 0)
    a["m1"] = max_pool2d(a["h1"], 2)  # N 8 H/2 W/2
    a["y2"] = conv2d(a["m1"], p["w2"], p["b2"], padding=1)  # N 16 H/2 W/2
    a["h2"] = np.maximum(a["y2"], 0)
    a["q"] = avg_pool2d(a["h2"], _quarter(a))  # N 16 2 2
    a["f"] = a["q"].reshape(len(x), -1)  # N 64
    a["scores"] = a["f"] @ p["w3"].T + p["b3"]  # N 10
    return a


def backward(p: Arrays, a: Arrays, dscores: Float[np.ndarray, "n c"]) -> Arrays:
    """The loss's derivatives by all of ``p`` and ``a``: `forward`, upwards."""
    d = {"scores": dscores}
    d["w3"], d["b3"] = dscores.T @ a["f"], dscores.sum(axis=0)
    d["f"] = dscores @ p["w3"]
    d["q"] = d["f"].reshape(a["q"].shape)
    d["h2"] = avg_pool2d_backward(d["q"], a["h2"], _quarter(a))
    d["y2"] = d["h2"] * (a["y2"] > 0)
    back = conv2d_backward(d["y2"], a["m1"], p["w2"], padding=1)
    d["m1"], d["w2"], d["b2"] = back
    d["h1"] = max_pool2d_backward(d["m1"], a["h1"], 2)
    d["y1"] = d["h1"] * (a["y1"] > 0)
    back = conv2d_backward(d["y1"], a["x"], p["w1"], padding=1)
    d["x"], d["w1"], d["b1"] = back
    return d


def softmax_cross_entropy(
    scores: Float[ArrayLike, "n c"], labels: Int[ArrayLike, " n"]
) -> tuple[float, Float[np.ndarray, "n c"]]:
    """The mean over the batch of −log p(label), and its gradient.

    The probabilities p are ``exp(scores)``, divided by their sum over the
    classes.

    Raises
    ------
    ValueError
        If the scores are not (N, C), or a label is not one of their classes.
    """
    table = as_array("scores", scores)
    if table.ndim != 2:
        raise ValueError(f"scores has shape {table.shape}; it must be (N, C)")
    n, classes = table.shape
    right = np.asarray(labels)
    if right.shape != (n,):
        raise ValueError(f"labels has shape {right.shape}; it must be {(n,)}")
    wrong = right[~np.isin(right, np.arange(classes))]
    if wrong.size:
        raise ValueError(f"labels holds {wrong[0]}; use 0 to {classes - 1}")
    mine = np.arange(n), right.astype(int)
    shifted = table - table.max(axis=1, keepdims=True)  # exp cannot overflow
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    dscores = np.exp(log_p)  # N C
    dscores[mine] -= 1
    return float(-log_p[mine].mean()), dscores / n


def sgd_step(p: Arrays, d: Arrays, rate: float) -> Arrays:
    """Every parameter less ``rate`` times its derivative."""
    return {name: value - rate * d[name] for name, value in p.items()}


def step(
    p: Arrays, images: Float[ArrayLike, "n h w"], labels: Int[ArrayLike, " n"], rate: float
) -> tuple[Arrays, float]:
    """One step of SGD on a batch: the parameters after it, and the loss before it."""
    a = forward(p, images)
    loss, dscores = softmax_cross_entropy(a["scores"], labels)
    return sgd_step(p, backward(p, a, dscores), rate), loss


def epoch(
    p: Arrays,
    images: Float[np.ndarray, "n h w"],
    labels: Int[np.ndarray, " n"],
    rng: np.random.Generator,
    rate: float,
    batch: int = 32,
) -> Arrays:
    """The parameters after a step on every batch of the images, in a random order."""
    size = as_integer("batch", batch, least=1)
    order = rng.permutation(len(images))
    for start in range(0, len(images), size):
        part = order[start : start + size]
        p, _ = step(p, images[part], labels[part], rate)
    return p


def accuracy(p: Arrays, images: Float[ArrayLike, "n h w"], labels: Int[ArrayLike, " n"]) -> float:
    """The share of the images whose highest score is that of their label."""
    highest = forward(p, images)["scores"].argmax(axis=1)
    return float(np.mean(highest == np.asarray(labels)))


def _with_channel(images: Float[ArrayLike, "n h w"]) -> Float[np.ndarray, "n 1 h w"]:
    x = as_array("images", images)
    if x.ndim != 3 or x.shape[1] % 4 or x.shape[2] % 4:
        raise ValueError(
            f"images has shape {x.shape}; it must be (N, H, W), with H and W multiples of 4"
        )
    return x[:, None]


def _quarter(a: Arrays) -> tuple[int, int]:
    """Half the height and half the width of the second convolution's map."""
    height, width = a["h2"].shape[-2:]
    return height // 2, width // 2
