"""Times of a processor: which readings they are, and that each one lands in its place."""

import copy
import dataclasses

import numpy as np
import pytest
from small_record import RUN, SOURCE, content, report

from convbook import models
from convbook.experiments.batches import small_network
from convbook.memory import records, times
from convbook.memory.cases import REMEDIES_SMALL, remedies, to_json

EPOCHS = 3


def clock(batch, seed, part):
    """Times by which a run is known again."""
    return [epoch + batch + 1e4 * seed + 0.5 * (part == "data") for epoch in range(EPOCHS)]


def fields(**device):
    """A record of a processor, its trainings from last to first."""
    runs = [
        {
            "case": dataclasses.asdict(run),
            "run": {**RUN, "batch": run.batch_size, "seed": run.seed, "images": "made up",
                    **{part: clock(run.batch_size, run.seed, part)
                       for part in ("data", "arithmetic")}},
            **SOURCE,
        }
        for run in reversed(times.TRAINING)
    ]  # fmt: skip
    memory = [
        {"case": to_json(case),
         "report": records.report_to_json(report(seconds=1.0 + n, reserved=None)), **SOURCE}
        for n, case in enumerate(REMEDIES_SMALL.values())
    ]  # fmt: skip
    about = {**content()["device"], "capability": None, "threads": 1, **device}
    return content(device=about, context=None, memory=memory, largest=[], training=runs)


def test_every_reading_lands_in_its_place():
    made = fields()
    records.validate(made)
    gpu, other = records.parse(content()), records.parse(fields(name="older"))
    found = times.recorded_times([gpu, records.parse(made), other])
    assert found.record.device["name"] == "No GPU"
    assert found.record.capability is None
    assert found.images == "made up"
    assert found.data.shape == found.arithmetic.shape == (10, 5, EPOCHS)
    for n, batch in enumerate((4, 16, 64, 256, 1024)):
        assert found.data[7, n].tolist() == clock(batch, 7, "data")
        assert found.arithmetic[7, n].tolist() == clock(batch, 7, "arithmetic")
    assert found.steps == {name: 1.0 + n for n, name in enumerate(REMEDIES_SMALL)}


def test_without_a_processor_s_record_it_says_what_takes_one():
    for known in ([], [records.parse(content())]):
        with pytest.raises(ValueError, match=rf"none of {len(known)} records .*make times"):
            times.recorded_times(known)


@pytest.mark.parametrize("kind", ["memory", "training"])
def test_a_missing_reading_is_no_number(kind):
    made = fields()
    del made[kind][3]
    with pytest.raises(ValueError, match=r"lacks 1 of 58 readings .*make times"):
        times.recorded_times([records.parse(made)])


def test_a_step_that_did_not_fit_has_no_time():
    made = copy.deepcopy(fields())
    made["memory"][0]["report"]["seconds"] = None
    made["training"][0]["run"] = {"images": "none", "out_of_memory": "no room"}
    with pytest.raises(ValueError, match="lacks 2 of 58"):
        times.recorded_times([records.parse(made)])


def test_what_is_timed_is_what_the_chapter_trains():
    first = times.TRAINING[0]
    timed = getattr(models, first.network)(10, width=first.width, stem=first.stem)
    shapes = [[(n, w.shape) for n, w in each.state_dict().items()] for each in
              (timed, small_network())]  # fmt: skip
    assert shapes[0] == shapes[1]
    assert (first.side, first.epochs, first.train, first.test) == (12, 10, 1024, 512)
    rates = {run.batch_size: run.rate for run in times.TRAINING}
    assert rates == {batch: pytest.approx(0.0016 * batch / 4) for batch in (4, 16, 64, 256, 1024)}
    assert len(set(times.TRAINING)) == 50


def test_no_batch_size_always_comes_first():
    batches = np.array([run.batch_size for run in times.TRAINING]).reshape(10, 5)
    for place in range(5):
        assert sorted(batches[:, place]) == sorted([4, 16, 64, 256, 1024] * 2)


def test_the_small_remedies_leave_the_images_as_they_are():
    shapes = {case.input_shape for case in REMEDIES_SMALL.values()}
    assert shapes == {(96, 96, 3)}
    known = remedies(REMEDIES_SMALL["as it is"])
    assert known.keys() - REMEDIES_SMALL.keys() == {"half the side", "small stem, 32×32"}


def test_the_checkout_holds_all_times():
    found = times.recorded_times(records.load_all(records.checkout_folder()))
    assert found.data.shape == (10, 5, 10)
    assert (np.diff(found.data) > 0).all()
    assert (np.diff(found.arithmetic) > 0).all()
    assert found.record.device["threads"] == times.THREADS
