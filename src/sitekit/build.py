"""The build of the site: execute, render, check, and only then replace the last good site."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from sitekit import execution, live_files, strict
from sitekit.project import BuildError, Project


def build(project: Project) -> None:
    """Build the site into ``_build/html``.

    Raises
    ------
    BuildError
        If anything is wrong, with every fault that was found; the last good site stays as it is.
    """
    clock = time.perf_counter()
    require_gpu()
    print("Chapters")
    execution.execute_book(project, project.pages())
    live_files.prepare(project)
    work = project.build / "work"
    try:
        render(project, work)
        if found := list(strict.faults(work / "html")):
            raise BuildError("\n".join(found))
    except BaseException:
        # A warning is not repeated for a page that Sphinx keeps from a failed build.
        shutil.rmtree(work, ignore_errors=True)
        raise
    replace(work / "html", project.site)
    seconds = time.perf_counter() - clock
    print(f"Site: {project.name(project.site / 'index.html')} ({seconds:.1f} s)")


def require_gpu() -> None:
    """Refuse to build without a CUDA GPU where CONVBOOK_REQUIRE_GPU is 1.

    Raises
    ------
    BuildError
        If torch finds no GPU.
    """
    if os.environ.get("CONVBOOK_REQUIRE_GPU") != "1":
        return
    question = "import sys, torch; sys.exit(0 if torch.cuda.is_available() else 1)"
    if subprocess.run([sys.executable, "-c", question], check=False).returncode != 0:
        raise BuildError("a GPU is required (CONVBOOK_REQUIRE_GPU=1), and torch finds none here")


def render(project: Project, work: Path) -> None:
    """Let Sphinx render the pages; any warning is an error.

    Raises
    ------
    BuildError
        With Sphinx's warnings, their paths relative to the checkout.
    """
    from jupyter_book.sphinx import build_sphinx  # slow to import, and not needed if a cell fails

    noise = io.StringIO()
    with contextlib.redirect_stderr(noise):
        result = build_sphinx(
            project.book,
            work / "html",
            doctreedir=work / "doctrees",
            noconfig=True,
            path_config=project.root / "_config.yml",
            confoverrides={
                "external_toc_path": str(project.root / "_toc.yml"),
                "latex_individualpages": False,
                "nitpicky": True,
            },
            quiet=True,
            warningiserror=True,
            keep_going=True,
        )
    if result != 0:
        text = re.sub(r"\x1b\[[0-9;]*m", "", noise.getvalue())
        raise BuildError(text.replace(f"{project.root}/", "").strip() or str(result))


def replace(fresh: Path, site: Path) -> None:
    """Put a copy of a fresh site where the last one stands, by renaming."""
    incoming, outgoing = (site.with_name(f"{site.name}.{end}") for end in ("new", "old"))
    for leftover in (incoming, outgoing):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(fresh, incoming, ignore=shutil.ignore_patterns(".buildinfo*"))
    if site.exists():
        site.rename(outgoing)
    incoming.rename(site)
    shutil.rmtree(outgoing, ignore_errors=True)
