"""Mends in the written HTML what the theme and extensions get wrong for assistive technology."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

REPAIRS = {
    # A label that hides the words of the summary it stands on.
    ' aria-label="Toggle hidden content"': "",
    # A deprecated role, and a list whose children are no list items.
    ' role="doc-biblioentry"': "",
    '<div role="list" class="citation-list">': '<div class="citation-list">',
}


def repair(body: str) -> str:
    """The body of a page, mended."""
    for wrong, right in REPAIRS.items():
        body = body.replace(wrong, right)
    return body


def set_minus(_app: Sphinx, doctree: nodes.document) -> None:
    """Give glued negative numbers a minus sign in place of a hyphen."""
    for glued in doctree.findall(nodes.inline):
        if "pasted-text" in glued["classes"] and re.match(r"-[\d.]", glued.astext()):
            for text in glued.findall(nodes.Text):
                text.parent.replace(text, nodes.Text(text.astext().replace("-", "−", 1)))
                break


def keep_percent(_app: Sphinx, doctree: nodes.document) -> None:
    """Keep a percent sign on the line of its number."""
    for text in list(doctree.findall(nodes.Text)):
        if " %" in text and not isinstance(text.parent, nodes.literal | nodes.FixedTextElement):
            text.parent.replace(text, nodes.Text(text.replace(" %", "\N{NO-BREAK SPACE}%")))


def mend(
    _app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: nodes.document
) -> None:
    """Mend the body of a page before it goes into its template."""
    if "body" in context:
        context["body"] = repair(context["body"])


def setup(app: Sphinx) -> dict[str, Any]:
    """Mend each page as it is written."""
    app.connect("doctree-read", set_minus)
    app.connect("doctree-read", keep_percent)
    app.connect("html-page-context", mend)
    return {"parallel_read_safe": True, "version": "1"}
