"""Take all readings of a device: ``python -m convbook.memory.readings`` on a machine with a GPU.

With ``--device cpu`` they are the times that the book shows of a processor (`memory.times`).
Each configuration runs in a process of its own. The record is written after every reading, so that
a run that is cut off loses one at most, and the next run takes up where it ended.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import torch

from convbook import machine
from convbook.memory import cases, records, times
from convbook.memory.cases import Case, measure_case
from convbook.memory.measuring import checked_device, in_fresh_process
from convbook.memory.predicting import largest as search
from convbook.memory.probes import (
    TRAINING,
    Training,
    context,
    device_facts,
    guessed_batch,
    train,
)  # fmt: skip
from convbook.memory.records import Fields
from convbook.memory.report import amount
from convbook.memory.step import first_line

KINDS = ("memory", "largest", "training")
PATIENCE = 3  # so many failures one after the other, and the rest of that kind is given up
# Readings are of the defaults of the allocator and of cuBLAS, which these would change.
TUNING = ("PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF", "CUBLAS_WORKSPACE_CONFIG",
          "CUBLASLT_WORKSPACE_SIZE", "PYTORCH_NO_CUDA_MEMORY_CACHING")  # fmt: skip


@dataclass(frozen=True)
class Job:
    """A reading to take: where it goes in the record, and how it is taken."""

    kind: str  # "context", or one of `KINDS`
    case: Fields  # as JSON has it
    title: str
    read: Callable[[], tuple[Fields, str]]  # what to write down, and what to say


def take(
    memory: Sequence[Case],
    largest: Sequence[Case],
    training: Sequence[Training],
    folder: str | os.PathLike[str],
    device: str = "cuda",
    *,
    anew: bool = False,
    seconds_limit: float | None = None,
    say: Callable[[str], object] = print,
) -> int:
    """Take the readings that the device's record in the folder does not have yet.

    Parameters
    ----------
    memory, largest, training
        What to read; with ``memory`` or ``largest`` on a GPU the context, too.
    anew
        Whether to forget the readings that are there, and begin with none.
    seconds_limit
        No reading begins after so many seconds.
    say
        Gets a line for each reading.

    Returns
    -------
    failures
        How many readings could not be taken. Too little memory is no failure but a reading.

    Raises
    ------
    ValueError
        If there is no such device, ``largest`` is asked of a processor, or the record there was
        taken with another torch, driver or Python.
    """
    checked_device(device)
    if device == "cpu" and largest:
        raise ValueError("largest is not empty and device is 'cpu'; it is tried on a GPU alone")
    started = time.monotonic()
    content = _begun(folder, device, anew)
    jobs = [*_jobs(content, memory, largest, training, device)]
    todo = [job for job in jobs if not _has(content, job)]
    failures, in_a_row = 0, dict.fromkeys(("context", *KINDS), 0)
    for n, job in enumerate(todo):
        if seconds_limit is not None and time.monotonic() - started > seconds_limit:
            say(f"{seconds_limit:g} s are over; {len(todo) - n} readings are left to take")
            break
        if in_a_row[job.kind] >= PATIENCE:
            failures += 1
            continue
        try:
            found, text = job.read()
        except Exception as error:  # one that fails must not cost the others
            failures += 1
            in_a_row[job.kind] += 1
            last = f"; the rest of {job.kind} is given up" if in_a_row[job.kind] == PATIENCE else ""
            say(f"{job.kind}: {job.title}: failed, {first_line(error)}{last}")
            continue
        in_a_row[job.kind] = 0
        _add(content, job, found)
        records.write(content, folder)
        say(f"{job.kind}: {job.title}: {text}")
    return failures


def _begun(folder: str | os.PathLike[str], device: str, anew: bool) -> Fields:
    """The record to add to: the one that is there, or an empty one."""
    # This process must not start CUDA, whose context would take part of what is read.
    on_gpu = device == "cuda"
    facts = in_fresh_process(device_facts, device) if on_gpu else device_facts(device)
    empty: Fields = {"device": facts, "measured_on": _today(), "commit": _commit(), "context": None,
             "memory": [], "largest": [], "training": []}  # fmt: skip
    path = Path(folder) / records.file_name(facts["name"])
    if anew or not path.exists():
        return empty
    content = records.load(path)
    records.parse(content, path)
    for name, value in facts.items():
        if content["device"].get(name) != value:
            raise ValueError(
                f"{path} was taken with {name} {content['device'].get(name)!r}, and now it is "
                f"{value!r}; --anew replaces it"
            )
    return content


def _jobs(
    content: Fields,
    memory: Sequence[Case],
    largest: Sequence[Case],
    training: Sequence[Training],
    device: str,
) -> Iterator[Job]:
    if device == "cuda" and (memory or largest):
        yield Job("context", {}, "ResNet-152 and nothing", lambda: _read_context(device))
    for case in memory:
        keep = case in cases.TIMELINES
        yield Job("memory", cases.to_json(case), str(case),
                  lambda case=case, keep=keep: _read_memory(case, device, keep))  # type: ignore[misc]  # fmt: skip
    total = content["device"]["total_bytes"]
    for case in largest:
        yield Job("largest", cases.to_json(replace(case, batch_size=1)), str(case),
                  lambda case=case: _read_largest(case, device, total))  # type: ignore[misc]  # fmt: skip
    for run in training:
        title = f"{run.network}, {run.side}×{run.side}, batch {run.batch_size}, seed {run.seed}"
        yield Job("training", dataclasses.asdict(run), title,
                  lambda run=run: _read_training(run, device))  # type: ignore[misc]  # fmt: skip


def _has(content: Fields, job: Job) -> bool:
    if job.kind == "context":
        return content["context"] is not None
    return any(reading["case"] == job.case for reading in content[job.kind])


def _add(content: Fields, job: Job, found: Fields) -> None:
    content["measured_on"], content["commit"] = _today(), _commit()
    source = {"measured_on": content["measured_on"], "commit": content["commit"]}
    if job.kind == "context":
        content["context"] = {**found, **source}
    else:
        content[job.kind].append({"case": job.case, **found, **source})


def _read_memory(case: Case, device: str, keep: bool) -> tuple[Fields, str]:
    report = measure_case(case, device, timed=True)
    found = {"report": records.report_to_json(report)}
    if keep and report.timeline is not None:
        found["timeline"] = records.timeline_to_json(report.timeline)
    if report.out_of_memory is not None:
        return found, f"out of memory, {report.out_of_memory}"
    took = "" if report.seconds is None else f", {report.seconds:.3f} s a step"
    sizes = f"peak {amount(report.peak)}, reserved {amount(report.reserved)}"
    return found, sizes + took


def _read_largest(case: Case, device: str, total: int) -> tuple[Fields, str]:
    """The largest batch, and why one image more is too many."""
    reasons: dict[int, str] = {}
    failed: dict[int, Exception] = {}

    def fits(batch: int) -> bool:
        try:
            reason = measure_case(replace(case, batch_size=batch), device, False).out_of_memory
        except (RuntimeError, ValueError) as error:  # such as a kernel whose indices have 32 bits
            reason, failed[batch] = first_line(error), error
        if reason is not None:
            reasons[batch] = reason
        return reason is None

    near = guessed_batch(case, total)
    # Every try is a training: steps in proportion to the guess save most of them.
    batch = search(fits, near=near, step=max(1, near // 64))
    if batch == 0 and 1 in failed:
        raise failed[1]
    return {"batch": batch, "reason": reasons.get(batch + 1)}, f"batch {batch:,}"


def _read_context(device: str) -> tuple[Fields, str]:
    bare, loaded = in_fresh_process(context, device)
    text = f"{amount(bare)} the context, {amount(loaded)} with ResNet-152"
    return {"bare_bytes": bare, "loaded_bytes": loaded}, text


def _read_training(run: Training, device: str) -> tuple[Fields, str]:
    # loky's own reusable process would be joblib's, too, and break its `Parallel` in this process.
    found = in_fresh_process(train, run, device, torch.get_num_threads())
    if "out_of_memory" in found:
        return {"run": found}, f"out of memory, {found['out_of_memory']}"
    seconds = found["data"][-1] + found["arithmetic"][-1]
    return {"run": found}, f"{found['held_out'][-1]:.1%} right, {seconds:.1f} s"


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _commit() -> str:
    # A copy of the working tree has no history; whoever made it knows the commit.
    return os.environ.get("CONVBOOK_COMMIT") or machine.commit()


def main(arguments: Sequence[str] | None = None) -> int:
    """Take the readings that the command line asks for; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m convbook.memory.readings", description=__doc__)
    parser.add_argument("--folder", type=Path, help="where the record lies; records/ unless given")
    parser.add_argument("--only", type=_kinds, default=KINDS, metavar="KINDS",
                        help=f"of {','.join(KINDS)}, separated by commas")  # fmt: skip
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda",
                        help="cpu takes the processor's times")  # fmt: skip
    parser.add_argument("--seconds-limit", type=float, metavar="N",
                        help="begin no reading after so many seconds")  # fmt: skip
    parser.add_argument("--anew", action="store_true", help="forget the readings that are there")
    chosen = parser.parse_args(arguments)
    folder = chosen.folder or records.checkout_folder()
    if chosen.device == "cuda" and not torch.cuda.is_available():
        return _refused("readings are taken on a CUDA GPU, and torch finds none here")
    if folder is None:
        return _refused("--folder is not given, and this package lies in no checkout with records/")
    for name in TUNING:
        os.environ.pop(name, None)
    everything = (cases.CASES, cases.LARGEST, TRAINING)
    if chosen.device == "cpu":
        torch.set_num_threads(times.THREADS)
    memory, largest, training = (
        everything if chosen.device == "cuda" else (times.CASES, (), times.TRAINING)
    )
    warnings.filterwarnings("ignore", "A worker stopped while", UserWarning)  # it is replaced
    try:
        failures = take(
            memory if "memory" in chosen.only else (),
            largest if "largest" in chosen.only else (),
            training if "training" in chosen.only else (),
            folder, chosen.device, anew=chosen.anew, seconds_limit=chosen.seconds_limit,
            say=lambda line: print(line, flush=True),
        )  # fmt: skip
    except ValueError as error:
        return _refused(str(error))
    return 1 if failures else 0


def _kinds(text: str) -> tuple[str, ...]:
    kinds = tuple(part.strip() for part in text.split(","))
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is not one of {', '.join(KINDS)}")
    return kinds


def _refused(why: str) -> int:
    print(f"readings: {why}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    # Workers find functions by the name of their module, which __main__ is not to them.
    from convbook.memory import readings

    sys.exit(readings.main())
