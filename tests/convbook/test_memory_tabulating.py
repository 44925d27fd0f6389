"""The calculator's table: every cell is what `predict` says, to the byte, and what fits fits."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_record import content
from torch import nn

from convbook.memory import records, tabulating
from convbook.memory.cases import Case, build, predict_case, to_json
from convbook.memory.sharing import POINTS, optimizer_logs, steps_of
from convbook.memory.tabulating import AXES, Gpu, Grid, Image

MB = 10**6
SMALL = Grid(
    networks=("resnet10", "resnet18"),
    images=(Image(32, "small"), Image(96, "imagenet")),
    batches=(1, 2, 16, 64),
)
# Sizes at which something of the small grid fits, something does not, and something just so.
GPUS = tuple(Gpu(f"card {n}", size * MB) for n, size in enumerate((100, 200, 290, 400, 800, 1500)))


@pytest.fixture(scope="module")
def table():
    return tabulating.table(grid=SMALL, gpus=GPUS)


def looked_up(table, name, at):
    """Bytes of a column, by indices of all axes: NumPy's own way through the numbers."""
    axes = table["axes"][name]
    values = np.array(table["columns"][name]).reshape([len(table[axis]) for axis in axes])
    place = dict(zip(AXES, at, strict=True))
    return int(values[tuple(place[axis] for axis in axes)]) * table["units"].get(name, 1)


def cells(grid):
    return st.tuples(*(st.integers(0, len(getattr(grid, axis)) - 1) for axis in AXES))


@given(at=cells(SMALL))
@settings(max_examples=15, deadline=None)
def test_a_cell_is_what_predict_says_to_the_byte(table, at):
    report = predict_case(SMALL.case(at))
    for name in ("parameters", "buffers", "gradients", "optimizer_state", "inputs", "activations",
                 "peak", "reserved"):  # fmt: skip
        assert looked_up(table, name, at) == getattr(report, name), name
    for kind in ("gradients", "activations", "temporaries"):
        assert looked_up(table, f"{kind}_at_peak", at) == report.at_peak[kind], kind
    assert table["phases"][looked_up(table, "peak_phase", at)] == report.peak_phase


@given(at=cells(SMALL), gpu=st.integers(0, len(GPUS) - 1))
@settings(max_examples=15, deadline=None)
def test_it_fits_where_the_prediction_with_that_capacity_ends_well(table, at, gpu):
    fits = predict_case(SMALL.case(at), capacity=GPUS[gpu].bytes).out_of_memory is None
    just_so = bool(looked_up(table, "just_so", at) >> gpu & 1)
    assert fits == (looked_up(table, "reserved", at) <= GPUS[gpu].bytes or just_so)
    assert not just_so or looked_up(table, "reserved", at) > GPUS[gpu].bytes


def test_some_cells_fit_only_since_cached_memory_is_given_back(table):
    assert any(table["columns"]["just_so"])


@pytest.mark.parametrize("network", Grid().networks)
def test_cells_of_the_pages_own_grid_drawn_at_random(network):
    grid, rng = Grid(), np.random.default_rng()
    for image in rng.choice(np.array(grid.images, dtype=object), 1):
        model = build(Case(network, stem=image.stem))
        precision = str(rng.choice(grid.precisions))
        steps = steps_of(model, precision, optimizer_logs(model, grid.optimizers))
        for optimizer in rng.choice(grid.optimizers, 2, replace=False):
            batch = int(rng.choice(grid.batches))
            case = Case(network, (image.side, image.side, 3), batch, str(optimizer),
                        precision=precision, stem=image.stem)  # fmt: skip
            shared, alone = steps[optimizer].predict(batch, image.side), predict_case(case)
            assert shared == alone, case
            for series in ("allocated", "reserved", "phase", "step"):
                found, wanted = getattr(shared.timeline, series), getattr(alone.timeline, series)
                np.testing.assert_array_equal(found, wanted, err_msg=f"{series}, {case}")


def test_adamw_takes_what_adam_takes():
    """The page names both at once."""
    adam = Case("resnet10", (64, 64, 3), 3, "adam")
    assert predict_case(adam) == predict_case(dataclasses.replace(adam, optimizer="adamw"))


def test_a_side_between_the_strides_is_refused():
    model = build(Case("resnet10", width=4))
    step = steps_of(model, "float32", optimizer_logs(model, ("sgd",)))["sgd"]
    with pytest.raises(ValueError, match="48"):
        step.predict(4, 48)


def test_a_network_whose_maps_do_not_halve_is_refused():
    """Its sizes are not of three such parts, so nothing may be read off three traces."""
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=5), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(4, 10),
    )  # fmt: skip
    logs = optimizer_logs(model, ("sgd",))
    with pytest.raises(ValueError, match="part"):
        steps_of(model, "float32", logs)


def test_the_points_of_the_traces_tell_the_three_parts_apart():
    features = [[1, batch, batch * side**2] for batch, side in POINTS]
    assert round(np.linalg.det(features)) != 0


def test_readings_of_a_gpu_stand_beside_their_cells():
    """Those of a processor do not, nor those of a case that the grid lacks."""
    at = (1, 1, 2, 0, 2)
    record = content()
    (reading,) = record["memory"]
    own = {**reading, "case": to_json(SMALL.case(at))}
    gpu = records.parse({**record, "memory": [reading, own]})
    processor = dataclasses.replace(gpu, device={**gpu.device, "capability": None})
    (found,) = tabulating.readings([processor, gpu], SMALL)
    assert found == {
        "at": list(at),
        "device": "No GPU",
        "measured_on": reading["measured_on"],
        "peak": reading["report"]["peak"],
        "reserved": reading["report"]["reserved"],
        "out_of_memory": False,
    }
    assert tabulating.readings([processor], SMALL) == []


def test_the_table_is_json_and_small(table):
    text = json.dumps(table, allow_nan=False)
    assert json.loads(text) == table
    for name, values in table["columns"].items():
        assert len(values) == np.prod([len(table[axis]) for axis in table["axes"][name]])
