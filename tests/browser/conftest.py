"""The built site, served on this machine, and pages that watch what they ask for."""

import functools
import http.server
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import chromium
import pytest
from built_site import PAGES, SITE
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "page_name" in metafunc.fixturenames:
        assert PAGES, f"{SITE} holds no pages: run make html first"
        # With this scope pytest takes page by page, and `still` can keep one open.
        metafunc.parametrize("page_name", PAGES, scope="session")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    handler = functools.partial(Quiet, directory=str(SITE))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium.find()
    assert path, "no Chromium: python tests/browser/chromium.py --install"
    quiet = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", "--no-first-run")  # fmt: skip
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(quiet))
        yield browser
        browser.close()


@dataclass
class Visit:
    """An open page, and what went wrong on it."""

    page: Page
    foreign: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Callable[..., Visit]]:
    """Open a page of the site: ``visit("filters.html", width=360, theme="dark")``."""
    contexts = []

    def open_page(name: str, width: int = 1280, theme: str = "light", **options: object) -> Visit:
        # Without motion: a page is judged as it comes to rest, not while something fades in.
        context = browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme=theme,
            reduced_motion="reduce",
            **options,
        )
        contexts.append(context)
        visit = Visit(context.new_page())

        def watch(request) -> None:
            if not request.url.startswith((address, "data:", "blob:")):
                visit.foreign.append(request.url)

        visit.page.on("request", watch)
        visit.page.on("response", lambda r: visit.failed.append(r.url) if r.status >= 400 else None)
        visit.page.on("pageerror", lambda error: visit.errors.append(str(error)))
        visit.page.on(
            "console", lambda m: visit.errors.append(m.text) if m.type == "error" else None
        )
        visit.page.goto(address + name)
        visit.page.wait_for_load_state("networkidle")
        return visit

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def still(browser: Browser, address: str) -> Iterator[Callable[[str, int], Page]]:
    """A page for tests that only look: ``still("filters.html", 360)`` opens it once, light.

    It stays open until another page is asked for.
    """
    contexts: dict[tuple[str, int], BrowserContext] = {}

    def open_page(name: str, width: int = 1280) -> Page:
        for key in [key for key in contexts if key[0] != name]:
            contexts.pop(key).close()
        if (name, width) not in contexts:
            context = browser.new_context(
                viewport={"width": width, "height": 800}, reduced_motion="reduce"
            )
            contexts[name, width] = context
            context.new_page().goto(address + name)
            context.pages[0].wait_for_load_state("networkidle")
        return contexts[name, width].pages[0]

    yield open_page
    for context in contexts.values():
        context.close()
