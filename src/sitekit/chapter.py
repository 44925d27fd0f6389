"""A chapter as text: its cells, and the lines of the file that they stand on."""

from __future__ import annotations

from pathlib import Path

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


def first_lines(text: str, notebook: nbformat.NotebookNode) -> list[int]:
    """The 1-based line of the page's file on which the source of each cell begins.

    The reader's own map points to where a cell's block begins: blank lines, or the options between
    a code cell's fence and its code, still stand before the source.
    """
    lines = text.splitlines()
    found = []
    for start, cell in zip(notebook.metadata["source_map"], notebook.cells, strict=True):
        source = cell.source.splitlines()
        matches = (n for n in range(start, len(lines)) if lines[n : n + len(source)] == source)
        found.append(next(matches, start) + 1)
    return found


def cell_line(text: str, notebook: nbformat.NotebookNode, number: int) -> int:
    """The line on which the code of a code cell begins; code cells are counted from 0."""
    lines = zip(first_lines(text, notebook), notebook.cells, strict=True)
    return [line for line, cell in lines if cell.cell_type == "code"][number]


def read(project: Project, path: Path) -> tuple[str, nbformat.NotebookNode]:
    """A page's text and its notebook."""
    text = path.read_text(encoding="utf-8")
    return text, parse(project, text)
