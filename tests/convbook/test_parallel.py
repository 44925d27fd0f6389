"""Jobs in processes: what a plain loop gives, in its order."""

import io
import os
import time

import numpy as np
import pytest
import torch

from convbook import parallel
from convbook.parallel import run


def power(base, exponent):
    """A job; the processes find it here by its name."""
    return base**exponent


def inverse(of):
    return 1 / of


def process_and_threads(job):
    return job, os.getpid(), torch.get_num_threads()


SETTINGS = [{"base": base, "exponent": 3} for base in range(7)]


@pytest.mark.parametrize("workers", [1, 2])
def test_results_are_those_of_a_loop_in_its_order(workers):
    assert run(power, SETTINGS, workers=workers) == [power(**setting) for setting in SETTINGS]


def test_no_settings_give_no_results():
    assert run(power, []) == []


def test_the_jobs_run_in_other_processes_of_one_thread():
    done = run(process_and_threads, [{"job": n} for n in range(4)], workers=2)
    assert [job for job, _, _ in done] == list(range(4))
    assert os.getpid() not in {process for _, process, _ in done}
    assert {threads for _, _, threads in done} == {1}


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_a_job_reaches_the_caller(workers):
    with pytest.raises(ZeroDivisionError):
        run(inverse, [{"of": 2}, {"of": 0}, {"of": 4}], workers=workers)


def test_a_number_of_workers_that_is_none_is_refused():
    with pytest.raises(ValueError, match="workers"):
        run(power, SETTINGS, workers=0)


class Terminal(io.StringIO):
    """Where someone watches."""

    def isatty(self):
        return True


def test_who_watches_sees_the_count_and_in_the_end_nothing(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(parallel.sys, "stderr", screen)
    run(power, SETTINGS, workers=1)
    states = [state for state in screen.getvalue().split("\r") if state]
    assert states[0].startswith("1 of 7")
    assert states[-1].strip() == ""
    assert len(states[-1]) >= max(len(state) for state in states)


def test_where_nobody_watches_nothing_is_written(monkeypatch, capsys):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    run(power, SETTINGS, workers=1)
    assert capsys.readouterr() == ("", "")


KEPT = []  # in a worker's memory, for as long as it lives


def keep(megabytes):
    """Take time, so that the worker's growth is looked at, and never give the memory back."""
    time.sleep(1.2)
    KEPT.append(np.ones(megabytes * 2**17))
    return megabytes


def test_a_worker_that_is_replaced_as_it_grew_costs_no_result_and_no_word(recwarn):
    sizes = [1, 1, 400, 400, 1, 1, 1, 1]
    assert run(keep, [{"megabytes": size} for size in sizes], workers=2) == sizes
    assert [str(each.message) for each in recwarn] == []
