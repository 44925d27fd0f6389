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
    "clone contiguous detach data to type float double half bfloat16 cpu cuda requires_grad"
)
ENTRYWISE = {*_COMPUTING.split(), *_HANDING_ON.split()}
JOINING = {"cat", "concat", "concatenate", "stack"}

# Those whose result holds what they were given, and nothing new.
ARRANGING = {*_HANDING_ON.split(), *arranging.RULES}
# Those whose result has seen nothing of what they are given but its shape. (An empty one is not
# among them: it waits for something to be written into it, maybe from outside of torch.)
CREATING = {
    *("zeros_like", "ones_like", "full_like", "rand_like", "randn_like"),
    *("new_zeros", "new_ones", "new_full", "new_tensor"),
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
    try:
        found = _apply_rule(name, args or [kwargs["input"]], kwargs, inputs, shape)
        return found and fitted(found, shape)
    except (LookupError, TypeError, ValueError):
        return None  # called in a way that its rule does not know


def _apply_rule(
    name: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    inputs: Sequence[tuple[Any, Seen]],
    shape: Shape,
) -> Seen | None:
    if name in ENTRYWISE:
        return _joined([seen for _, seen in inputs], shape)
    if name in JOINING:
        dim = kwargs.get("dim", kwargs.get("axis", args[1] if len(args) > 1 else 0))
        return _concatenated(name, dim % len(shape), [seen for _, seen in inputs], shape)
    first, seen = inputs[0]
    only_its_shape = name.endswith("_as")  # all that counts of a second input
    if name in RULES and first is args[0] and (len(inputs) == 1 or only_its_shape):
        rule, names = RULES[name]
        given = dict(zip(names, args[1:], strict=False)) | dict(kwargs)
        return rule(Call(seen, tuple(first.shape), shape, tuple(args[1:]), given))
    return None


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


def changes_its_input(function: Any, kwargs: Mapping[str, Any]) -> bool:
    """Whether a function writes into its first argument, as ``add_`` and ``x[0] = …`` do."""
    name = str(getattr(function, "__name__", ""))
    if name.startswith("__"):
        return name == "__setitem__" or (name[2] == "i" and name[3:-2] in ENTRYWISE)
    return name.endswith("_") or bool(kwargs.get("inplace"))


def _joined(inputs: Sequence[Seen], shape: Shape) -> Seen | None:
    """What is seen through any of several tensors, aligned at their last axes as torch does."""
    rows = [seen.layout.rjust(len(shape), ".") for seen in inputs]
    letters = ["".join({*column} - {"."}) or "." for column in zip(*rows, strict=True)]
    field = fields.joined(seen.field for seen in inputs)
    if field is None or any(len(letter) > 1 for letter in letters):  # rows would meet columns
        return None
    return Seen(field, "".join(letters))


def _concatenated(name: str, dim: int, inputs: Sequence[Seen], shape: Shape) -> Seen | None:
    """All channels count together, so channels of several tensors are as if added."""
    if name == "stack":
        inputs = [Seen(s.field, s.layout[:dim] + "." + s.layout[dim:]) for s in inputs]
    along = {seen.layout[dim] for seen in inputs}
    if along & {"h", "w"} or ("*" in along and any(seen != inputs[0] for seen in inputs)):
        return None  # maps side by side: what they see does not repeat
    return _joined(inputs, shape)
