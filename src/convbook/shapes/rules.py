"""What torch's functions of more than one position do to receptive fields.

Each rule stands under torch's names; arguments are named as torch names them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from convbook.shapes import fields
from convbook.shapes.fields import Touch
from convbook.shapes.seen import Call, Rules, Seen, everything, fitted, places, through

RULES = Rules()

# Convolution, pooling, resampling


def _on_map(call: Call, rows: Touch, columns: Touch) -> Seen | None:
    """After an operation on the last two axes, the rows and the columns of a map."""
    if not (call.seen.layout.endswith("hw") or call.seen.is_constant):
        return None
    seen = fitted(Seen(call.seen.field, "hw".rjust(len(call.before), ".")), call.before)
    layout = "hw".rjust(len(call.after), ".")
    return seen and through(seen, {"h": rows, "w": columns}, layout, call.after)


def _pair(value: Any) -> tuple[Any, Any]:
    """A size, given as torch allows it: one number or two."""
    values = tuple(value) if isinstance(value, Sequence) else (value,)
    return values[0], values[-1]


def _windows(call: Call, kernel: Any, stride: Any) -> Seen | None:
    kernel, dilation = _pair(kernel), _pair(call.get("dilation", 1))
    padding = call.get("padding", 0)
    words = {"valid": 0, "same": [d * (k - 1) // 2 for d, k in zip(dilation, kernel, strict=True)]}
    before = _pair(words[padding] if isinstance(padding, str) else padding)
    axes = zip(kernel, _pair(stride), before, dilation, strict=True)
    return _on_map(call, *(fields.convolution(*axis) for axis in axes))


@RULES.of("conv2d", "weight bias stride padding dilation groups")
def _conv2d(call: Call) -> Seen | None:
    return _windows(call, call.given["weight"].shape[-2:], call.get("stride", 1))


@RULES.of("max_pool2d max_pool2d_with_indices", "kernel_size stride padding dilation ceil_mode")
@RULES.of("avg_pool2d", "kernel_size stride padding ceil_mode")
@RULES.of("lp_pool2d", "norm_type kernel_size stride ceil_mode")
def _pool2d(call: Call) -> Seen | None:
    kernel, stride = call.given["kernel_size"], call.get("stride")
    return _windows(call, kernel, kernel if stride in (None, [], ()) else stride)


@RULES.of("conv_transpose2d", "weight bias stride padding output_padding groups dilation")
def _conv_transpose2d(call: Call) -> Seen | None:
    defaults = {"stride": 1, "padding": 0, "dilation": 1}
    sizes = [_pair(call.get(name, default)) for name, default in defaults.items()]
    axes = zip(call.given["weight"].shape[-2:], *sizes, strict=True)
    return _on_map(call, *(fields.transposed_convolution(*axis) for axis in axes))


@RULES.of("adaptive_avg_pool2d adaptive_max_pool2d adaptive_max_pool2d_with_indices")
def _adaptive_pool2d(call: Call) -> Seen | None:
    sizes = zip(call.before[-2:], call.after[-2:], strict=True)
    return _on_map(call, *(fields.adaptive_pooling(n, out) for n, out in sizes))


@RULES.of("interpolate", "size scale_factor mode align_corners recompute_scale_factor antialias")
def _interpolate(call: Call) -> Seen | None:
    mode, corners = call.get("mode", "nearest"), bool(call.get("align_corners"))
    reach = {"nearest": 0, "nearest-exact": 0, "bilinear": 1, "bicubic": 2}
    sizes = list(zip(call.before[-2:], call.after[-2:], strict=True))
    if mode == "area":
        return _adaptive_pool2d(call)
    if mode not in reach or call.get("antialias"):
        return None
    if call.get("scale_factor") is not None and not call.get("recompute_scale_factor"):
        # With a factor that does not give a whole size, torch steps by the factor, not by n / out.
        factors = map(Fraction, _pair(call.get("scale_factor")))
        if any(n * factor != out for (n, out), factor in zip(sizes, factors, strict=True)):
            return None
    touches = []
    for n, out in sizes:
        half = Fraction(n, 2 * out)  # half an output's width, in inputs
        starts = {"nearest": Fraction(0), "nearest-exact": half}
        start = Fraction(0) if corners else starts.get(mode, half - Fraction(1, 2))
        touches.append(fields.resampling(n, out, reach[mode], start, corners))
    return _on_map(call, *touches)


@RULES.of("pixel_shuffle", "upscale_factor")
def _pixel_shuffle(call: Call) -> Seen | None:
    touch = fields.resampling(1, int(call.given["upscale_factor"]))
    return _on_map(call, touch, touch)


@RULES.of("pixel_unshuffle", "downscale_factor")
def _pixel_unshuffle(call: Call) -> Seen | None:
    factor = int(call.given["downscale_factor"])
    touch = fields.convolution(factor, stride=factor)
    return _on_map(call, touch, touch)


@RULES.of("pad", "pad mode value")
def _pad(call: Call) -> Seen | None:
    layout = call.seen.layout
    starts = zip(reversed(layout), call.given["pad"][::2], strict=False)  # the last axis first
    touches = {letter: fields.slicing(-before) for letter, before in starts}
    return None if "*" in touches else through(call.seen, touches, layout, call.after)


# What mixes positions: means, normalisation, fully connected layers


@RULES.of("mean sum prod amax amin max min median std var logsumexp", "dim keepdim")
@RULES.of("norm", "p dim keepdim")
def _reduction(call: Call) -> Seen | None:
    dims = call.get("dim", call.get("axis"))
    layout = list(call.seen.layout)
    reduced = range(len(layout)) if dims is None else places(dims, layout)
    touches = everything(call.seen, [layout[place] for place in reduced])
    kept = len(call.after) == len(call.before)
    for place in reduced:
        layout[place] = "." if kept else ""
    return through(call.seen, touches, "".join(layout), call.after)


@RULES.of("softmax softmin log_softmax cumsum", "dim")
@RULES.of("normalize", "p dim")
def _along_one_axis(call: Call) -> Seen | None:
    dim = call.get("dim", 1)
    return None if dim is None else _mixed(call, [call.seen.layout[dim]])


@RULES.of("layer_norm", "normalized_shape")
def _layer_norm(call: Call) -> Seen | None:
    return _mixed(call, call.seen.layout[-len(call.given["normalized_shape"]) :])


@RULES.of("group_norm")
def _group_norm(call: Call) -> Seen | None:
    return _mixed(call, "hw*")


@RULES.of("batch_norm", "_ _ _ _ training")
def _batch_norm(call: Call) -> Seen | None:
    return _mixed(call, "hw*" if call.get("training", False) else "")


@RULES.of("instance_norm", "_ _ _ _ use_input_stats")
def _instance_norm(call: Call) -> Seen | None:
    return _mixed(call, "hw*" if call.get("use_input_stats", True) else "")


def _mixed(call: Call, letters: Iterable[str]) -> Seen | None:
    """Each entry as before, and with it everything along these axes."""
    seen = call.seen
    rest = through(seen, everything(seen, letters), "", ())
    field = fields.joined([seen.field, rest.field])
    return Seen(field, seen.layout) if field else None


@RULES.of("linear", "weight bias")
def _linear(call: Call) -> Seen | None:
    layout = call.seen.layout
    touches = everything(call.seen, layout[-1])
    return through(call.seen, touches, layout[:-1] + ".", call.after)


@RULES.of("matmul", "other")
def _matmul(call: Call) -> Seen | None:
    return _linear(call) if call.given["other"].ndim == 2 else None
