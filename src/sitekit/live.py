"""Live cells: what a page with cells of the tag ``live`` gets, so that a reader can run them.

`sitekit.live_files` has put together what such a page loads. Where it could not, the page gets
nothing of this, and its live cells are cells like all others.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util import logging

from sitekit import live_files
from sitekit.reading import project_of

logger = logging.getLogger(__name__)

TAG = "tag_live"  # the class that myst-nb gives a cell with the tag
NOTE = "live-note"  # the class of a paragraph that speaks of the buttons
FOLDED = ("tag_hide-input", "tag_hide-cell", "tag_remove-input", "tag_remove-cell")


def lay_files(app: Sphinx, config: Config) -> None:
    """Lay what live cells load over the static files, before Sphinx asks whether those changed."""
    project = project_of(app)
    laid = live_files.folder(project) / "live"
    current = {path.name for at in (laid, project.book / "assets/live") for path in at.glob("*")}
    for path in (Path(app.outdir) / "_static" / "live").glob("*"):
        if path.name not in current:  # of an earlier version
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    if live_files.is_ready(project):
        config.html_static_path.append(str(live_files.folder(project)))


def live_cells(doctree: nodes.document) -> list[nodes.Element]:
    """The live cells of a page, in their order."""
    return [node for node in doctree.findall(nodes.container) if TAG in node["classes"]]


def check_cells(_app: Sphinx, doctree: nodes.document) -> None:
    """Warn of a live cell whose code is folded away or removed: there is no place for buttons."""
    for cell in live_cells(doctree):
        if folded := set(FOLDED) & set(cell["classes"]):
            tag = folded.pop().removeprefix("tag_")
            logger.warning("a cell is live and %s; its code must be seen", tag, location=cell)


def drop_notes(app: Sphinx, doctree: nodes.document, _docname: str) -> None:
    """Take away what speaks of buttons, on a site that has none."""
    if live_files.is_ready(project_of(app)):
        return
    for paragraph in list(doctree.findall(nodes.paragraph)):
        if NOTE in paragraph["classes"]:
            paragraph.parent.remove(paragraph)


def add_script(
    app: Sphinx, _page: str, _template: str, _context: dict[str, Any], doctree: nodes.document
) -> None:
    """Give the script and the style sheet to a page with live cells, and to no other."""
    if doctree and live_cells(doctree) and live_files.is_ready(project_of(app)):
        app.add_css_file("live/live.css")
        app.add_js_file("live/live.mjs", type="module")


def setup(app: Sphinx) -> dict[str, Any]:
    """Check cells as they are read; equip pages as they are written."""
    app.connect("config-inited", lay_files)
    app.connect("doctree-read", check_cells)
    app.connect("doctree-resolved", drop_notes)
    app.connect("html-page-context", add_script)
    return {"parallel_read_safe": True, "version": "1"}
