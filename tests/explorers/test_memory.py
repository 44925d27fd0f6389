"""The memory calculator looks up what the table holds, and words it as the book's commands do."""

import itertools
import json
import shlex

import numpy as np
import pytest
from node import run

from convbook.command import main
from convbook.memory import tabulating
from convbook.memory.report import amount
from convbook.memory.tabulating import AXES, COLUMNS, GPUS, UNITS, Grid

CASES = 3000
SCRIPT = """
import * as memory from "./arithmetic/memory.mjs";
const { table, states } = data;
const names = Object.keys(table.columns);
answer(states.map(attempt((state) => {
  const at = memory.place(table, state);
  return {
    cell: memory.cell(table, at),
    columns: Object.fromEntries(names.map((name) => [name, memory.value(table, name, at)])),
    verdict: memory.verdict(table, at),
    largest: memory.largest(table, at) ?? null,
    reading: memory.reading(table, at) ?? null,
    words: memory.words(table, state),
  };
})));
"""


@pytest.fixture(scope="module")
def table():
    """Of the page's own axes and of numbers without meaning, so that no two are mixed up."""
    rng, grid = np.random.default_rng(5), Grid()
    length = {axis: len(getattr(grid, axis)) for axis in AXES}
    columns = {
        name: rng.integers(10**6, 10**9, [length[axis] for axis in axes])
        for name, axes in COLUMNS.items()
    }
    columns["peak"] = rng.integers(10**7, 4 * 10**8, columns["peak"].shape)
    columns["reserved"] = rng.integers(10**2, 10**5, columns["reserved"].shape)
    columns["peak_phase"] = rng.integers(0, 5, columns["peak_phase"].shape)
    columns["just_so"] = rng.integers(0, 2 ** len(GPUS), columns["just_so"].shape)
    return {
        **{axis: list(getattr(grid, axis)) for axis in AXES if axis != "images"},
        "images": [vars(image) for image in grid.images],
        "gpus": [vars(gpu) for gpu in GPUS],
        "phases": ["setup", "forward", "loss", "backward", "step"],
        "axes": {name: list(axes) for name, axes in COLUMNS.items()},
        "units": UNITS,
        "columns": {name: values.ravel().tolist() for name, values in columns.items()},
        "readings": [
            {"at": [int(rng.integers(length[axis])) for axis in AXES], "device": f"No GPU {n}",
             "measured_on": "2026-01-31", "peak": n, "reserved": n, "out_of_memory": False}
            for n in range(300)
        ],
    }  # fmt: skip


def state_of(table, at, gpu):
    network, image, optimizer, precision, batch = at
    return {
        "network": table["networks"][network],
        "image": str(table["images"][image]["side"]),
        "optimizer": table["optimizers"][optimizer],
        "precision": table["precisions"][precision],
        "batch": int(np.log2(table["batches"][batch])),
        "gpu": str(table["gpus"][gpu]["bytes"] // 10**9),
    }


@pytest.fixture(scope="module")
def answers(table):
    """Random places, and for each what the page makes of it."""
    rng = np.random.default_rng(7)
    places = [
        (tuple(int(rng.integers(len(table[axis]))) for axis in AXES), int(rng.integers(len(GPUS))))
        for _ in range(CASES)
    ]
    states = [state_of(table, at, gpu) for at, gpu in places]
    return list(zip(places, run(SCRIPT, {"table": table, "states": states}), strict=True))


def looked_up(table, name, at):
    """A column's number in bytes, found by NumPy."""
    axes = table["axes"][name]
    values = np.reshape(table["columns"][name], [len(table[axis]) for axis in axes])
    place = dict(zip(AXES, at, strict=True))
    return int(values[tuple(place[axis] for axis in axes)]) * table["units"].get(name, 1)


def verdict_of(table, at, gpu):
    if looked_up(table, "reserved", at) <= table["gpus"][gpu]["bytes"]:
        return "fits"
    return "just so" if looked_up(table, "just_so", at) >> gpu & 1 else "not"


def test_the_page_looks_up_what_the_table_holds(table, answers):
    arrays = {name: {at: looked_up(table, name, at) for (at, _), _ in answers} for name in COLUMNS}
    for (at, _), found in answers:
        assert found["columns"] == {name: values[at] for name, values in arrays.items()}


def test_the_parts_add_up_to_what_is_allocated_and_to_what_is_reserved(table, answers):
    for (at, _), found in answers:
        cell = found["cell"]
        *needed, rounding, cached = cell["held"].values()
        assert sum(needed) == cell["requested"]
        assert sum(needed) + rounding == cell["peak"] == looked_up(table, "peak", at)
        assert sum(needed) + rounding + cached == cell["reserved"]
        assert cell["phase"] == table["phases"][looked_up(table, "peak_phase", at)]


def test_what_fits_and_the_largest_batch_that_does(table, answers):
    for (at, gpu), found in answers[:300]:
        assert found["verdict"] == verdict_of(table, at, gpu)
        fitting = [
            {"batch": batch, "how": how}
            for n, batch in enumerate(table["batches"])
            if (how := verdict_of(table, (*at[:-1], n), gpu)) != "not"
        ]
        assert found["largest"] == (fitting[-1] if fitting else None)


def test_a_reading_stands_with_its_own_case_alone(table, answers):
    first = {}
    for reading in table["readings"]:
        first.setdefault(tuple(reading["at"]), reading)
    assert any(at in first for (at, _), _ in answers)
    for (at, _), found in answers:
        assert found["reading"] == first.get(at)


def test_the_words_state_the_numbers(table, answers):
    for (at, gpu), found in answers[:300]:
        for size in (looked_up(table, "peak", at), looked_up(table, "reserved", at)):
            assert amount(size) in found["words"]
        assert f"{table['gpus'][gpu]['bytes'] // 10**9} GB" in found["words"]


def test_the_page_offers_what_the_grid_has(table):
    names, most = run(
        'import { MOST, NAMES } from "./arithmetic/memory.mjs"; answer([NAMES, MOST])', None
    )
    assert set(names["network"]) == set(table["networks"])
    assert set(names["optimizer"]) == set(table["optimizers"])
    assert set(names["precision"]) == set(table["precisions"])
    assert {int(side) for side in names["image"]} == {each["side"] for each in table["images"]}
    for each in table["images"]:
        assert ("small stem" in names["image"][str(each["side"])]) == (each["stem"] == "small")
    assert {int(size) * 10**9 for size in names["gpu"]} == {gpu["bytes"] for gpu in table["gpus"]}
    assert most == np.log2(max(table["batches"]))


def test_what_the_table_lacks_is_refused(table):
    good = state_of(table, (0, 0, 0, 0, 0), 0)
    wrong = [{**good, key: value} for key, value in
             {"network": "vgg16", "image": "100", "optimizer": "lion", "precision": "int8",
              "batch": 11, "gpu": "10"}.items()]  # fmt: skip
    good_one, *bad = run(SCRIPT, {"table": table, "states": [good, *wrong]})
    assert "refused" not in good_one
    assert all("refused" in found for found in bad)


def test_amounts_are_written_as_python_writes_them():
    """Numbers exactly between two written ones among them, which Python rounds to the even one."""
    rng = np.random.default_rng(3)
    sizes = [int(size) for power in range(1, 13) for size in rng.integers(0, 10**power, 200)]
    sizes += [999, 1000, 999_949, 999_950, 999_949_999, 999_950_000]
    sizes += [unit * n // 8 for unit in (10**3, 10**6, 10**9) for n in range(8, 400)]
    found = run('import { amount } from "./arithmetic/memory.mjs"; answer(data.map(amount))', sizes)
    assert found == [amount(size) for size in sizes]


def test_the_command_predicts_the_same(capsys):
    """For a small grid, whose table is made here: what the page tells to copy gives its numbers."""
    grid = Grid(networks=("resnet18",), batches=(1, 8, 64))
    table = tabulating.table(grid=grid)
    rng = np.random.default_rng(11)
    places = [(0, *at) for at in itertools.product(range(5), range(3), range(2), range(3))]
    chosen = [places[n] for n in rng.choice(len(places), 6, replace=False)]
    states = [state_of(table, at, int(rng.integers(len(GPUS)))) for at in chosen]
    script = 'import { command } from "./arithmetic/memory.mjs"; answer(data.map(command))'
    for at, state, line in zip(chosen, states, run(script, states), strict=True):
        name, *options = shlex.split(line)
        assert name == "convbook"
        assert not main([*options, "--json"])
        said = json.loads(capsys.readouterr().out)
        for column in ("peak", "reserved", "parameters", "buffers", "gradients",
                       "optimizer_state", "inputs", "activations"):  # fmt: skip
            assert said["memory"][column] == looked_up(table, column, at)
        gpu = [each["bytes"] for each in table["gpus"]].index(said["gpu_memory"])
        assert said["fits"] == (verdict_of(table, at, gpu) != "not")
        assert said["gpu_memory"] == int(state["gpu"]) * 10**9
