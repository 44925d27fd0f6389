"""A record of a device that does not exist, for tests."""

import dataclasses

from convbook.memory import records
from convbook.memory.cases import Case, predict_case, to_json

CASE = Case("resnet10", (16, 16, 3), 4, "adam", width=4)
SOURCE = {"measured_on": "2026-01-31", "commit": "0123456789" * 4}
RUN = {
    "images": "none", "batch": 4, "rate": 0.1, "seed": 0, "steps": 2, "training": [0.5, 1.0],
    "held_out": [0.25, 0.5], "renewed": 0.5, "lag": 0.1, "data": [0.1, 0.2],
    "arithmetic": [1.0, 2.0],
}  # fmt: skip


def report(case=CASE, **changes):
    """A prediction that passes itself off as a measurement."""
    changes = {"workspace": 0, "context": 5, "seconds": 0.5, "workspace_estimate": None, **changes}
    found = predict_case(case, capability=(8, 0))
    return dataclasses.replace(found, source="measured", device="No GPU", **changes)


def content(**changes):
    """What the file of the record holds."""
    measured = report()
    reading = {
        "case": to_json(CASE),
        "report": records.report_to_json(measured),
        "timeline": records.timeline_to_json(measured.timeline, points=100),
        **SOURCE,
    }
    run = {"batch_size": 4, "rate": 0.1, "seed": 0, "network": "resnet10", "width": 4,
           "stem": "small", "side": 8, "epochs": 2, "train": 8, "test": 4}  # fmt: skip
    return {
        "device": {"name": "No GPU", "total_bytes": 10**10, "capability": [8, 0], "driver": "1.2",
                   "cuda": "12.8", "cudnn": "91002", "torch": "2.11.0", "python": "3.12.1",
                   "processor": "none", "threads": None},
        **SOURCE,
        "context": {"bare_bytes": 400, "loaded_bytes": 700, **SOURCE},
        "memory": [reading],
        "largest": [{"case": to_json(CASE), "batch": 7, "reason": "CUDA out of memory", **SOURCE}],
        "training": [{"case": run, "run": RUN, **SOURCE}],
        **changes,
    }  # fmt: skip
