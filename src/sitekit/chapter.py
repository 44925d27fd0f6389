"""A chapter as text: its cells, and the lines of the file that they stand on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from myst_nb.core.read import read_myst_markdown_notebook
from myst_parser.config.main import MdParserConfig

from sitekit.project import Project


def parse(project: Project, text: str) -> nbformat.NotebookNode:
    """Read a page, with or without code cells, as a notebook without outputs."""
    config = MdParserConfig(enable_extensions=set(project.myst_extensions))
    return read_myst_markdown_notebook(text, config, add_source_map=True)


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """The cells that run, in their order."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def cell_line(text: str, notebook: nbformat.NotebookNode, number: int) -> int:
    """The 1-based line of the page's file on which the code of a code cell begins.

    ``number`` counts code cells from 0. The options between a cell's fence and its code are skipped.
    """
    index = [i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"][number]
    lines = text.splitlines()
    start: int = notebook.metadata["source_map"][index]
    code = notebook.cells[index].source.splitlines()
    for line in range(start, len(lines) - len(code) + 1):
        if lines[line : line + len(code)] == code:
            return line + 1
    return start + 1


def facts(notebook: nbformat.NotebookNode) -> dict[str, Any] | None:
    """The ``chapter`` part of the front matter; None for a page that is no chapter."""
    found = notebook.metadata.get("chapter")
    return dict(found) if found is not None else None


def read(project: Project, path: Path) -> tuple[str, nbformat.NotebookNode]:
    """A page's text and its notebook."""
    text = path.read_text(encoding="utf-8")
    return text, parse(project, text)
