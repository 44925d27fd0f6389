"""Max and average pooling, and their gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from convbook._arguments import as_array, as_flag, as_integer, as_pair
from convbook.ops.axes import gradient_like, with_batch
from convbook.ops.windows import windows
from convbook.shapes.sizes import output_size

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from numpy.typing import ArrayLike

    from convbook.ops.padding import Margins, Pair


def max_pool2d(
    x: Float[ArrayLike, "*n_c h w"],
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
) -> Float[np.ndarray, "*n_c h_out w_out"]:
    """Take the greatest number in each window. What is added around the image is −∞."""
    images = _images(x)
    plan = _plan(images, kernel_size, stride, padding, dilation, ceil_mode)
    patches = plan.windows(plan.pad(images, -np.inf))  # N C H_out W_out kh kw
    y = patches[..., 0, 0].copy()
    for a, b in plan.entries():
        np.maximum(y, patches[..., a, b], out=y)
    return y.reshape(y.shape[-np.ndim(x) :])


def max_pool2d_backward(
    dy: Float[ArrayLike, "*n_c h_out w_out"],
    x: Float[ArrayLike, "*n_c h w"],
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
) -> Float[np.ndarray, "*n_c h w"]:
    """Hand each window's gradient to its greatest number; of equal ones, to the first."""
    images = _images(x)
    plan = _plan(images, kernel_size, stride, padding, dilation, ceil_mode)
    dy = gradient_like(dy, (*images.shape[:2], *plan.out), np.ndim(x))
    winners = _winners(plan.windows(plan.pad(images, -np.inf)), plan)  # N C H_out W_out
    padded = plan.pad(np.zeros_like(images), 0)
    dx = plan.windows(padded, writeable=True)  # N C H_out W_out kh kw
    for n, (a, b) in enumerate(plan.entries()):
        dx[..., a, b] += np.where(winners == n, dy, 0)
    return plan.crop(padded, images).reshape(np.shape(x))


def avg_pool2d(
    x: Float[ArrayLike, "*n_c h w"],
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Float[np.ndarray, "*n_c h_out w_out"]:
    """Take the average of each window. What is added around the image is 0."""
    images = _images(x)
    plan = _plan(images, kernel_size, stride, padding, 1, ceil_mode)
    divisor = _divisor(plan, images, count_include_pad, divisor_override)  # H_out W_out
    patches = plan.windows(plan.pad(images, 0))  # N C H_out W_out kh kw
    y = np.zeros(patches.shape[:4])
    for a, b in plan.entries():
        y += patches[..., a, b]
    y /= divisor
    return y.reshape(y.shape[-np.ndim(x) :])


def avg_pool2d_backward(
    dy: Float[ArrayLike, "*n_c h_out w_out"],
    x: Float[ArrayLike, "*n_c h w"],
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Float[np.ndarray, "*n_c h w"]:
    """Hand each window's gradient to all its numbers, in equal shares."""
    images = _images(x)
    plan = _plan(images, kernel_size, stride, padding, 1, ceil_mode)
    divisor = _divisor(plan, images, count_include_pad, divisor_override)  # H_out W_out
    dy = gradient_like(dy, (*images.shape[:2], *plan.out), np.ndim(x))
    share = dy / divisor
    padded = plan.pad(np.zeros_like(images), 0)
    dx = plan.windows(padded, writeable=True)  # N C H_out W_out kh kw
    for a, b in plan.entries():
        dx[..., a, b] += share
    return plan.crop(padded, images).reshape(np.shape(x))


@dataclass(frozen=True)
class _Plan:
    size: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[int, int]
    margins: Margins
    out: tuple[int, int]

    def pad(self, x, value):
        if not np.any(self.margins):
            return x
        return np.pad(x, [(0, 0), (0, 0), *self.margins], constant_values=value)

    def crop(self, padded, x):
        (top, _), (left, _) = self.margins
        return padded[:, :, top : top + x.shape[2], left : left + x.shape[3]].copy()

    def windows(self, x, writeable=False):
        view = windows(x, self.size, self.stride, self.dilation, writeable)
        return view

    def entries(self):
        return np.ndindex(*self.size)


def _images(x):
    array = as_array("x", x)
    if array.ndim not in (2, 3, 4):
        raise ValueError(f"x has shape {array.shape}; it must be (N, C, H, W), (C, H, W) or (H, W)")
    return with_batch(array)


def _plan(images, kernel_size, stride, padding, dilation, ceil_mode):
    size = as_pair("kernel_size", kernel_size, least=1)
    stride = size if stride is None else as_pair("stride", stride, least=1)
    padding = as_pair("padding", padding, least=0)
    dilation = as_pair("dilation", dilation, least=1)
    ceil_mode = as_flag("ceil_mode", ceil_mode)
    out, margins = [], []
    for n, k, s, p, d in zip(images.shape[2:], size, stride, padding, dilation, strict=True):
        count = output_size(n, k, s, p, d, ceil_mode)
        if p > k // 2:
            raise ValueError(f"padding is {p}; with a kernel_size of {k} it can be {k // 2} at most")
        reach = (count - 1) * s + d * (k - 1) + 1  # of the last window, from the padding's start
        out.append(count)
        margins.append((p, max(p, reach - n - p)))
    return _Plan(size, stride, dilation, padding, tuple(margins), tuple(out))


def _winners(patches, plan) -> Int[np.ndarray, "n c h w"]:
    first = [
        # the first entry that is not in the margin before the image
        np.maximum(0, -((np.arange(n) * s - p) // d))
        for n, s, p, d in zip(plan.out, plan.stride, plan.padding, plan.dilation, strict=True)
    ]
    kh, kw = plan.size
    start = first[0][:, None] * kw + first[1]
    winners = np.broadcast_to(start, patches.shape[:4]).copy()
    best = np.full(patches.shape[:4], -np.inf)
    for n, (a, b) in enumerate(plan.entries()):
        patch = patches[..., a, b]
        better = (patch > best) | np.isnan(patch)
        winners[better] = n
        best[better] = patch[better]
    return winners


def _divisor(plan, images, count_include_pad, divisor_override):
    count_include_pad = as_flag("count_include_pad", count_include_pad)
    if divisor_override is not None:
        return np.full(plan.out, float(as_integer("divisor_override", divisor_override, least=1)))
    counts = []
    for out, n, k, s, p in zip(
        plan.out, images.shape[2:], plan.size, plan.stride, plan.padding, strict=True
    ):
        start = np.arange(out) * s - p
        end = np.minimum(start + k, n + p)
        if not count_include_pad:
            start, end = np.maximum(start, 0), np.minimum(end, n)
        counts.append(end - start)
    return np.outer(*counts)
