"""The network table's arithmetic against convbook's: shapes, counts, receptive fields, refusals."""

import numpy as np
import pytest
import torch
from node import run

from convbook.models import from_spec
from convbook.receptive import gradient_support
from convbook.shapes import layer_table
from convbook.shapes.notation import WORDS

TABLE = """
import { layerTable } from "./arithmetic/network.mjs";
answer(data.map(([spec, image]) => {
  try { return layerTable(spec, image); }
  catch ({ message, layer, beyond = false }) { return { refused: message, layer, beyond }; }
}));
"""
EXACT = 2**53  # beyond it the page refuses, where Python counts on
PAGES_LONGEST_PERIOD = 1024

OPTIONS = {
    "CONV": "s2 s3x1 p0 p1 p2x0 d2 d2x3 g2 g3 nobias same valid zeros circular reflect replicate",
    "CONVT": "s2 s3 s2x3 s4 p1 p0x2 d2 d3x2 g2 o1 o0x1 nobias",
    "POOL": "s1 s2x1 s3 p1 d2 d1x2 ceil",
    "MAXPOOL": "s1 p1 ceil",
    "AVGPOOL": "s1 s2x1 p1 ceil",
    "FC": "nobias",
}  # fmt: skip
# What people type wrongly, and what looks like it.
SLIPS = ["", ",", "x", "-", "0", "9", "9999999", "-10", "s2", "same", ",q1", ",p0,p1", "C", "×"]
SLIPS += [" ", "->"]


def one_layer(rng):
    word = rng.choice(["CONV"] * 6 + list(WORDS))
    example = WORDS[word][1]
    size = str(rng.integers(1, 6))
    if rng.random() < 0.2:
        size += rng.choice(["x", "×", "X"]) + str(rng.integers(1, 6))
    behind = {"": "", "2": size, "-3": f"-{rng.integers(1, 20)}"}
    text = word + behind.get(example, f"{size}-{rng.integers(1, 5) * rng.choice([1, 2, 6])}")
    known = OPTIONS.get(word, "").split()
    count = min(len(known), rng.choice([0, 0, 1, 1, 2, 3]))
    text = ",".join([text, *rng.permutation(known)[:count]])
    return text.lower() if rng.random() < 0.1 else text


def one_spec(rng):
    layers = [one_layer(rng) for _ in range(rng.integers(1, 7))]
    if rng.random() < 0.3:
        layers += ["FLATTEN", "RELU", f"FC-{rng.integers(1, 12)}"]
    apart = rng.choice([" ", " ", " ", " → ", "->", "\n", "  "])
    spec = apart.join(layers)
    if rng.random() < 0.25:  # a slip of the finger
        at = rng.integers(0, len(spec) + 1)
        spec = spec[:at] + rng.choice(SLIPS) + spec[at + rng.integers(0, 3) :]
    return spec


def one_case(rng):
    sides = rng.integers(1, rng.choice([6, 40, 300]), size=2)
    return one_spec(rng), [*sides.tolist(), int(rng.choice([1, 2, 3, 6, 12]))]


def theirs(spec, image):
    """convbook's table, or its refusal."""
    try:
        return layer_table(spec, image)
    except ValueError as error:
        return str(error)


def as_page_has_it(row):
    """A row's attributes under the page's names; a stride's fractions as floats."""
    stride = None if row.stride is None else [float(step) for step in row.stride]
    return {
        "name": row.name,
        "kind": row.kind,
        "expression": row.expression,
        "parameters": row.parameters,
        "shape": list(row.output_shape),
        "field": list(row.receptive_field),
        "stride": stride,
        "offset": None if row.offset is None else list(row.offset),
        "multiplyAdds": row.multiply_adds,
        "activations": row.activations,
    }


def compare(cases):
    """Hold the page's answers against convbook's; how many were tables, refused, and beyond."""
    seen = {"tables": 0, "refused": 0, "beyond": 0}
    for (spec, image), ours in zip(cases, run(TABLE, cases), strict=True):
        wanted = theirs(spec, image)
        if isinstance(wanted, str):
            assert "refused" in ours, (spec, image, wanted)
            assert not ours["beyond"], (spec, image, wanted)
            names_the_same_layer(spec, wanted, ours)
            seen["refused"] += 1
        elif ours.get("beyond"):
            largest = max(map(largest_number, wanted))
            largest = max(largest, wanted.parameters, wanted.multiply_adds)
            assert largest > EXACT - 10**7, (spec, image, ours)
            seen["beyond"] += 1
        else:
            assert "refused" not in ours, (spec, image, ours)
            for one in ours["rows"]:
                one.pop("middle")
            assert ours["rows"] == [as_page_has_it(row) for row in wanted], (spec, image)
            assert ours["parameters"] == wanted.parameters
            assert ours["multiplyAdds"] == wanted.multiply_adds
            assert ours["activations"] == sum(row.activations for row in wanted)
            seen["tables"] += 1
    return seen


def names_the_same_layer(spec, wanted, ours):
    """Both messages name the layer at which they stopped."""
    if not ours["layer"]:
        assert wanted.startswith("spec is")
        return
    texts = run_words(spec)
    text = texts[ours["layer"] - 1]
    assert wanted.startswith(f"layer {text!r}"), (spec, wanted, ours)
    assert text in ours["refused"]


def run_words(spec):
    """The layers' texts, taken apart here once more: commas first, then arrows, then blanks."""
    pieces = ",".join(piece.strip() for piece in spec.split(","))
    return pieces.replace("→", " ").replace("->", " ").split()


def largest_number(row):
    numbers = [row.parameters, row.multiply_adds, row.activations, *row.output_shape]
    return max(*numbers, *row.receptive_field, *map(abs, row.offset or ()), *(row.stride or ()))


def test_random_networks_valid_and_invalid():
    rng = np.random.default_rng(0)
    seen = compare([one_case(rng) for _ in range(5000)])
    assert min(seen["tables"], seen["refused"]) > 1200, seen
    assert seen["beyond"] == 0


@pytest.mark.parametrize(
    "spec,image",
    [
        ("CONV3-10 POOL2 CONV3-10 POOL2 FLATTEN FC-3", (28, 28, 1)),
        ("CONV3-8,s2 CONV3-16,s2 CONVT4-8,s2,p1 CONVT4-1,s2,p1", (28, 28, 1)),
        ("CONVT2-1,s3 CONVT1-1,s3 CONV2-1", (7, 5, 1)),  # outputs that see nothing
        ("CONV3-2 , s2,p1 -> RELU→gap fc-4,NOBIAS", (9, 9, 3)),
        ("POOL3,ceil", (2, 2, 1)),
        ("CONV3-1,p0", (2, 9, 1)),
        ("CONV999999-999999", (1, 1, 1)),
        ("", (5, 5, 1)),
        (" , ", (5, 5, 1)),
        ("CONV3-10 s2", (9, 9, 1)),
        ("FLATTEN CONV3-1", (9, 9, 1)),
        ("CONV3-8 FC-3", (9, 9, 1)),
        ("CONV3-8,g3", (9, 9, 3)),
    ],
)
def test_cases_by_name(spec, image):
    compare([[spec, list(image)]])


def test_numbers_up_to_the_largest_are_exact_or_refused_as_too_large():
    rng = np.random.default_rng(1)

    def large():
        return int(10 ** rng.uniform(0, 5.9))

    def layer():
        return rng.choice(
            [
                f"CONV{large()}-{large()},s{large()}",
                f"CONV{large()}-{large()},d{large()}",
                f"POOL1,s{large()}",
                f"CONVT{large()}-{large()},s{rng.integers(1, 9)}",
            ]
        )

    cases = [
        [" ".join(layer() for _ in range(rng.integers(1, 4))), [64, 64, 3]] for _ in range(400)
    ]
    seen = compare(cases)
    assert min(seen["tables"], seen["beyond"]) > 50, seen


def test_a_period_too_long_for_the_page_is_refused_at_its_layer():
    cases = [[f"CONVT3-1,s{PAGES_LONGEST_PERIOD} CONVT3-1,s{s}", [3, 3, 1]] for s in (1, 2)]
    fits, too_long = run(TABLE, cases)
    assert len(fits["rows"]) == 3
    assert (too_long["beyond"], too_long["layer"]) == (True, 2)


def test_what_the_middle_output_sees_is_where_a_derivative_is_not_zero():
    rng, generator = np.random.default_rng(2), torch.Generator().manual_seed(2)
    words = (
        "CONV3-1 CONV2x3-1,p0 CONV3-1,s2 CONV3-1,d2 POOL2 POOL3,s1,p1 CONVT3-1,s2 CONVT2-1,s2,p1"
    )
    image = [40, 47, 1]
    specs = [" ".join(rng.choice(words.split(), size=rng.integers(1, 5))) for _ in range(60)]
    compared = 0
    for spec, table in zip(specs, run(TABLE, [[spec, image] for spec in specs]), strict=True):
        seen = table["rows"][-1]["middle"]
        if any(first < 0 or last >= side for (first, last), side in zip(seen, image, strict=False)):
            continue  # the picture would cut the window off
        found = gradient_support(from_spec(spec, tuple(image)), tuple(image), generator=generator)
        hits = [np.flatnonzero(found.any(axis=1 - axis)) for axis in (0, 1)]
        assert [[hit[0], hit[-1]] for hit in hits] == seen, spec
        compared += 1
    assert compared > 40
