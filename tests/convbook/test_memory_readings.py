"""Readings, tried on a processor: resumed, cut off, out of memory, refused; CUDA's log imitated."""

import dataclasses
import json
import subprocess
import sys
import types
from pathlib import Path

import pytest
import torch
from small_record import CASE, RUN, report

from convbook.experiments import batches
from convbook.memory import device, measuring, probes, readings, records, times
from convbook.memory.cases import Case
from convbook.memory.probes import TRAINING, Training, guessed_batch
from convbook.memory.setting import Setting

ROOT = Path(__file__).parents[2]
OTHER = dataclasses.replace(CASE, optimizer="sgd")
RUNS = [
    Training(batch, 0.01, 0, "resnet10", width=4, stem="small", side=8, epochs=1, train=32, test=16)
    for batch in (8, 4)
]


@pytest.fixture
def quick(monkeypatch):
    """Readings that cost nothing: the calls that would measure are noted and made up."""
    asked = []

    def measure_case(case, *_given, **_options):
        asked.append(case)
        return report(case)

    monkeypatch.setattr(readings, "measure_case", measure_case)
    monkeypatch.setattr(readings, "in_fresh_process", lambda function, *given: function(*given))
    return asked


def take(memory, folder, **options):
    lines = []
    failures = readings.take(memory, [], [], folder, "cpu", say=lines.append, **options)
    return failures, lines


def the_file(folder):
    (path,) = folder.glob("*.json")
    content = json.loads(path.read_text(encoding="utf-8"))
    records.validate(content)
    return content


def test_readings_are_taken_for_real_and_are_a_valid_record(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVBOOK_CIFAR10", "none")
    monkeypatch.setattr(readings.cases, "TIMELINES", frozenset([CASE]))
    lines = []
    failures = readings.take([CASE], [], RUNS[:1], tmp_path, "cpu", say=lines.append)
    assert failures == 0, lines
    assert len(lines) == 2
    content = the_file(tmp_path)
    (record,) = records.load_all(tmp_path)
    measured = record.report(CASE)
    assert measured.source == "measured"
    assert measured.parameters == 81_528
    assert measured.seconds > 0
    assert measured.timeline.requested.max() == measured.peak
    (run,) = content["training"]
    assert run["case"]["batch_size"] == run["run"]["batch"] == 8
    assert run["run"]["steps"] == 4
    assert len(run["run"]["arithmetic"]) == 1
    assert content["device"]["torch"] == str(torch.__version__)
    assert content["device"]["capability"] is None
    assert content["device"]["threads"] == torch.get_num_threads()


def test_a_cut_off_run_keeps_what_it_has_and_the_next_goes_on(tmp_path, quick, monkeypatch):
    made_up = readings.measure_case

    def cut_off(case, *given, **options):
        if case == OTHER:
            raise KeyboardInterrupt
        return made_up(case, *given, **options)

    monkeypatch.setattr(readings, "measure_case", cut_off)
    with pytest.raises(KeyboardInterrupt):
        take([CASE, OTHER], tmp_path)
    assert len(the_file(tmp_path)["memory"]) == 1
    monkeypatch.setattr(readings, "measure_case", made_up)
    assert take([CASE, OTHER], tmp_path)[0] == 0
    assert quick == [CASE, OTHER]
    assert len(the_file(tmp_path)["memory"]) == 2
    assert take([CASE, OTHER], tmp_path) == (0, [])


def test_anew_forgets_what_was_there(tmp_path, quick):
    take([CASE, OTHER], tmp_path)
    take([CASE], tmp_path, anew=True)
    assert quick == [CASE, OTHER, CASE]
    assert len(the_file(tmp_path)["memory"]) == 1


@pytest.mark.usefixtures("quick")
def test_another_torch_needs_a_new_record(tmp_path):
    take([CASE], tmp_path)
    (path,) = tmp_path.glob("*.json")
    content = the_file(tmp_path)
    content["device"]["torch"] = "2.4.0"
    records.write(content, tmp_path)
    with pytest.raises(ValueError, match=r"torch '2\.4\.0'.*--anew"):
        take([OTHER], tmp_path)
    assert json.loads(path.read_text()) == content


def test_a_limit_of_seconds_ends_it_in_time(tmp_path, quick):
    failures, lines = take([CASE, OTHER], tmp_path, seconds_limit=0)
    assert failures == 0
    assert quick == []
    assert "2 readings are left" in lines[-1]


@pytest.mark.usefixtures("quick")
def test_too_little_memory_is_a_reading(tmp_path, monkeypatch):
    full = report(out_of_memory="CUDA out of memory. Tried to allocate 2 GiB", seconds=None)
    monkeypatch.setattr(readings, "measure_case", lambda *_given, **_options: full)
    failures, (line,) = take([CASE], tmp_path)
    assert failures == 0
    assert "out of memory" in line
    (reading,) = the_file(tmp_path)["memory"]
    assert reading["report"]["out_of_memory"].startswith("CUDA out of memory")
    take([CASE], tmp_path)
    assert len(the_file(tmp_path)["memory"]) == 1


@pytest.mark.usefixtures("quick")
def test_a_failure_costs_no_other_reading_and_is_tried_again(tmp_path, monkeypatch):
    made_up = readings.measure_case

    def fails(case, *given, **options):
        if case == CASE:
            raise RuntimeError("the device fell off\nthe bus")
        return made_up(case, *given, **options)

    monkeypatch.setattr(readings, "measure_case", fails)
    failures, lines = take([CASE, OTHER], tmp_path)
    assert failures == 1
    assert lines[0].endswith("failed, the device fell off")
    assert len(the_file(tmp_path)["memory"]) == 1
    monkeypatch.setattr(readings, "measure_case", made_up)
    assert take([CASE, OTHER], tmp_path)[0] == 0
    assert len(the_file(tmp_path)["memory"]) == 2


@pytest.mark.usefixtures("quick")
def test_what_always_fails_is_given_up(tmp_path, monkeypatch):
    def fails(*_given, **_options):
        raise RuntimeError("no")

    monkeypatch.setattr(readings, "measure_case", fails)
    many = [dataclasses.replace(CASE, batch_size=n) for n in range(1, 8)]
    failures, lines = take(many, tmp_path)
    assert failures == 7
    assert len(lines) == 3
    assert "given up" in lines[-1]


@pytest.mark.usefixtures("quick")
def test_a_training_for_which_memory_does_not_suffice_is_a_reading(tmp_path, monkeypatch):
    def fails(*_given, **_options):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(batches, "train", fails)
    monkeypatch.setattr(probes, "_images", lambda *_: (types.SimpleNamespace(source="none"),) * 2)
    monkeypatch.setattr(readings, "in_fresh_process", lambda function, *given: function(*given))
    assert readings.take([], [], RUNS, tmp_path, "cpu", say=lambda _: None) == 0
    found = the_file(tmp_path)["training"]
    assert [each["case"]["batch_size"] for each in found] == [8, 4]
    assert found[0]["run"] == {"images": "none", "out_of_memory": "CUDA out of memory"}


def test_the_training_of_homework_7c_ends_with_what_takes_longest():
    sizes = [run.batch_size for run in TRAINING]
    assert sizes == sorted(sizes, reverse=True)
    assert set(sizes) == {4, 16, 64, 256, 1024}
    for batch in set(sizes):
        assert {run.seed for run in TRAINING if run.batch_size == batch} == set(range(10))


def test_the_schema_knows_what_a_run_holds():
    assert RUN.keys() - {"images"} == {field.name for field in dataclasses.fields(batches.Run)}


def test_without_cuda_it_refuses(capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert readings.main([]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "readings: readings are taken on a CUDA GPU, and torch finds none here\n"
    with pytest.raises(ValueError, match="no CUDA device"):
        readings.take([CASE], [], [], ROOT / "records")


def test_the_command_takes_the_times_of_a_processor(tmp_path, quick, capsys, monkeypatch):
    trained = []

    def train(run, device, threads):
        trained.append((run, device, threads))
        return {"images": "none", "out_of_memory": "planted"}

    monkeypatch.setattr(readings, "train", train)
    for name in readings.TUNING:
        monkeypatch.setenv(name, "x")
    before = torch.get_num_threads()
    try:
        command = ["--device", "cpu", "--folder", str(tmp_path)]
        assert readings.main([*command, "--only", "memory"]) == 0
        assert trained == []
        assert readings.main(command) == 0
    finally:
        torch.set_num_threads(before)
    assert quick == list(times.CASES)
    assert trained == [(run, "cpu", times.THREADS) for run in times.TRAINING]
    assert the_file(tmp_path)["device"]["threads"] == times.THREADS
    assert capsys.readouterr().out.startswith("memory: resnet18")
    assert not any(name in readings.os.environ for name in readings.TUNING)


def test_the_command_says_which_kinds_there_are(capsys):
    with pytest.raises(SystemExit) as raised:
        readings.main(["--only", "memory,colour"])
    assert raised.value.code == 2
    assert "'colour' is not one of memory, largest, training" in capsys.readouterr().err


def test_the_largest_batch_is_not_tried_on_a_processor(tmp_path):
    with pytest.raises(ValueError, match="largest is not empty"):
        readings.take([], [CASE], [], tmp_path, "cpu")


def test_the_largest_batch_is_found_and_says_what_ended_it(monkeypatch):
    tried, made = [], report()

    def measure_case(case, _device, _timed):
        tried.append(case.batch_size)
        if case.batch_size > 5000:
            raise RuntimeError("integer out of range")
        return dataclasses.replace(
            made, out_of_memory="CUDA out of memory" if case.batch_size > 1234 else None
        )

    monkeypatch.setattr(readings, "measure_case", measure_case)
    found, text = readings._read_largest(CASE, "cuda", 400_000_000)
    assert found == {"batch": 1234, "reason": "CUDA out of memory"}
    assert text == "batch 1,234"
    assert len(tried) < 24
    assert len(set(tried)) == len(tried)


def test_a_search_in_which_even_one_image_fails_is_no_reading(monkeypatch):
    def measure_case(*_given):
        raise ValueError("the device fell off")

    monkeypatch.setattr(readings, "measure_case", measure_case)
    with pytest.raises(ValueError, match="fell off"):
        readings._read_largest(CASE, "cuda", 400_000_000)


def test_the_guess_is_near():
    total = 40_000_000_000
    case = Case("resnet18", (224, 224, 3), 1, "momentum")
    guess = guessed_batch(case, total)
    peak = probes.predict_case(dataclasses.replace(case, batch_size=guess)).peak
    assert 0.9 * total < peak < total


# ---- what cannot be had here: CUDA, imitated ------------------------------------------------


def event(name, at, **fields):
    typed = (None, types.SimpleNamespace(device=torch.device("cuda", 0), **fields))
    return types.SimpleNamespace(name=name, start_time_ns=at, typed=typed, children=[])


def memory(at, address, size, allocated):
    return event("[memory]", at, ptr=address, alloc_size=size, total_allocated=allocated,
                 total_reserved=2**21)  # fmt: skip


@pytest.fixture
def imitated(monkeypatch):
    """A recorder whose profile is what CUDA's allocator would have told it."""

    def recorder(notes, events):
        made = device.ProfilerRecorder("cuda")
        made._notes = notes
        monkeypatch.setattr(device, "_events", lambda _profile: iter(events))
        return made

    return recorder


def test_what_stays_without_a_name_is_a_workspace(imitated):
    notes = [("mark", "setup", {}), ("name", "parameters", {10: 100}), ("mark", "forward", {}),
             ("mark", "backward", {}), ("mark", "end", {})]  # fmt: skip
    mark = f"{device.MARK}%d"
    events = [
        memory(1, 10, 512, 512), event(mark % 0, 2), event(mark % 1, 3), event(mark % 2, 4),
        memory(5, 20, 1024, 1536),  # an activation
        memory(6, 30, 2048, 3584),  # cuBLAS
        event(mark % 3, 7), memory(8, 20, -1024, 2560), event(mark % 4, 9),
    ]  # fmt: skip
    followed = imitated(notes, events).log().follow()
    kinds = [(block.size, block.kind) for block in followed.blocks]
    assert kinds == [(512, "parameters"), (1024, "activations"), (2048, "workspace")]
    assert [each.counted for each in followed.events][-1] == (2560, 2**21)
    unfinished = imitated(notes, events).log(complete=False).follow()
    assert "workspace" not in {block.kind for block in unfinished.blocks}


def test_an_address_that_comes_again_was_given_back(imitated):
    notes = [("mark", "setup", {}), ("mark", "end", {})]
    events = [
        event(f"{device.MARK}0", 1), memory(2, 10, 512, 512), memory(3, 10, 1024, 1024),
        memory(4, 10, -1024, 0), event(f"{device.MARK}1", 5),
    ]  # fmt: skip
    followed = imitated(notes, events).log().follow()
    assert [each.size for each in followed.events] == [512, -512, 1024, -1024]


@pytest.mark.parametrize(
    "error, full",
    [
        (torch.OutOfMemoryError("no room"), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), False),
    ],
)
def test_what_counts_as_too_little_memory(error, full, monkeypatch):
    def fails(*_given):
        raise error

    monkeypatch.setattr(device, "train", fails)
    model = torch.nn.Linear(2, 2, device="meta")
    setting = Setting((4, 4, 3), 1)
    if not full:
        with pytest.raises(RuntimeError, match="illegal"):
            device.observe(model, setting, "cpu")
    else:
        assert device.observe(model, setting, "cpu").out_of_memory == str(error)


@pytest.mark.parametrize(
    "lines, used",
    [
        (["GPU-b, 7", "GPU-a, 423"], 423 * 2**20),
        (["GPU-c, 12"], 12 * 2**20),  # a part of a GPU goes by another name
        (["GPU-a, [N/A]"], 0),
        ([], 0),
    ],
)
def test_what_others_use_is_what_the_driver_says(lines, used, monkeypatch):
    monkeypatch.setattr(measuring, "nvidia_smi", lambda _query: lines)
    gpu = types.SimpleNamespace(uuid="a")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _n: gpu)
    assert measuring.used_by_others() == used


def test_a_missing_driver_says_nothing(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert measuring.nvidia_smi("uuid") == []


def test_readings_leave_the_processes_of_joblib_alone():
    code = (
        "from joblib import Parallel, delayed\n"
        "from convbook.memory import readings\n"
        "readings.train = lambda *given: {'out_of_memory': 'planted'}\n"
        "readings._read_training(None, 'cpu')\n"
        "assert Parallel(n_jobs=2)(delayed(abs)(n) for n in (-1, -2)) == [1, 2]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
