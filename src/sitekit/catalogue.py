"""The catalogue: all figures of the book, to be searched and filtered.

Three directives leave a place on the page, which is filled from ``figures.json``
(`sitekit.figure_files`) when the page is written: ``{figure-cards} <chapter>`` for a chapter's
figures, ``{figure-decks}`` for the list of decks, and ``{figure-snippet} <beamer or reveal> <id>``
for the lines that show a figure in a deck.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from convbook.rendering import THUMBNAIL
from sitekit.figure_files import FOLDER, LIST
from sitekit.figure_line import links
from sitekit.figure_pages import facts, kilobytes
from sitekit.slide_snippets import beamer, reveal

logger = logging.getLogger(__name__)

STATUS = {
    "identical": "same numbers",
    "within": "within its interval",
    "beyond": "changed",
    "new": "new",
}
SNIPPETS = {"beamer": (beamer, "latex"), "reveal": (reveal, "html")}


ARGUMENTS = {"figure-cards": 1, "figure-decks": 0, "figure-snippet": 2}


class NothingToShowError(Exception):
    """A directive names what the book does not have."""


class listing(nodes.General, nodes.Element):  # docutils names nodes in lower case
    """A place for what the directive ``kind`` shows, given its ``arguments``."""


class Listing(SphinxDirective):
    """One of the catalogue's directives."""

    optional_arguments = 2

    def run(self) -> list[nodes.Node]:
        """Leave a place; `fill` fills it when every page has been read."""
        if len(self.arguments) != ARGUMENTS[self.name]:
            raise self.error(f"it takes {ARGUMENTS[self.name]} arguments: {self.arguments}")
        place = listing(kind=self.name, arguments=self.arguments)
        self.set_source_info(place)
        self.env.metadata[self.env.docname]["borrows"] = FOLDER  # written with every build
        return [place]


def fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Fill the places of a page; warn of what is not there, and of a chapter without its cards."""
    places = list(doctree.findall(listing))
    if not places:
        return
    folder = Path(app.outdir) / FOLDER
    document = json.loads((folder / LIST).read_text(encoding="utf-8"))
    listed = set()
    for place in places:
        try:
            place.replace_self(FILLED[place["kind"]](document, folder, *place["arguments"]))
        except NothingToShowError as error:
            logger.warning("{%s}: %s", place["kind"], error, location=place)
            place.parent.remove(place)
        if place["kind"] == "figure-cards":
            listed.update(place["arguments"])
    chapters = {entry["chapter"] for entry in document["figures"]} if listed else set()
    for chapter in sorted(chapters - listed):
        logger.warning("the catalogue has no {figure-cards} %s", chapter, location=(docname, 1))


def cards(document: Mapping[str, Any], _folder: Path, chapter: str) -> nodes.Node:
    """The figures of a chapter."""
    own = [entry for entry in document["figures"] if entry["chapter"] == chapter]
    if not own:
        raise NothingToShowError(f"{chapter!r} is no chapter with figures")
    items = "".join(card(entry, document["edition"]) for entry in own)
    return nodes.raw("", f'<ul class="figure-cards" role="list">{items}</ul>', format="html")


def card(entry: Mapping[str, Any], edition: str) -> str:
    """One figure: a small picture, its finding, its files, where its numbers come from."""
    name, page, status = entry["id"], entry["page"], entry["reproduced"]["status"]
    words = f"{name} {entry['title']} {entry['caption']} {entry['alt']}"
    width, height = THUMBNAIL
    pictures = "".join(
        f'<img class="only-{ground}" src="{FOLDER}/{name}-thumb{ending}.webp" alt=""'
        f' width="{width}" height="{height}" loading="lazy" decoding="async">'
        for ground, ending in (("light", ""), ("dark", "-dark"))
    )
    rows = "".join(
        f"<div><dt>{escape(term)}</dt><dd>{escape(text)}</dd></div>"
        for term, text in facts(entry, edition).items()
    )
    return (
        f'<li class="figure-card" data-status="{status}" data-words="{escape(words.lower())}">'
        f'<a class="figure-thumb" href="{page}" tabindex="-1" aria-hidden="true">{pictures}</a>'
        f'<h3 class="figure-finding"><a href="{page}">{escape(entry["title"])}</a></h3>'
        f'<p class="figure-id"><code>{name}</code> <span>{STATUS[status]}</span></p>'
        f'<div class="figure-files" role="group" aria-label="Files of {name}">'
        f'{links(name, entry["files"])}<a href="{entry["landing"]}">Cite and embed</a></div>'
        f'<details><summary>Where it comes from<span class="visually-hidden">: {name}</span>'
        f"</summary><dl>{rows}</dl></details></li>"
    )


def decks(document: Mapping[str, Any], folder: Path) -> nodes.Node:
    """The decks, with their sizes."""
    titles = {entry["chapter"]: entry["chapter_title"] for entry in document["figures"]}
    items = "".join(
        f'<li><a href="{FOLDER}/{name}.pptx" download>{escape(title)}</a>'
        f" ({kilobytes((folder / f'{name}.pptx').stat().st_size)})</li>"
        for name, title in {"all": "All figures", **titles}.items()
    )
    return nodes.raw("", f'<ul class="figure-decks">{items}</ul>', format="html")


def snippet(document: Mapping[str, Any], _folder: Path, kind: str, name: str) -> nodes.Node:
    """The lines that show a figure in a deck of LaTeX or HTML."""
    entry = next((entry for entry in document["figures"] if entry["id"] == name), None)
    if entry is None:
        raise NothingToShowError(f"no chapter shows figure {name!r}")
    if kind not in SNIPPETS:
        raise NothingToShowError(f"{kind!r} is unknown; it can be {' or '.join(SNIPPETS)}")
    write, language = SNIPPETS[kind]
    text = write(entry)
    return nodes.literal_block(text, text, language=language)


FILLED: dict[str, Callable[..., nodes.Node]] = {
    "figure-cards": cards,
    "figure-decks": decks,
    "figure-snippet": snippet,
}


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives; their places are filled when the pages are written."""
    app.add_node(listing)
    for name in FILLED:
        app.add_directive(name, Listing)
    app.connect("doctree-resolved", fill)
    return {"parallel_read_safe": True, "version": "1"}
