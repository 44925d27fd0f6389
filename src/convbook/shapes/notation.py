"""Networks in one line, as a homework writes them: ``"CONV3-10 POOL2 FLATTEN FC-3"``.

Layers stand apart by blanks or by arrows (→ or ->); case does not matter.

=====================  =====================================================================
``CONV3-10``           convolution, 3×3, 10 filters, with bias; stride 1, and padding 1: half
                       the kernel, rounded down (CONV1: 0, CONV2: 1, CONV5: 2), times dilation
``CONVT3-10``          transposed convolution, with bias; stride 1, padding 0
``POOL2``, MAXPOOL2    max pooling, 2×2; as stride the kernel's size, padding 0
``AVGPOOL2``           average pooling, likewise
``GAP``                global average pooling: each channel's mean, 1×1
``RELU``               ReLU
``BN``                 batch normalisation
``FLATTEN``            all entries in one line
``FC-3``               fully connected, 3 outputs, with bias; after FLATTEN or GAP
=====================  =====================================================================

A kernel can be of two sizes, rows first: ``CONV3x1-10``. Options follow after commas, each a number
or two (``s2x1``, rows first):

========================  ==================================================================
``s2``                    stride: convolutions, pooling
``p1``                    padding, the same
``d2``                    dilation: convolutions, max pooling
``g2``                    groups: convolutions
``o1``                    output padding: transposed convolution
``nobias``                convolutions, FC
``same``, ``valid``       padding that keeps the size, and none: convolution
``zeros`` ``circular``    what the padding holds: convolution; zeros unless said
``reflect`` ``replicate``
``ceil``                  the last window may hang over the end: pooling
========================  ==================================================================

So ``"CONV11-64,s4,p2 RELU POOL3,s2"`` begins AlexNet.
"""

from __future__ import annotations

import difflib
import re
import string
from dataclasses import dataclass, replace
from typing import Any, Literal

Pair = tuple[int, int]
Kind = Literal[
    "Conv2d",
    "ConvTranspose2d",
    "MaxPool2d",
    "AvgPool2d",
    "AdaptiveAvgPool2d",
    "ReLU",
    "BatchNorm2d",
    "Flatten",
    "Linear",
]

# What each word makes, what is written behind it, and its options. Kinds are torch's classes.
WORDS: dict[str, tuple[Kind, str, str]] = {
    "CONV": ("Conv2d", "3-10", "s p d g nobias same valid zeros circular reflect replicate"),
    "CONVT": ("ConvTranspose2d", "3-10", "s p d g o nobias"),
    "POOL": ("MaxPool2d", "2", "s p d ceil"),
    "MAXPOOL": ("MaxPool2d", "2", "s p d ceil"),
    "AVGPOOL": ("AvgPool2d", "2", "s p ceil"),
    "GAP": ("AdaptiveAvgPool2d", "", ""),
    "RELU": ("ReLU", "", ""),
    "BN": ("BatchNorm2d", "", ""),
    "FLATTEN": ("Flatten", "", ""),
    "FC": ("Linear", "-3", "nobias"),
}
NUMBERS = {"s": "stride", "p": "padding", "d": "dilation", "g": "groups", "o": "output_padding"}
LEAST = {"p": 0, "o": 0}  # the others: 1
# What is written behind a word, by the example of it.
FORMS = {"3-10": r"(\d+)(?:[X×](\d+))?-(\d+)", "2": r"(\d+)(?:[X×](\d+))?()", "-3": r"()()-(\d+)"}


@dataclass(frozen=True)
class Layer:
    """One layer of a spec, with all that its word leaves unsaid filled in. Pairs: rows first."""

    text: str  # as written
    kind: Kind  # torch's class
    kernel: Pair = (1, 1)
    filters: int = 0  # of FC: outputs
    stride: Pair = (1, 1)
    padding: Pair | Literal["same"] = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1
    output_padding: Pair = (0, 0)
    ceil: bool = False
    bias: bool = True
    mode: Literal["zeros", "circular", "reflect", "replicate"] = "zeros"


def parse(spec: str) -> list[Layer]:
    """The layers of a spec, in the notation of this module.

    Raises
    ------
    ValueError
        If a layer or an option is unknown or badly written; the message names it.

    Examples
    --------
    >>> [(layer.kind, layer.padding) for layer in parse("CONV5-6 POOL2")]
    [('Conv2d', (2, 2)), ('MaxPool2d', (0, 0))]
    """
    together = re.sub(r"\s*,\s*", ",", spec)
    tokens = re.sub("→|->", " ", together).split()
    if not tokens:
        raise ValueError(f"spec is {spec!r}; it must name at least one layer, as in 'CONV3-10'")
    return [_layer(token) for token in tokens]


def _layer(text: str) -> Layer:
    head, *options = text.upper().split(",")
    behind = head.lstrip(string.ascii_uppercase)
    word = head.removesuffix(behind)
    if word not in WORDS:
        close = difflib.get_close_matches(word, WORDS, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]}{WORDS[close[0]][1]}?" if close else ", ".join(WORDS)
        raise ValueError(f"layer {text!r} is unknown; {'' if close else 'known are '}{hint}")
    kind, example, _ = WORDS[word]
    sizes = re.fullmatch(FORMS.get(example, ""), behind)
    if sizes is None:
        raise ValueError(f"layer {text!r} cannot be read; it is written {word}{example}")
    given = _options(text, word, options)
    if not example:
        return Layer(text, kind)

    rows, columns, filters = sizes.groups()
    kernel = (_count(text, rows or 1), _count(text, columns or rows or 1))
    defaults: dict[str, Any] = {"kernel": kernel}
    if example != "2":
        defaults["filters"] = _count(text, filters)
    if kind in ("MaxPool2d", "AvgPool2d"):
        defaults["stride"] = kernel
    if kind == "Conv2d":
        down, across = given.get("dilation", (1, 1))
        defaults["padding"] = (down * (kernel[0] // 2), across * (kernel[1] // 2))
    return replace(Layer(text, kind), **{**defaults, **given})


def _options(text: str, word: str, options: list[str]) -> dict[str, Any]:
    """The arguments of `Layer` that the options of a layer give."""
    allowed = WORDS[word][2].split()
    found: dict[str, Any] = {}
    for option in options:
        name, value = _option(text, option, allowed, word)
        if name in found:
            raise ValueError(f"layer {text!r} says its {name} twice")
        found[name] = value
    return found


def _option(text: str, option: str, allowed: list[str], word: str) -> tuple[str, Any]:
    flags = {
        "nobias": ("bias", False),
        "ceil": ("ceil", True),
        "same": ("padding", "same"),
        "valid": ("padding", (0, 0)),
        **{mode: ("mode", mode) for mode in ("zeros", "circular", "reflect", "replicate")},
    }
    lower = option.lower()
    if lower in flags and lower in allowed:
        return flags[lower]
    numbers = re.fullmatch(r"([a-z])(\d+)(?:[x×](\d+))?", lower)
    if numbers is None or numbers[1] not in allowed:
        choice = " ".join(name + ("<n>" if name in NUMBERS else "") for name in allowed)
        raise ValueError(
            f"layer {text!r} has the option {option.lower()!r}; "
            + (f"{word} can have {choice}" if choice else f"{word} has none")
        )
    letter, first, second = numbers.groups()
    least = LEAST.get(letter, 1)
    pair = (_count(text, first, least), _count(text, second or first, least))
    if letter != "g":
        return NUMBERS[letter], pair
    if second:
        raise ValueError(f"layer {text!r} has the option {lower!r}; groups is one number")
    return "groups", pair[0]


def _count(text: str, digits: str | int, least: int = 1) -> int:
    if len(str(digits)) > 6 or int(digits) < least:
        raise ValueError(f"layer {text!r} has the number {digits}; it can be {least} to 999999")
    return int(digits)
