"""What a function of torch's does to receptive fields; one without a rule leaves them unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from convbook.shapes import arranging, fields, rules
from convbook.shapes.seen import Call, Seen, Shape, fitted

RULES = {**rules.RULES, **arranging.RULES}

# Entry by entry: a result's entry has seen what those at its place in the inputs have.
_COMPUTING = (
    "relu relu6 leaky_relu prelu rrelu elu selu celu gelu silu mish softplus softsign sigmoid "
    "logsigmoid tanh tanhshrink hardtanh hardswish hardsigmoid hardshrink softshrink threshold "
    "dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout "
    "add sub rsub mul multiply div divide true_divide truediv floor_divide neg reciprocal "
    "pow square sqrt rsqrt abs exp expm1 log log1p log2 log10 sin cos erf sign round floor ceil "
    "clamp clamp_min clamp_max clip maximum minimum where lerp addcmul addcdiv nan_to_num "
    "gt lt ge le eq ne masked_fill heaviside local_response_norm "
    "channel_shuffle native_channel_shuffle"
)
_HANDING_ON = (
    "clone contiguous detach data to type type_as float double half bfloat16 cpu cuda requires_grad"
)
ENTRYWISE = {*_COMPUTING.split(), *_HANDING_ON.split()}
JOINING = {"cat", "concat", "concatenate", "stack"}

# Those whose result holds what they were given, and nothing new.
ARRANGING = {*_HANDING_ON.split(), *arranging.RULES}
# Those whose result has seen nothing of what they are given but its shape.
CREATING = {
    *("zeros_like", "ones_like", "empty_like", "full_like", "rand_like", "randn_like"),
    *("new_zeros", "new_ones", "new_empty", "new_full", "new_tensor"),
}


def seen_by_result(
    name: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    inputs: Sequence[tuple[Any, Seen]],
    shape: Shape,
) -> Seen | None:
    """What the result of a function has seen.

    Parameters
    ----------
    name
        The function's, as `plain_name` writes it.
    args, kwargs
        What it was called with.
    inputs
        Those tensors among them that have seen something of the image, and what.
    shape
        Of the result.
    """
    args = args or [kwargs.get("input")]
    if name in ENTRYWISE or name in JOINING:
        found = _joined(name, args, kwargs, [(seen, tuple(x.shape)) for x, seen in inputs], shape)
    elif name in RULES and inputs[0][0] is args[0] and (len(inputs) == 1 or name.endswith("_as")):
        function, names = RULES[name]
        given = dict(zip(names, args[1:], strict=False)) | dict(kwargs)
        found = function(Call(inputs[0][1], tuple(args[0].shape), shape, tuple(args[1:]), given))
    else:
        found = None
    return fitted(found, shape) if found else None


def plain_name(function: Any) -> str:
    """A function's name without the marks of its variants: "add" for ``add_`` and ``__radd__``.

    Reading a property, such as ``x.shape``, goes by the property's name.
    """
    name = str(getattr(function, "__name__", type(function).__name__))
    if name == "__get__":
        return str(getattr(function.__self__, "__name__", name))
    plain = name.strip("_")
    if name.startswith("__") and plain[0] in "ir" and plain[1:] in ENTRYWISE:
        return plain[1:]
    return plain


def _joined(
    name: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    inputs: Sequence[tuple[Seen, Shape]],
    shape: Shape,
) -> Seen | None:
    layouts = [seen.layout for seen, _ in inputs]
    dim = kwargs.get("dim", args[1] if len(args) > 1 else 0) if name in JOINING else 0
    dim = dim % len(shape)
    if name == "stack":
        layouts = [layout[:dim] + "." + layout[dim:] for layout in layouts]
    rows = [layout.rjust(len(shape), ".") for layout in layouts]
    letters = ["".join({*column} - {"."}) or "." for column in zip(*rows, strict=True)]
    if any(len(letter) > 1 for letter in letters):
        return None  # rows would meet columns
    if name in JOINING and letters[dim] in "hw":
        return None  # laid side by side, what they see does not repeat
    field = fields.joined(seen.field for seen, _ in inputs)
    return Seen(field, "".join(letters)) if field else None
