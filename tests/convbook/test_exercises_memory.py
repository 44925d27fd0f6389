"""The exercises on bytes, kept and requested: right in any form, wrong in the usual ways.

What a block keeps, torch itself says: its hooks see every tensor that is saved for the backward
pass. The allocator's sizes are compared with those that torch's own header names.
"""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from trying import accept, cases, hint_for, ids_of, loaded_by_check

from convbook.exercises import Exercise
from convbook.exercises.gpu_memory import allocating, counting, planning

MIB = 2**20


def saved(module, images, autocast=False):
    """Dtype, shape and bytes of each memory that a forward pass saves, but the module's own."""
    found = {}

    def pack(tensor):
        memory = tensor.untyped_storage()
        found[memory._cdata] = (tensor.dtype, tuple(tensor.shape), memory.nbytes())
        return tensor

    with (
        torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor),
        torch.autocast("cpu", torch.bfloat16, enabled=autocast),
    ):
        made = module(images)
    for own in (*module.parameters(), *module.buffers(), images):
        found.pop(own.untyped_storage()._cdata, None)
    assert made.requires_grad  # and keeps alive until here what the hooks have seen
    return list(found.values())


def block_of(c_in, c_out):
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, 3, padding=1, bias=False),
        nn.BatchNorm2d(c_out),
        nn.ReLU(inplace=True),
    )


def block_seen_by_torch(n, c_in, c_out, h, w):
    """With tensors that hold no numbers, so that any size will do."""
    with torch.device("meta"):
        found = saved(block_of(c_in, c_out), torch.rand(n, c_in, h, w))
    return sum(size for _, _, size in found)


def kept_by_torch(n, optimizer):
    """Bytes of parameters, gradients and state after a step on 7 parameters, made as many."""
    parameter = nn.Parameter(torch.rand(7))
    made = {
        "sgd": lambda each: torch.optim.SGD(each, lr=0.1),
        "momentum": lambda each: torch.optim.SGD(each, lr=0.1, momentum=0.9),
        "adam": torch.optim.Adam,
    }[optimizer]([parameter])
    parameter.sum().backward()
    made.step()
    state = made.state[parameter].values()
    tensors = [parameter, parameter.grad, *(each for each in state if torch.is_tensor(each))]
    return sum(each.nbytes for each in tensors if each.shape == (7,)) * n // 7


def segment(size):
    if size <= MIB:
        return 2 * MIB
    return 20 * MIB if size < 10 * MIB else -(-size // (2 * MIB)) * 2 * MIB


RIGHT = {
    "mib": [
        lambda size: (size / 10**6, size / 2**20),
        lambda size: np.array([size * 1e-6, size / 1024**2]),
        lambda size: [size / 1000 / 1000, torch.tensor(size / 1024.0 / 1024, dtype=torch.float64)],
    ],
    "state": [
        lambda n, optimizer: 4 * n * {"sgd": 2, "momentum": 3, "adam": 4}[optimizer],
        lambda n, optimizer: 8.0 * n + 4 * n * ["sgd", "momentum", "adam"].index(optimizer),
        kept_by_torch,
    ],
    "conv-activation": [
        lambda n, c, h, w, b: n * c * h * w * b,
        lambda *sizes: np.prod(sizes),
        lambda *sizes: float(np.prod(sizes)),
    ],
    "block": [
        lambda n, _, c, h, w: 8 * n * c * h * w + 8 * c,
        lambda n, _, c, h, w: 2 * 4 * c * (n * h * w + 1),
        block_seen_by_torch,
    ],
    "precision": [
        lambda n, a: 4 * n + 2 * n + 8 * n + a / 2,
        lambda n, a: 14 * n + a // 2,
    ],
    "round": [
        lambda request: -(-request // 512) * 512,
        lambda request: (request + 511) // 512 * 512,
        lambda request: 512 * np.ceil(request / 512),
        lambda request: max(512, request + -request % 512),
    ],
    "segment": [
        segment,
        lambda size: float(segment(size)),
        lambda size: (
            (2 if size <= MIB else 20) * MIB if size < 10 * MIB else size + -size % (2 * MIB)
        ),
    ],
}

WRONG = {
    "mib": [
        lambda size: (size / 2**20, size / 10**6),
        lambda size: (size / 2**20, size / 2**20),
        lambda size: (size * 10**6, size * 2**20),
        lambda size: (size / 1000, size / 1024),
        lambda size: (size * 8 / 10**6, size * 8 / 2**20),
        lambda size: (size // 10**6, size // 2**20),
        lambda size: (size / 10**6, size / 2**30),
        lambda size: (size / 10**9, size / 2**20),
        lambda size: size / 10**6,
        lambda size: f"{size} MB",
        42,
    ],
    "state": [
        lambda n, o: n * {"sgd": 2, "momentum": 3, "adam": 4}[o],
        lambda n, _: 8 * n,
        lambda n, o: 4 * n * {"sgd": 1, "momentum": 2, "adam": 3}[o],
        lambda n, o: 4 * n * {"sgd": 3, "momentum": 3, "adam": 4}[o],
        lambda n, o: 8 * n * {"sgd": 2, "momentum": 3, "adam": 4}[o],
        lambda n, o: 4 * n * {"sgd": 0, "momentum": 1, "adam": 2}[o],
        lambda n, o: 4 * n * {"sgd": 2, "momentum": 3, "adam": 3}[o],
        lambda n, _: 7 * n + 3,
        lambda n, o: {"sgd": 8, "adam": 16}[o] * n,
        lambda n: 8 * n,
        lambda *_: None,
        "adam",
    ],
    "conv-activation": [
        lambda n, c, h, w, _: n * c * h * w,
        lambda _, c, h, w, b: c * h * w * b,
        lambda n, _, h, w, b: n * h * w * b,
        lambda n, c, _, w, b: n * c * w * b,
        lambda n, c, h, _, b: n * c * h * b,
        lambda n, c, h, w, b: n * c * h * w * b * 8,
        lambda n, c, h, w, _: n * c * h * w * 4,
        lambda n, c, h, w, b: 2 * n * c * h * w * b,
        lambda n, c, h, w, b: n + c + h + w + b,
        lambda n, c, h, w: n * c * h * w,
        3,
    ],
    "block": [
        lambda n, _, c, h, w: 2 * n * c * h * w + 2 * c,
        lambda n, _, c, h, w: 8 * n * c * h * w,
        lambda n, _, c, h, w: 8 * n * c * h * w + 4 * c,
        lambda n, _, c, h, w: 4 * n * c * h * w + 8 * c,
        lambda n, _, c, h, w: 12 * n * c * h * w + 8 * c,
        lambda n, i, c, h, w: 8 * n * c * h * w + 8 * c + 4 * n * i * h * w,
        lambda n, i, _, h, w: 8 * n * i * h * w + 8 * i,
        lambda _n, _, c, h, w: 8 * c * h * w + 8 * c,
        lambda *sizes: sum(sizes),
        lambda n, _, c, h, w: 8 * n * c * h * w + 16 * c,
        lambda n, i, c, h, w: 8 * n * c * h * w + 8 * c + 36 * i * c,
        lambda n, _, c, h, w: 4 * n * c * h * w,
        lambda n, _, c, h, w: 12 * n * c * h * w,
        lambda n, c, h, w: 8 * n * c * h * w + 8 * c,
        "the maps",
    ],
    "precision": [
        lambda n, a: 12 * n + a / 2,
        lambda n, a: 14 * n + a,
        lambda n, a: 12 * n + a,
        lambda n, a: 18 * n + a / 2,
        lambda n, a: 16 * n + a / 2,
        lambda n, a: 10 * n + a / 2,
        lambda n, a: 6 * n + a / 2,
        lambda n, a: 7 * n + a / 2,
        lambda _, a: a / 2,
        lambda n, _: 14 * n,
        lambda n, a: n + a,
        lambda n: n,
        True,
    ],
    "round": [
        lambda request: request,
        lambda request: request // 512 * 512,
        lambda request: (request // 512 + 1) * 512,
        lambda request: max(512, request),
        lambda request: 2 ** max(9, (request - 1).bit_length()),
        lambda request: -(-request // 512),
        lambda request: request / 512,
        lambda request: str(request),
        512,
    ],
    "segment": [
        lambda size: size,
        lambda size: 2 if size <= MIB else 20 if size < 10 * MIB else segment(size) // MIB,
        lambda size: 2 * 10**6 if size <= MIB else 20 * 10**6,
        lambda size: 2 * MIB if size < MIB else 20 * MIB,
        lambda size: -(-size // (2 * MIB)) * 2 * MIB,
        lambda size: 2 * MIB if size <= MIB else 20 * MIB,
        lambda size: size if size > 10 * MIB else segment(size),
        lambda size: (size // (2 * MIB) + 1) * 2 * MIB if size >= 12 * MIB else segment(size),
        lambda size: 20 * MIB if MIB < size <= 10 * MIB else segment(size),
        lambda _: 4 * MIB,
        lambda _: 0,
        lambda _: 2.5,
        None,
    ],
}

OWN_HINTS = {  # how many of the wrong answers, from the first on, get a hint that no other gets
    "mib": 8,
    "state": 6,
    "conv-activation": 9,
    "block": 9,
    "precision": 11,
    "round": 3,
    "segment": 5,
}


def whole(table):
    return {f"gpu-memory-{slug}": entry for slug, entry in table.items()}


def test_every_exercise_is_tried():
    ids = {
        item.id
        for module in (counting, allocating)
        for item in vars(module).values()
        if isinstance(item, Exercise)
    }
    assert ids == set(whole(RIGHT)) == set(whole(WRONG)) == set(whole(OWN_HINTS))
    planned = {item.id for item in vars(planning).values() if isinstance(item, Exercise)}
    assert ids | planned == ids_of("gpu-memory")


@pytest.mark.parametrize(("id", "answer"), cases(whole(RIGHT)))
def test_right_answers_are_accepted_in_every_form(id, answer):
    accept(id, answer)


@pytest.mark.parametrize(("id", "answer"), cases(whole(WRONG)))
def test_wrong_answers_get_a_hint(id, answer):
    hint_for(id, answer)


@pytest.mark.parametrize(("slug", "count"), OWN_HINTS.items())
def test_each_usual_mistake_has_a_hint_of_its_own(slug, count):
    hints = {hint_for(f"gpu-memory-{slug}", answer) for answer in WRONG[slug][:count]}
    assert len(hints) == count


def test_hints_name_the_mistake():
    assert "wrong way round" in hint_for("gpu-memory-mib", WRONG["mib"][0])
    assert "the first" in hint_for("gpu-memory-mib", WRONG["mib"][7])
    assert "the second" in hint_for("gpu-memory-mib", WRONG["mib"][6])
    assert "before the optimizer" in hint_for("gpu-memory-state", WRONG["state"][1])
    assert "in place" in hint_for("gpu-memory-block", WRONG["block"][12])
    assert "block's input" in hint_for("gpu-memory-block", WRONG["block"][9])
    assert "block's input" in hint_for("gpu-memory-block", WRONG["block"][10])
    assert "one of the maps" in hint_for("gpu-memory-block", WRONG["block"][11])
    assert "multiple already" in hint_for("gpu-memory-round", WRONG["round"][2])
    for wrong in (WRONG["segment"][3], lambda size: segment(size + 512 * (size == MIB))):
        assert "border" in hint_for("gpu-memory-segment", wrong)
    assert "border" in hint_for("gpu-memory-segment", WRONG["segment"][8])
    assert "no multiple" in hint_for("gpu-memory-segment", lambda s: segment(s) + 512 * (s > 2**24))


@given(st.tuples(*[st.integers(1, 6)] * 3, *[st.integers(2, 7)] * 2))
def test_the_block_keeps_in_torch_what_its_solution_says(sizes):
    n, c_in, c_out, h, w = sizes
    found = saved(block_of(c_in, c_out), torch.rand(n, c_in, h, w, requires_grad=True))
    right = RIGHT["block"][0](*sizes)
    assert sum(size for _, _, size in found) == block_seen_by_torch(*sizes) == right


def test_under_autocast_torch_keeps_copies_of_the_weights_and_maps_in_bfloat16():
    layers = nn.Conv2d(3, 8, 3, bias=False), nn.ReLU(), nn.Conv2d(8, 4, 3, bias=False)
    network, images = nn.Sequential(*layers), torch.rand(2, 3, 9, 9)
    plain, halved = saved(network, images), saved(network, images, autocast=True)
    shapes = {tuple(each.shape): each.numel() for each in network.parameters()}
    assert {each.dtype for each in network.parameters()} == {torch.float32}
    copies = [(dtype, size) for dtype, shape, size in halved if shape in shapes]
    assert sorted(copies, key=str) == sorted(
        ((torch.bfloat16, 2 * numbers) for numbers in shapes.values()), key=str
    )
    assert not [shape for _, shape, _ in plain if shape in shapes]
    full, half = ([size for _, (*_, w), size in found if w == 7] for found in (plain, halved))
    assert full == [2 * size for size in half] == [4 * 2 * 8 * 7 * 7]


def test_the_allocators_sizes_are_those_of_torchs_header():
    header = Path(torch.__file__).parent / "include/c10/core/AllocatorConfig.h"
    found = re.findall(r"(\w+)(?: = |\{)(\d+)[;}]", header.read_text())
    named = {name: int(size) for name, size in found}
    assert named["kMinBlockSize"] == 512

    def by_header(size):
        if size <= named["kSmallSize"]:
            return named["kSmallBuffer"]
        if size < named["kMinLargeAlloc"]:
            return named["large_segment_size_"]
        return named["kRoundLarge"] * -(-size // named["kRoundLarge"])

    accept("gpu-memory-segment", by_header)


def test_checking_loads_nothing_heavy():
    class Code(str):
        __repr__ = str.__str__

    for slug, code in {
        "mib": "lambda size: (size / 10**6, size / 2**20)",
        "round": "lambda request: -(-request // 512) * 512",
        "crossing": "lambda launch, image: launch / image",
    }.items():
        assert not loaded_by_check(f"gpu-memory-{slug}", Code(code))
