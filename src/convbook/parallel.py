"""Run a function for many settings at once, in processes of one thread each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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

    Small networks keep one core busy, and two threads of one process fight for them: hence
    processes. With a GPU there is one worker, which has it for itself.

    Parameters
    ----------
    function
        Of a module (a process finds it there by name).
    settings
        The arguments of each call.
    workers
        How many processes; as many as there are cores unless given, one where there is a GPU.
    """
    if workers is None:
        workers = 1 if torch.cuda.is_available() else -1
    with parallel_config(backend="loky", n_jobs=workers, inner_max_num_threads=1):
        results: list[Result] = Parallel()(delayed(function)(**setting) for setting in settings)
    return results
