"""The first output of a live cell in a reader's browser: at the first visit, and at a later one.

The site is served from this machine, so that a network has no part in it.
"""

from __future__ import annotations

import functools
import http.server
import runpy
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import BrowserContext, sync_playwright

from benchmarks.turns import Comparison, take_turns

ROOT = Path(__file__).parents[1]
SITE = ROOT / "_build/html"
PAGE = "filters.html"
PATIENCE = 180_000  # milliseconds


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A server that does not write down what it serves."""

    def log_message(self, *_arguments: object) -> None:
        """Write nothing."""


@contextmanager
def served() -> Iterator[str]:
    """The built site's address on this machine."""
    handler = functools.partial(Quiet, directory=str(SITE))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def run_first_cell(context: BrowserContext, address: str) -> None:
    """Open a page, run its first live cell, and wait for the end of its run."""
    page = context.new_page()
    page.goto(address + PAGE)
    page.locator(".live-bar button").first.click(timeout=PATIENCE)
    page.locator(".live-status", has_text="Done").first.wait_for(timeout=PATIENCE)
    page.close()


def compare(rounds: int) -> list[Comparison]:
    """Visits take turns; nothing is compared on a site that was built without Pyodide."""
    if not (SITE / "_static/live/manifest.mjs").is_file():
        print("The built site has no live Python: its first output is not timed")
        return []
    path = runpy.run_path(str(ROOT / "tests/browser/chromium.py"))["find"]()
    with served() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        known = browser.new_context()

        def first() -> None:
            with browser.new_context() as context:
                run_first_cell(context, address)

        candidates = {"first visit": first, "later": lambda: run_first_cell(known, address)}
        found = take_turns("live Python, first output", candidates, "first visit", rounds)
        browser.close()
    return [found]
