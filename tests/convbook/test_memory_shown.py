"""What a page shows of readings: with a record made up for the test, and with none."""

import dataclasses

import pytest

from convbook.memory import shown
from convbook.memory.cases import Case, predict_case
from convbook.memory.records import Reading, Record

CASE = Case("resnet10", (16, 16, 3), 4, "momentum", width=4)
OTHER = dataclasses.replace(CASE, batch_size=8)


@pytest.fixture(scope="module")
def record():
    """Readings that are predictions off by a known share: no device took them."""
    readings = []
    for case, share in ((CASE, 1.02), (OTHER, 1.04)):
        found = predict_case(case, capability=(8, 0))
        off = {name: round(share * getattr(found, name)) for name in ("peak", "reserved")}
        measured = dataclasses.replace(found, source="measured", device="Test", seconds=0.25, **off)
        readings.append(Reading(case, measured, "2026-01-02", "abc"))
    device = {"name": "Test", "capability": [8, 0], "torch": "2.11", "cuda": "13", "driver": "1"}
    return Record(device, "2026-01-02", "abc", None, readings, [], [])


def test_a_record_says_device_and_day(record):
    line = shown.told(record)
    for part in ("Test", "2026-01-02", "2 configurations", "abc", "2.11"):
        assert part in line
    assert shown.facts(record) == {
        "device": "Test", "measured_on": "2026-01-02", "torch": "2.11", "commit": "abc",
        "recorded": True,
    }  # fmt: skip


def test_errors_are_those_that_were_planted(record):
    table = shown.error_table(record).columns
    names, _, median, worst = map(list, table.values())
    assert names.index("peak") >= 0
    assert median[names.index("peak")] == "3.0 %"
    assert worst[names.index("reserved")] == "4.0 %"
    assert worst[names.index("gradients")] == "0.0 %"


def test_peaks_and_remedies_are_those_that_were_read(record):
    peak = shown.peak_megabytes(record, CASE)
    assert peak == record.report(CASE).peak / 1e6
    assert shown.peak_megabytes(record, dataclasses.replace(CASE, batch_size=2)) is None
    table = shown.remedy_table(record, {"as it is": CASE, "unread": Case("resnet18")})
    assert [list(column) for column in table.columns.values()] == [
        ["as it is"], [f"{record.report(CASE).reserved / 1e9:.1f}"], ["250"],
    ]  # fmt: skip


def test_trainings_are_summed_up_by_batch(record):
    runs = [
        {"batch": batch, "training": [0.1, end], "data": [0.5, 1.0], "arithmetic": [1.0, 3.0 * k]}
        for batch, ends in ((16, (0.4, 0.6)), (4, (0.5,)))
        for k, end in enumerate(ends, 1)
    ]
    table = shown.training_table(dataclasses.replace(record, training=runs))
    batch, seeds, accuracy, seconds, data = map(list, table.columns.values())
    assert (batch, seeds, seconds) == (["4", "16"], ["1", "2"], ["4.0", "5.5"])
    assert accuracy[0] == "0.500"
    assert accuracy[1].startswith("0.500 (-0.771 to 1.771")  # t of one degree of freedom: 12.706
    assert data == ["25 %", "20 %"]


def test_without_a_record_no_number_is_shown():
    assert not any(sign.isdigit() for sign in shown.told(None))
    tables = shown.remedy_table(None, {"as it is": CASE}), shown.training_table(None)
    for table in (shown.error_table(None), *tables):
        assert not any(sign.isdigit() for column in table.columns.values() for sign in column[0])
    assert shown.peak_megabytes(None, CASE) is None
