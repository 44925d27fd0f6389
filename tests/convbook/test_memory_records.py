"""Records: written and read, held against the schema, and predictions beside them."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_record import CASE, content, report

from convbook.memory import records
from convbook.memory.cases import Case, predict_case
from convbook.memory.errors import compare, compared, summed
from convbook.memory.report import thinned

ROOT = Path(__file__).parents[2]
RECORD = content()


def test_what_is_written_is_read_again(tmp_path):
    path = records.write(RECORD, tmp_path)
    assert path.name == "no-gpu.json"
    assert json.loads(path.read_text(encoding="utf-8")) == RECORD
    (found,) = records.load_all(tmp_path)
    assert found.path == path
    assert found.capability == (8, 0)
    (reading,) = found.memory
    assert reading.case == CASE
    assert found.report(CASE) == report()
    assert found.report(Case("resnet18")) is None
    assert found.largest[0].batch == 7
    assert found.training == RECORD["training"]
    timeline = reading.report.timeline
    assert timeline.allocated.max() == reading.report.peak
    assert len(timeline.phase) <= 100
    assert timeline.kinds.keys() == report().at_peak.keys()


def test_nothing_is_left_beside_the_file(tmp_path):
    records.write(RECORD, tmp_path / "new")
    records.write(RECORD, tmp_path / "new")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["no-gpu.json"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    path = records.write(RECORD, tmp_path)
    with pytest.raises(ValueError, match="JSON"):
        records.write({**RECORD, "context": float("nan")}, tmp_path)
    assert json.loads(path.read_text()) == RECORD


def test_the_newest_comes_first_and_the_schema_is_no_record(tmp_path, monkeypatch):
    for name, day in (("a", "2026-01-01"), ("b", "2026-03-01"), ("c", "2026-02-01")):
        device = {**RECORD["device"], "name": name}
        records.write({**RECORD, "device": device, "measured_on": day}, tmp_path)
    (tmp_path / "schema.json").write_text("{}")
    monkeypatch.setenv("CONVBOOK_RECORDS", str(tmp_path))
    assert [record.device["name"] for record in records.load_all()] == ["b", "c", "a"]


def test_a_missing_folder_is_no_record(tmp_path, monkeypatch):
    assert records.load_all(tmp_path / "none") == []
    monkeypatch.setattr(records, "checkout_folder", lambda: None)
    monkeypatch.delenv("CONVBOOK_RECORDS", raising=False)
    assert records.load_all() == []


def test_the_checkout_s_records_are_valid():
    assert records.checkout_folder() == ROOT / "records"
    for record in records.load_all(ROOT / "records"):
        records.validate(records.load(record.path))
        assert record.path.name == records.file_name(record.device["name"])


def test_what_is_no_record_is_said_in_one_sentence(tmp_path):
    path = tmp_path / "x.json"
    for text, words in (("{", "no JSON"), ("[]", "JSON object"), ("{}", "'device' is missing")):
        path.write_text(text)
        with pytest.raises(ValueError, match=words) as raised:
            records.load_all(tmp_path)
        assert "x.json" in str(raised.value)
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "name, file",
    [
        ("NVIDIA A100-SXM4-40GB", "nvidia-a100-sxm4-40gb.json"),
        ("NVIDIA H100 80GB HBM3", "nvidia-h100-80gb-hbm3.json"),
        ("../../etc", "etc.json"),
        ("…", "device.json"),
    ],
)
def test_the_file_is_named_after_the_device(name, file):
    assert records.file_name(name) == file


def test_the_schema_takes_a_record():
    records.validate(RECORD)
    records.validate({**RECORD, "context": None, "memory": [], "largest": [], "training": []})


def plant(place, value):
    faulty = copy.deepcopy(RECORD)
    *way, last = place
    inner = faulty
    for step in way:
        inner = inner[step]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return faulty


@pytest.mark.parametrize(
    "place, value",
    [
        (("device",), None),
        (("device", "driver"), None),
        (("device", "total_bytes"), 0),
        (("device", "capability"), [8]),
        (("device", "colour"), "green"),
        (("device", "threads"), 0),
        (("measured_on",), "31 January 2026"),
        (("measured_on",), "2026-13-01"),
        (("commit",), "main"),
        (("context", "bare_bytes"), -1),
        (("memory", 0, "report"), None),
        (("memory", 0, "commit"), None),
        (("memory", 0, "case", "network"), "vgg16"),
        (("memory", 0, "case", "batch_size"), 0),
        (("memory", 0, "case", "frozen"), None),
        (("memory", 0, "case", "batch"), 4),
        (("memory", 0, "report", "peak"), -5),
        (("memory", 0, "report", "peak"), 1.5),
        (("memory", 0, "report", "peak"), None),
        (("memory", 0, "report", "source"), "predicted"),
        (("memory", 0, "report", "seconds"), 0),
        (("memory", 0, "report", "peak_phase"), "noon"),
        (("memory", 0, "report", "at_peak", "inputs"), -1),
        (("memory", 0, "report", "at_peak", "inputs"), None),
        (("memory", 0, "report", "at_peak", "cake"), 1),
        (("memory", 0, "report", "timeline"), {}),
        (("memory", 0, "timeline", "phase"), [0] * 2001),
        (("memory", 0, "timeline", "kinds", "inputs"), ["many"]),
        (("largest", 0, "batch"), -1),
        (("largest", 0, "reason"), None),
        (("training", 0, "run", "held_out"), [1.5]),
        (("training", 0, "run", "arithmetic"), []),
        (("training", 0, "run", "images"), None),
        (("training", 0, "case", "seed"), None),
        (("notes",), "typed by hand"),
    ],
)
def test_a_planted_fault_is_refused(place, value):
    with pytest.raises(ValueError, match="the record is not valid at"):
        records.validate(plant(place, value))


def test_without_a_checkout_there_is_no_schema(monkeypatch):
    monkeypatch.setattr(records, "checkout_folder", lambda: None)
    with pytest.raises(ValueError, match="schema is None"):
        records.validate(RECORD)


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=300), st.integers(2, 60))
def test_a_thinned_curve_keeps_its_peak_and_its_size_bound(values, points):
    values = np.array(values)
    kept = thinned(values, points)
    assert len(kept) <= max(points, 3)
    assert (np.diff(kept) > 0).all()
    assert values[kept].max() == values.max()
    assert {0, len(values) - 1} <= set(kept)
    if len(values) <= points:
        assert len(kept) == len(values)


def test_a_prediction_beside_itself_is_exact():
    rows = compare(records.parse(RECORD))
    assert {row.what for row in rows} == {
        "parameters", "buffers", "gradients", "optimizer_state", "inputs", "activations", "peak",
        "reserved",
    }  # fmt: skip
    assert all(row.ratio == 1 and row.name == str(CASE) for row in rows)
    assert all(error.exact and error.cases == 1 for error in summed(rows).values())


def test_errors_are_of_the_ratio_s_distance_from_one():
    predicted = predict_case(CASE, capability=(8, 0))
    other = Case("resnet18")
    rows = [
        *compared(CASE, predicted, report(peak=2 * predicted.peak)),
        *compared(CASE, predicted, report(peak=predicted.peak)),
        *compared(other, predicted, report(peak=predicted.peak // 10)),
    ]
    peak = summed(rows)["peak"]
    assert peak.cases == 3
    assert peak.median == pytest.approx(0.9, abs=1e-3)
    assert peak.worst == 1
    assert peak.worst_case == CASE
    assert not peak.exact
    assert summed(rows)["gradients"].exact


def test_a_step_that_did_not_fit_is_not_compared():
    full = report(out_of_memory="CUDA out of memory")
    readings = [{**RECORD["memory"][0], "report": records.report_to_json(full)}]
    assert compare(records.parse({**RECORD, "memory": readings})) == []


def test_without_an_allocator_the_peak_is_that_of_the_requests():
    predicted = predict_case(CASE)
    rows = {row.what: row for row in compared(CASE, predicted, report(reserved=None))}
    assert "reserved" not in rows
    assert rows["peak"].predicted == predicted.requested_peak
