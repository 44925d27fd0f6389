"""Cases: what JSON holds of them, the networks they stand for, what homework 7 asks."""

import dataclasses
import json

import pytest
from torch import nn

from convbook.memory.cases import (
    CASES,
    LARGEST,
    TIMELINES,
    Case,
    build,
    from_json,
    measure_case,
    predict_case,
    remedies,
    to_json,
)
from convbook.memory.setting import Setting

SMALL = Case("resnet10", (16, 16, 3), 4, "adam", width=4)


@pytest.mark.parametrize("case", dict.fromkeys([*CASES, *LARGEST, SMALL]), ids=str)
def test_json_holds_a_case(case):
    assert from_json(json.loads(json.dumps(to_json(case)))) == case


def test_no_two_cases_are_the_same_nor_read_the_same():
    assert len(set(CASES)) == len(CASES)
    assert len({str(case) for case in CASES}) == len(CASES)


def test_a_case_has_all_that_a_setting_has():
    assert {f.name for f in dataclasses.fields(Setting)} <= {
        f.name for f in dataclasses.fields(Case)
    }
    assert dataclasses.astuple(SMALL.setting())[:3] == ((16, 16, 3), 4, "adam")


def test_homework_7_is_among_them():
    for optimizer in ("sgd", "momentum", "adam"):
        assert Case("resnet152", (224, 224, 3), 8, optimizer) in CASES
        assert Case("resnet152", (224, 224, 3), 8, optimizer) in TIMELINES
    for batch in (4, 16, 64, 256, 1024):
        assert Case("resnet18", (224, 224, 3), batch, "momentum") in CASES


def test_a_case_is_built_without_memory_and_as_it_says():
    model = build(dataclasses.replace(SMALL, num_classes=7, stem="small"))
    assert all(parameter.is_meta and parameter.requires_grad for parameter in model.parameters())
    assert model.conv1.weight.shape == (4, 3, 3, 3)
    assert model.fc.weight.shape == (7, 32)
    assert sum(p.numel() for p in build(Case("resnet152")).parameters()) == 58_164_298


def test_frozen_trains_the_last_linear_layer_alone():
    model = build(dataclasses.replace(SMALL, frozen=True))
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    assert trained == {"fc.weight", "fc.bias"}
    assert isinstance(model.fc, nn.Linear)


def test_the_remedies_differ_from_the_base_in_what_they_say():
    base = Case("resnet10", (64, 64, 3), 8, "adam", width=4)
    found = remedies(base)
    assert next(iter(found.items())) == ("as it is", base)
    changed = {
        name: {k for k, v in to_json(case).items() if v != to_json(base)[k]}
        for name, case in found.items()
    }
    assert changed == {
        "as it is": set(),
        "bfloat16": {"precision"},
        "channels last": {"channels_last"},
        "bfloat16, channels last": {"precision", "channels_last"},
        "checkpoint": {"checkpoint"},
        "accumulate 4": {"accumulate"},
        "half the side": {"input_shape"},
        "small stem, 32×32": {"input_shape", "stem"},
        "frozen": {"frozen"},
        "sgd": {"optimizer"},
    }


def test_every_remedy_of_memory_helps_in_the_prediction():
    base = Case("resnet10", (64, 64, 3), 32, "adam", width=16)
    peaks = {name: predict_case(case).requested_peak for name, case in remedies(base).items()}
    base_peak = peaks.pop("as it is")
    assert peaks.pop("channels last") >= 0.9 * base_peak  # of time, not of memory
    assert peaks.pop("small stem, 32×32") > 0  # the map behind it is as large as before
    assert all(peak < base_peak for peak in peaks.values()), peaks


def test_prediction_and_measurement_take_a_case():
    predicted, measured = predict_case(SMALL), measure_case(SMALL, "cpu", timed=False)
    assert predicted.parameters == measured.parameters == 81_528
    assert predicted.gradients == measured.gradients == 81_528
    assert measured.seconds is None
    assert predict_case(SMALL, capability=(8, 0)).peak > predicted.peak + 8_000_000
    assert predict_case(SMALL, capacity=2**20).out_of_memory is not None


@pytest.mark.parametrize(
    "fields, words",
    [
        ({"network": "resnet11"}, ["network is 'resnet11'", "'resnet18'"]),
        ({"stem": "large"}, ["stem is 'large'", "'small'"]),
        ({"width": 0}, ["width is 0"]),
        ({"num_classes": 1.5}, ["num_classes is 1.5"]),
        ({"frozen": 1}, ["frozen is 1"]),
        ({"optimizer": "lion"}, ["optimizer is 'lion'", "'adam'"]),
        ({"optimizer": print}, ["optimizer is", "name"]),
        ({"batch_size": 6, "accumulate": 4}, ["accumulate is 4"]),
        ({"batch": 6}, ["no field 'batch'", "batch_size"]),
    ],
)
def test_what_is_not_valid_is_said_in_one_sentence(fields, words):
    with pytest.raises(ValueError, match=words[0]) as raised:
        from_json({"network": "resnet10", **fields})
    assert all(word in str(raised.value) for word in words), raised.value
    assert "\n" not in str(raised.value)


def test_a_case_without_a_network_is_none():
    with pytest.raises(ValueError, match="must name its network"):
        from_json({"batch_size": 4})
