"""Run a function for many settings at once, in processes of one thread each."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import torch
from joblib import Parallel, delayed, parallel_config

Result = TypeVar("Result")


def run(
    function: Callable[..., Result],
    settings: Sequence[Mapping[str, Any]],
    *,
    workers: int | None = None,
) -> list[Result]:
    """``[function(**setting) for setting in settings]``, over all cores.

    Small networks keep one core busy, and two threads of one process fight for it: hence
    processes. With a GPU there is one worker, which has it for itself. Long jobs are better first:
    the last to start then is a short one.

    While someone watches, in a terminal or a notebook, a line counts the jobs that are done.

    Parameters
    ----------
    function
        Of a module (a process finds it there by name).
    settings
        The arguments of each call.
    workers
        How many processes; as many as there are cores unless given, one where there is a GPU.

    Returns
    -------
    results
        In the order of the settings.

    Raises
    ------
    ValueError
        If ``workers`` is not at least 1.
    Exception
        Whatever the first call that fails raises; the remaining ones are given up.
    """
    if workers is None:
        workers = 1 if torch.cuda.is_available() else -1
    elif workers < 1:
        raise ValueError(f"workers is {workers}; it must be at least 1, or None for all cores")
    jobs = (delayed(function)(**setting) for setting in settings)
    with (
        warnings.catch_warnings(),
        parallel_config(backend="loky", n_jobs=workers, inner_max_num_threads=1),
    ):
        # A worker that has grown by 300 MB is replaced between two jobs, as it should be.
        warnings.filterwarnings("ignore", "A worker stopped while", UserWarning)
        results = Parallel(batch_size=1, pre_dispatch="all", return_as="generator")(jobs)
        return list(_counted(results, len(settings)))


def _counted(results: Iterable[Result], total: int) -> Iterator[Result]:
    """The results as they come, with a count of them on one line that is wiped in the end."""
    # JupyterLab names its session; a build has none, and would keep every state of the line.
    watched = sys.stderr.isatty() or "JPY_SESSION_NAME" in os.environ
    for done, result in enumerate(results, 1):
        if watched:
            line = (
                f"{done} of {total} done" if done < total else " " * len(f"{total} of {total} done")
            )
            print(f"\r{line}", end="\r" if done == total else "", file=sys.stderr, flush=True)
        yield result
