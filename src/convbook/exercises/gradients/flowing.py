"""How large gradients are, and how they flow back through pooling and a loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convbook.exercises import array, exercise, integer, result_of
from convbook.network import softmax_cross_entropy
from convbook.ops import max_pool2d, max_pool2d_backward

if TYPE_CHECKING:
    from jaxtyping import Float

BY_HAND = np.array([[1, 4, 2, 0], [3, 0, 5, 1], [2, 6, 1, 7], [8, 1, 0, 3]], dtype=float)


@exercise("gradients-places", because="Only the number of places has changed.")
def stride(answer: Any) -> str | None:
    """The standard deviations of the gradients of a weight and of the bias, with a stride."""
    cases = [(8, 3, 1, 2.0, 0.5), (9, 3, 3, 1.0, 2.0), (10, 3, 2, 0.5, 3.0), (64, 5, 4, 3.0, 1.5)]
    for n, k, s, sx, sg in cases:
        given = array(result_of(answer, n, k, s, sx, sg), 2)
        m = (n - k) // s + 1
        weight, bias = m * sx * sg, m * sg
        where = f"For n = {n}, k = {k}, a stride of {s}, σx = {sx:g} and σg = {sg:g}, "
        if np.allclose(given, [weight, bias]):
            continue
        if np.allclose(given, [weight**2, bias**2]):
            return "These are the variances."
        if np.allclose(given, [bias, weight]):
            return "The two are the wrong way round."
        if not np.isclose(given[0], weight):
            if s == 1:
                return where + "the first does not fit. Start from the case without a stride."
            return where + "the first does not fit. At how many places does the kernel lie?"
        if np.isclose(given[1], bias * sx):
            return "Which variables does the bias's gradient consist of? No pixel is among them."
        return where + "the second does not fit. How many terms has its sum, of which variance?"
    return None


@exercise("gradients-offset", because="What all places agree on outgrows what they do not.")
def offset(answer: Any) -> str | None:
    """Mean and standard deviation of a weight's gradient where nothing is centred."""
    cases = [(20, 5, 1.0, 3.0, 0.5, 2.0), (8, 3, 2.0, 0.5, 1.5, 0), (9, 2, 1.0, 2.0, 0, -0.5)]
    for n, k, sx, sg, mu, nu in cases:
        given = array(result_of(answer, n, k, sx, sg, mu, nu), 2)
        m = n - k + 1
        spread = m * np.sqrt((sx**2 + mu**2) * (sg**2 + nu**2) - mu**2 * nu**2)
        where = f"For n = {n}, k = {k}, σx = {sx:g}, σg = {sg:g}, μ = {mu:g} and ν = {nu:g}, "
        if np.allclose(given, [m**2 * mu * nu, spread]):
            continue
        if np.isclose(given[0], mu * nu) and mu * nu:
            return "That is the mean of one term. How many are there?"
        if not np.isclose(given[0], m**2 * mu * nu):
            return where + "the mean does not fit. It is a sum of means."
        if np.isclose(given[1], spread**2):
            return "The second is the variance; the exercise asks for its root."
        if np.isclose(given[1], m * sx * sg):
            return (
                "The spread changes too: how large is the mean of a square, if it is not centred?"
            )
        return where + "the standard deviation does not fit. Work out one term's variance first."
    return None


@exercise("gradients-agree", because="Where dy knows x, every term can have the same sign.")
def agree(answer: Any) -> str | None:
    """A dy that looks independent of x entry by entry, and lets one gradient grow like n²."""
    rng = np.random.default_rng(0)
    for n in (8, 16):
        m = n - 2
        given, entries = [], []
        for _ in range(200):
            x = rng.choice([-1.0, 1.0], (n, n))
            dy = array(result_of(answer, x.copy()), m, m)
            if not np.all(np.abs(dy) == 1):
                return "Each entry of dy must be 1 or −1."
            given.append(dy)
            entries.append((dy * x[1:-1, 1:-1]).sum())
        if np.abs(np.mean(given, axis=0)).max() > 0.5:
            return "Over many x, an entry of your dy does not have the mean 0."
        share = abs(np.mean(entries)) / m**2
        if share < 0.5:
            return (
                f"For n = {n}, the mean of the gradient in the middle is {share:.2f} times the "
                "number of its terms. Do the products have the same sign?"
            )
    return None


@exercise("gradients-by-hand", because="The largest of the largest is the largest of all.")
def by_hand(answer: Any) -> str | None:
    """The gradient through two max poolings, of three times the one output."""
    given = array(answer, 4, 4)
    once = max_pool2d(BY_HAND, 2)
    one = max_pool2d_backward(max_pool2d_backward(np.full((1, 1), 3.0), once, 2), BY_HAND, 2)
    if np.array_equal(given, one):
        return None
    if np.array_equal(given, one / 3):
        return "The right place. How much does the loss change with the last output?"
    if np.array_equal(given != 0, max_pool2d_backward(np.ones((2, 2)), BY_HAND, 2) != 0):
        return "These are the winners of the first pooling. Which of them gets past the second?"
    if given.all() and np.allclose(given, given[0, 0]):
        return "All alike: that would be average pooling."
    if np.count_nonzero(given) == 1:
        return "One pixel it is. Is it the one that the last output stood in?"
    return "Follow the last output back: from which number did it come, and that from which pixel?"


@exercise("gradients-thin", because="Each pooling shares among four.")
def thin(answer: Any) -> str | None:
    """How many average poolings leave a pixel a thousandth at most."""
    layers = integer(answer)
    if layers < 0:
        return "That is no number of layers."
    share = 0.25 ** min(layers, 30)
    if share > 1e-3:
        return f"After so many, a pixel gets 1/{1 / share:g} of the gradient."
    if 4 * share <= 1e-3:
        return "That is enough, but fewer are."
    return None


@exercise("gradients-most", because="Every window that sees the pixel sends it all it has.")
def most(answer: Any) -> str | None:
    """The most that one pixel can get through a 3×3 max pooling with a stride of 1."""
    given = integer(answer)
    lone = np.zeros((7, 7))
    lone[3, 3] = 1
    best = max_pool2d_backward(np.ones((5, 5)), lone, 3, 1).max()
    if given == best:
        return None
    if given == 1:
        return "That holds for windows that do not overlap, or for an average in all."
    if given == 4:
        return "That would be so with a stride of 2."
    if given > best:
        return "More than there are windows that see the pixel."
    return "Draw the windows that hold one pixel. Could it be the largest in more of them?"


@exercise("gradients-shares", because="A subgradient, too: shares that sum to 1.")
def shares(answer: Any) -> str | None:
    """The backward pass of a 2×2 max pooling that splits ties."""
    rng = np.random.default_rng(0)
    for m, values in ((1, 2), (3, 2), (4, 3), (2, 1), (4, 10**6)):
        x = rng.integers(0, values, (2 * m, 2 * m)).astype(float) - 1
        dy = rng.normal(size=(m, m))
        given = array(result_of(answer, dy.copy(), x.copy()), 2 * m, 2 * m)
        sums = given.reshape(m, 2, m, 2).sum(axis=(1, 3))
        if np.allclose(given, _fair(dy, x)):
            continue
        if np.allclose(given, max_pool2d_backward(dy, x, 2)):
            return "That gives all to the first of them."
        if np.allclose((given != 0), _fair(dy, x) != 0) and not np.allclose(sums, dy):
            return "The right pixels. But what a window gets must sum to its dy."
        if np.allclose(given, np.kron(dy, np.full((2, 2), 0.25))):
            return (
                "That is the gradient of the average: only the largest pixels should get a share."
            )
        return f"For x = {x.tolist()} and dy = {dy.round(2).tolist()}, that does not fit."
    return None


@exercise("gradients-softmax", because="What it said, less what it should have said.")
def softmax(answer: Any) -> str | None:
    """The gradient of the cross-entropy of one picture, given its probabilities."""
    rng = np.random.default_rng(0)
    for classes in (2, 3, 10):
        scores = rng.normal(0, 2, classes)
        label = int(rng.integers(classes))
        probabilities = np.exp(scores) / np.exp(scores).sum()
        _, dscores = softmax_cross_entropy(scores[None], [label])
        given = array(result_of(answer, probabilities.copy(), label), classes)
        if np.allclose(given, -dscores[0]):
            return "The sign: does the loss fall when the label's score rises?"
        if np.allclose(given, probabilities):
            return "These are the probabilities. Where does the label come in?"
        if not np.isclose(given.sum(), 0):
            return (
                "Adding the same number to all scores changes no probability. What must the "
                "derivatives sum to?"
            )
        if not np.allclose(given, dscores[0]):
            return (
                f"With {classes} classes that does not fit. Take the two parts of the loss apart."
            )
    return None


def _fair(
    dy: Float[np.ndarray, "m m"], x: Float[np.ndarray, "2m 2m"]
) -> Float[np.ndarray, "2m 2m"]:
    m = len(dy)
    blocks = x.reshape(m, 2, m, 2)  # block row, row, block column, column
    largest = blocks == blocks.max(axis=(1, 3), keepdims=True)
    split = largest / largest.sum(axis=(1, 3), keepdims=True)
    return np.asarray(split * dy[:, None, :, None]).reshape(x.shape)
