"""Checks that fail a build which Sphinx itself would let through."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)


def check_images(app: Sphinx, doctree: nodes.document) -> None:
    """Warn of an image without alternative text, at its line."""
    for node in doctree.findall(lambda n: isinstance(n, nodes.image | nodes.raw)):
        if isinstance(node, nodes.image):
            bare = [node.get("uri")] if not node.get("alt", "").strip() else []
        else:
            images = BeautifulSoup(node.astext(), "html.parser").find_all("img")
            bare = [image.get("src") for image in images if not image.has_attr("alt")]
        place = next((n for n in (node, node.parent) if n.line), app.env.docname)
        for name in bare:
            logger.warning("image %s has no alt text", name, location=place)


def check_chapters_ran(app: Sphinx, _doctree: nodes.document) -> None:
    """Warn of a chapter that computes nothing: it has no code that could have run."""
    metadata = app.env.metadata[app.env.docname]
    if "chapter" in metadata and "run" not in metadata:
        where = (app.env.docname, 1)
        logger.warning("the chapter was not executed: it has no code cell", location=where)


def faults(site: Path) -> Iterator[str]:
    """What is wrong with built pages: images without alt text, tracebacks in outputs."""
    for path in sorted(site.rglob("*.html")):
        soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        name = path.relative_to(site).as_posix()
        for image in soup.find_all("img"):
            if not image.has_attr("alt"):
                yield f"{name}: image {image.get('src')} has no alt text"
        for output in soup.select(".cell_output"):
            if "Traceback (most recent call last)" in output.get_text():
                yield f"{name}: a traceback stands in an output"


def setup(app: Sphinx) -> dict[str, Any]:
    """Check each page once it is read."""
    app.connect("doctree-read", check_images, priority=950)
    app.connect("doctree-read", check_chapters_ran, priority=950)
    return {"parallel_read_safe": True, "version": "1"}
