"""What torch's functions that only arrange entries do to receptive fields."""

from __future__ import annotations

from math import prod

from convbook.shapes import fields
from convbook.shapes.fields import Touch
from convbook.shapes.seen import Call, Rules, Seen, Shape, places, through

RULES = Rules()


@RULES.of("flatten reshape view unflatten squeeze unsqueeze ravel view_as reshape_as")
def _reshape(call: Call) -> Seen | None:
    if call.seen.is_constant:
        return Seen(call.seen.field, "." * len(call.after))
    layout = regrouped(call.seen.layout, call.before, call.after)
    return Seen(call.seen.field, layout) if layout is not None else None


def regrouped(layout: str, before: Shape, after: Shape) -> str | None:
    """The layout after a reshape; None where rows or columns would be cut up.

    >>> regrouped("..hw", (1, 10, 7, 7), (1, 490)), regrouped("..hw", (1, 10, 7, 7), (2, 5, 7, 7))
    ('.*', '..hw')
    """
    found, i, j = "", 0, 0
    while i < len(before) or j < len(after):
        # The fewest next axes of both shapes that hold equally many entries.
        m, n = min(i + 1, len(before)), min(j + 1, len(after))
        while (have := prod(before[i:m])) != (need := prod(after[j:n])):
            m, n = (m + 1, n) if have < need else (m, n + 1)
        letters = _letters(layout[i:m], before[i:m], after[j:n])
        if letters is None:
            return None
        found, i, j = found + letters, m, n
    return found


def _letters(layout: str, before: Shape, after: Shape) -> str | None:
    """The letters of axes that together replace others."""
    if len(before) == len(after) == 1:
        return layout
    long = [(size, letter) for size, letter in zip(before, layout, strict=True) if size > 1]
    if all(letter == "." for _, letter in long):
        return "." * len(after)
    if sum(size > 1 for size in after) > 1:
        return None
    letter = long[0][1] if len(long) == 1 else "*"
    return "".join(letter if size > 1 else "." for size in after)


@RULES.of("permute", "dims")
def _permute(call: Call) -> Seen:
    dims = call.get("dims") if len(call.values) < 2 else call.values
    return Seen(call.seen.field, "".join(call.seen.layout[dim] for dim in dims))


@RULES.of("transpose swapaxes swapdims", "dim0 dim1")
def _transpose(call: Call) -> Seen:
    layout = list(call.seen.layout)
    first, second = (call.get(f"dim{n}", call.get(f"axis{n}")) for n in (0, 1))
    layout[first], layout[second] = layout[second], layout[first]
    return Seen(call.seen.field, "".join(layout))


@RULES.of("expand expand_as type_as")
def _expand(call: Call) -> Seen:
    return Seen(call.seen.field, call.seen.layout.rjust(len(call.after), "."))


@RULES.of("chunk", "chunks dim")
@RULES.of("split tensor_split", "split_size dim")
def _split(call: Call) -> Seen | None:
    dim = call.get("dim", 0)
    return call.seen if call.seen.layout[dim] == "." else None


@RULES.of("unbind", "dim")
def _unbind(call: Call) -> Seen | None:
    (dim,) = places(call.get("dim", 0), call.seen.layout)
    layout = call.seen.layout
    return Seen(call.seen.field, layout[:dim] + layout[dim + 1 :]) if layout[dim] == "." else None


@RULES.of("getitem", "index")
def _getitem(call: Call) -> Seen | None:
    index = call.given["index"]
    index = list(index) if isinstance(index, tuple) else [index]
    used = sum(item is not None and item is not ... for item in index)
    fill = [slice(None)] * (len(call.before) - used)
    at = next((n for n, item in enumerate(index) if item is ...), len(index))
    index[at : at + 1] = fill

    layout, touches = "", {}
    axes = iter(zip(call.seen.layout, call.before, strict=True))
    for item in index:
        if item is None:
            layout += "."
            continue
        letter, size = next(axes)
        if isinstance(item, slice):
            start, _, step = item.indices(size)
            layout += letter
            if letter in "hw":
                touches[letter] = fields.slicing(start, step)
            elif letter == "*" and item != slice(None):
                return None
        elif isinstance(item, int) and letter == ".":
            pass  # that axis goes
        elif isinstance(item, int) and letter in "hw":
            touches[letter] = Touch((range(item % size, item % size + 1),), shift=0)
        else:
            return None
    return through(call.seen, touches, layout, call.after)
