"""Sphinx reads a chapter with the outputs of its stored run; it never executes anything itself.

The outputs that hold figures, answers and data do not reach the page. Their records travel in the
page's metadata, under ``run``, to the extensions that place them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment

from sitekit import chapter, fingerprint, store
from sitekit.project import BuildError, Project


def setup(app: Sphinx) -> dict[str, Any]:
    """Let myst-nb read ``.md`` files through `read`."""
    app.connect("config-inited", configure)
    app.connect("env-get-outdated", outdated)
    return {"parallel_read_safe": True, "version": "1"}


def configure(app: Sphinx, config: Config) -> None:
    """Point myst-nb to `read` (it imports a reader by its name)."""
    root = str(project_of(app).root)
    config.nb_custom_formats = {".md": ["sitekit.reading.read", {"root": root}, False]}
    config.nb_execution_mode = "off"


def project_of(app: Sphinx) -> Project:
    """The book that Sphinx is building: its sources lie in the folder ``book`` of the checkout."""
    return Project(Path(app.srcdir).parent)


def read(text: str, root: str) -> nbformat.NotebookNode:
    """A page as a notebook, with the outputs of its stored run.

    Raises
    ------
    BuildError
        If the page has code and no stored run that is still valid.
    """
    project = Project(Path(root))
    notebook = chapter.parse(project, text)
    run = run_of(project, notebook)
    lines = chapter.first_lines(text, notebook)
    # myst-nb reports a cell's first line as 2 more than this map says.
    notebook.metadata["source_map"] = [line - 2 for line in lines]
    if run is None:
        return notebook
    for cell, outputs in zip(chapter.code_cells(notebook), run.outputs, strict=True):
        cell.outputs = [nbformat.from_dict(output) for output in outputs]
    notebook.metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
    notebook.metadata["run"] = {
        "id": run.id,
        "provenance": run.provenance,
        "figures": run.figures,
        "answers": run.answers,
        "data": run.data,
        # Code cells are counted from 0 in a run, all cells in Sphinx's document.
        "cells": [i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"],
        "lines": [
            line
            for line, cell in zip(lines, notebook.cells, strict=True)
            if cell.cell_type == "code"
        ],
    }
    return notebook


def run_of(project: Project, notebook: nbformat.NotebookNode) -> store.Run | None:
    """The valid stored run of a page; None where a page has no code."""
    if not chapter.code_cells(notebook):
        return None
    run = store.find(project, fingerprint.key(notebook, fingerprint.environment(project)))
    if run is None:
        raise BuildError("the chapter has not been executed; `make html` does that first")
    return run


def run_metadata(env: BuildEnvironment, docname: str) -> Mapping[str, Any]:
    """What `read` left for the extensions; empty for a page without code."""
    found: dict[str, Any] = json.loads(env.metadata[docname].get("run", "{}"))
    return found


def outdated(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """Pages whose text is as it was, but whose results are not."""
    project = project_of(app)
    again = []
    for docname in env.found_docs - added - changed - removed:
        _, notebook = chapter.read(project, Path(env.doc2path(docname)))
        run = run_of(project, notebook)
        if run is not None and run.id != run_metadata(env, docname).get("id"):
            again.append(docname)
    return again
