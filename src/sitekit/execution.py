"""Chapters are executed: in parallel, each in a kernel of its own, into the store.

A chapter that starts processes of its own (``cores: all`` in its front matter) has the machine for
itself, before all others.
"""

from __future__ import annotations

import asyncio
import atexit
import base64
import json
import os
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from traitlets.config import Config

from convbook.machine import processor
from sitekit import chapter, citation, fingerprint, needs, store
from sitekit.commit import commit
from sitekit.project import BuildError, Project

FIGURE_MIME = "application/vnd.convbook.figure+json"
ANSWER_MIME = "application/vnd.convbook.answer+json"
DATA_MIME = "application/vnd.convbook.data+json"

CELL_TIMEOUT = 900  # seconds
STARTUP_TIMEOUT = 180  # seconds; a busy machine takes its time to import IPython

FIRST_ATTEMPT = "first-attempt"  # the tag of a cell whose answer a reader is to put right

# Runs in the chapter's kernel after its last cell. It asks torch only where the chapter loaded it.
PROBE = """
def _probe():
    import json, platform, sys
    from importlib import metadata
    torch = sys.modules.get("torch")
    files = [getattr(m, "__file__", None) for m in list(sys.modules.values())]
    tops = {name.partition(".")[0] for name in sys.modules}
    def version(name):
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            return None
    watched = ("numpy", "scipy", "torch", "matplotlib")
    gpu = torch is not None and torch.cuda.is_available()
    print(json.dumps({
        "loaded": [file for file in files if file],
        "python": platform.python_version(),
        "versions": {name: version(name) for name in watched if name in tops},
        "gpu": torch.cuda.get_device_name() if gpu else None,
    }))
_probe()
"""


@dataclass(frozen=True)
class Done:
    """What became of one chapter in this build."""

    name: str
    run: store.Run
    cached: bool


def execute_book(
    project: Project, pages: Sequence[Path], report: Callable[[str], None] = print
) -> list[Done]:
    """Bring every chapter among the pages up to date; one line of progress each.

    Raises
    ------
    BuildError
        If a cell of any chapter fails. The other chapters are finished first, and kept.
        Before any is executed, if one lists a need that `sitekit.needs` does not know.
    """
    chapters = [(path, *chapter.read(project, path)) for path in pages]
    chapters = [entry for entry in chapters if chapter.code_cells(entry[2])]
    needs.prepare({project.name(path): notebook for path, _, notebook in chapters}, report)
    environment = fingerprint.environment(project)
    files = fingerprint.snapshot(project)
    alone = [entry for entry in chapters if takes_all_cores(entry[2])]
    together = [entry for entry in chapters if not takes_all_cores(entry[2])]
    cores = os.cpu_count() or 1
    jobs, share = share_cores(len(together), cores)

    def bring_up_to_date(
        entry: tuple[Path, str, nbformat.NotebookNode], threads: int = share
    ) -> Done | BuildError:
        path, text, notebook = entry
        key = fingerprint.key(notebook, environment)
        found = store.find(project, key)
        try:
            run = found or execute(project, path, text, notebook, key, files, threads)
        except BuildError as error:
            return error
        how = "from cache" if found else "executed"
        report(f"  {path.stem:<24} {run.provenance['seconds']:7.1f} s  {how}")
        return Done(path.stem, run, cached=found is not None)

    results = [bring_up_to_date(entry, threads=cores) for entry in alone]
    with ThreadPoolExecutor(jobs) as pool:
        results += pool.map(bring_up_to_date, together)
    errors = [result for result in results if isinstance(result, BuildError)]
    if errors:
        raise BuildError("\n".join(str(error) for error in errors))
    done = [result for result in results if isinstance(result, Done)]
    store.prune(project, keep={item.run.id for item in done})
    return done


def takes_all_cores(notebook: nbformat.NotebookNode) -> bool:
    """Whether a chapter's front matter asks for the whole machine."""
    return bool(notebook.metadata.get("chapter", {}).get("cores") == "all")


def share_cores(chapters: int, cores: int) -> tuple[int, int]:
    """How many kernels run at once, and with how many threads each, so that none fights another."""
    jobs = max(1, min(chapters, cores))
    return jobs, max(1, cores // jobs)


def execute(
    project: Project,
    path: Path,
    text: str,
    notebook: nbformat.NotebookNode,
    key: str,
    files: dict[str, str],
    threads: int,
) -> store.Run:
    """Run a chapter in a fresh kernel and keep what came of it.

    Raises
    ------
    BuildError
        If a cell raises, writes to standard error, hangs, or takes its kernel down.
    """
    lines = [
        line
        for line, cell in zip(chapter.first_lines(text, notebook), notebook.cells, strict=True)
        if cell.cell_type == "code"
    ]
    notebook = nbformat.from_dict(notebook)
    cells = chapter.code_cells(notebook)
    notebook.cells.append(nbformat.v4.new_code_cell(PROBE))
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        startup_timeout=STARTUP_TIMEOUT,
        kernel_name=notebook.metadata.get("kernelspec", {}).get("name", "python3"),
        resources={"metadata": {"path": str(project.book)}},
    )
    began, clock = datetime.now(UTC), time.perf_counter()

    def where(number: int, line: int = 1) -> str:
        return f"{project.name(path)}:{lines[number] + line - 1}"

    def current() -> int:
        """The code cell that was running when the client gave up."""
        started = [i for i, cell in enumerate(cells) if cell.get("execution_count") or cell.outputs]
        return max(started, default=0)

    try:
        with tempfile.TemporaryDirectory() as sockets:
            if os.name != "nt":  # sockets in the file system: no port is opened to anyone
                ends = {"transport": "ipc", "ip": f"{sockets}/kernel"}
                client.config = Config({"KernelManager": ends})
            asyncio.run(client.async_execute(env=kernel_environment(project, threads)))
    except CellExecutionError:
        number = next(i for i, cell in enumerate(cells) if _error(cell))
        shown = _error(cells[number])
        trace = _plain("\n".join(shown["traceback"]))
        line = re.findall(r"(?:Cell In\[\d+\], line |^----> ?|^--> )(\d+)", trace, re.MULTILINE)
        at = where(number, int(line[0]) if line else 1)
        raise BuildError(f"{at}: {shown.ename}: {shown.evalue}\n{_indent(trace)}") from None
    except CellTimeoutError:
        raise BuildError(f"{where(current())}: the cell ran for over {CELL_TIMEOUT} s") from None
    except DeadKernelError:
        raise BuildError(f"{where(current())}: the kernel died in or after this cell") from None
    except RuntimeError as error:  # what Jupyter raises if a kernel does not answer
        atexit.unregister(client._cleanup_kernel)  # done already; a second time it would complain
        raise BuildError(f"{project.name(path)}:1: no kernel could be started: {error}") from None
    seconds = time.perf_counter() - clock

    for number, cell in enumerate(cells):
        if raised := _error(cell):  # a cell tagged raises-exception
            trace = _indent(_plain("\n".join(raised["traceback"])))
            raise BuildError(f"{where(number)}: a traceback would stand on the page\n{trace}")
        verdicts = "".join(o.get("data", {}).get("text/html", "") for o in cell.outputs)
        if FIRST_ATTEMPT in cell.metadata.get("tags", []):
            if "verdict try-again" not in verdicts:
                raise BuildError(
                    f"{where(number)}: a {FIRST_ATTEMPT} must get a hint, not be right"
                )
        elif "verdict try-again" in verdicts:
            raise BuildError(f"{where(number)}: the book's own solution is not right")
        if noise := "".join(o.text for o in cell.outputs if o.get("name") == "stderr"):
            raise BuildError(
                f"{where(number)}: the cell writes to standard error, which no reader should see\n"
                f"{_indent(noise)}"
            )
    probe = json.loads(notebook.cells[-1].outputs[0].text)
    provenance = {
        "date": began.isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
        "commit": commit(project),
        "device": probe["gpu"] or processor(),
        "gpu": probe["gpu"] is not None,
        "threads": threads,
        "python": probe["python"],
        **probe["versions"],
    }
    outputs, figures, answers, data, payload = _sort_out(cells, where)
    modules = fingerprint.depends_on(project, probe["loaded"], files)
    run = store.Run(key, modules, provenance, outputs, figures, answers, data)
    store.save(project, run, payload)
    return run


def kernel_environment(project: Project, threads: int) -> dict[str, str]:
    """The kernel's environment: the book's packages, its threads, a fixed hash seed, no network."""
    limits = ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "VECLIB_MAXIMUM")
    return {
        **os.environ,
        **{f"{name}_NUM_THREADS": str(threads) for name in limits},
        "PYTHONPATH": os.pathsep.join(
            filter(None, [str(project.src), os.environ.get("PYTHONPATH", "")])
        ),
        "PYTHONHASHSEED": "0",
        "MPLBACKEND": "agg",
        "CONVBOOK_CREDIT": citation.credit(citation.about(project)),
        **needs.kernel_variables(),
    }


def _sort_out(
    cells: Sequence[nbformat.NotebookNode], where: Callable[..., str]
) -> tuple[
    list[list[dict[str, Any]]],
    dict[str, dict[str, Any]],
    list[dict[str, Any]],
    dict[str, dict[str, Any]],
    dict[str, bytes],
]:
    """Split cell outputs: what the page shows, figures, answers, data, and the files of these."""
    outputs, figures, answers, published, payload = [], {}, [], {}, {}
    for number, cell in enumerate(cells):
        shown = []
        for output in cell.outputs:
            data = output.get("data", {})
            if FIGURE_MIME in data:
                record = dict(data[FIGURE_MIME])
                if record["id"] in figures:
                    raise BuildError(f"{where(number)}: figure {record['id']!r} is published twice")
                files = {name: base64.b64decode(text) for name, text in record["files"].items()}
                record["files"] = {n: fingerprint.sha256(content) for n, content in files.items()}
                figures[record["id"]] = {**record, "cell": number}
                payload.update(files)
            elif ANSWER_MIME in data:
                answers.append({**data[ANSWER_MIME], "cell": number})
            elif DATA_MIME in data:
                name, content = data[DATA_MIME]["name"], data[DATA_MIME]["text"].encode()
                if name in published:
                    raise BuildError(f"{where(number)}: data file {name!r} is published twice")
                published[name] = {"sha256": fingerprint.sha256(content), "cell": number}
                payload[f"{name}.json"] = content
            else:
                shown.append(dict(output))
        outputs.append(shown)
    return outputs, figures, answers, published, payload


def _error(cell: nbformat.NotebookNode) -> Any:
    return next((o for o in cell.outputs if o.output_type == "error"), None)


def _plain(text: str) -> str:
    """Without the terminal's colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def _indent(text: str, most: int = 30) -> str:
    return "\n".join(f"    {line}" for line in text.rstrip().splitlines()[-most:])
