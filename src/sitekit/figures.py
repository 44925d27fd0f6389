"""Figures on the page.

A chapter's cell publishes a figure (`convbook.publish.figure`); the directive ``computed-figure``
with the same id stands where it is shown, and holds its caption. Another page can show it again,
with ``borrowed-figure``. What is shown is collected for `sitekit.figure_files`.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.writers.html5 import HTML5Translator

from convbook.publish import in_print
from sitekit import chapter, citation, figure_line, fingerprint, registry, store
from sitekit.citation import SITE_VARIABLE
from sitekit.plain_text import plain
from sitekit.reading import project_of, run_metadata

logger = logging.getLogger(__name__)

PHONE = 620  # CSS pixels: below this width of the window the phone's drawing is shown


class picture(nodes.General, nodes.Element):  # docutils names nodes in lower case
    """One figure's image: ``name``, ``alt``, and the sizes of its two drawings."""


class ComputedFigure(SphinxDirective):
    """``{computed-figure} <id>``: the figure that a cell published; its caption is the body."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Place an empty figure; `place` fills it when the whole page has been read."""
        name = self.arguments[0]
        caption = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, caption)
        if not caption.children or not isinstance(caption[0], nodes.paragraph):
            raise self.error(f"figure {name!r} has no caption: it is the text inside the directive")
        figure = nodes.figure("", picture(name=name), classes=["computed-figure"])
        figure += nodes.caption("", "", *caption[0].children)
        if len(caption) > 1:
            figure += nodes.legend("", *caption.children[1:])
        figure["names"].append(name)
        self.set_source_info(figure)
        self.state.document.note_explicit_target(figure)
        return [figure]


class BorrowedFigure(SphinxDirective):
    """``{borrowed-figure} <id>``: another chapter's figure, with its title and a link to it."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Place an empty picture; `lend` fills it when every page has been read."""
        image = picture(name=self.arguments[0], borrowed=True, eager=True)  # it opens its page
        self.env.metadata[self.env.docname]["borrows"] = image["name"]
        self.set_source_info(image)
        return [nodes.container("", image, classes=["borrowed-figure"])]


def lend(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Fill the borrowed figures of a page from the pages that own them."""
    owned = {name: record for page in collection(app.env).values() for name, record in page.items()}
    for image in [found for found in doctree.findall(picture) if "borrowed" in found]:
        record = owned.get(image["name"])
        if record is None:
            logger.warning("no chapter shows figure %r", image["name"], location=image)
            image.parent.remove(image)
            continue
        fill(image, record, store.folder(project_of(app), record["run"]))
        target = app.builder.get_relative_uri(docname, record["chapter"]) + f"#{image['name']}"
        link = nodes.reference("", record["title"], refuri=target, internal=True)
        image.parent.append(nodes.paragraph("", "", link))


def borrowers(_app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Pages with borrowed figures are written anew with every build: the figures may have moved."""
    return [docname for docname in env.found_docs if "borrows" in env.metadata[docname]]


def fill(image: picture, record: dict[str, Any], files: Path) -> None:
    """Give a picture its alternative text, the sizes of its drawings and its files."""
    name = image["name"]
    image["alt"] = record["alt"]
    image["wide"] = svg_size((files / f"{name}.svg").read_text(encoding="utf-8"))
    image["narrow"] = svg_size((files / f"{name}-narrow.svg").read_text(encoding="utf-8"))
    image["files"] = sorted(record["files"])


def place(app: Sphinx, doctree: nodes.document) -> None:
    """Give each placed figure its files, title and alternative text; remember what is shown."""
    env = app.env
    run = run_metadata(env, env.docname)
    published: dict[str, dict[str, Any]] = run.get("figures", {})
    records = {}
    about = citation.about(project_of(app))
    renamed = registry.read(project_of(app).book / registry.NAME).renamed
    for figure in list(doctree.findall(nodes.figure)):
        image = next(iter(figure.findall(picture)), None)
        if image is None:
            continue
        name = image["name"]
        record = published.get(name)
        if record is None:
            logger.warning("no cell of this chapter publishes figure %r", name, location=figure)
            continue
        if not name.startswith(f"{env.docname}-"):
            prefix = f"{env.docname}-"
            logger.warning("figure %r: the id must begin with %r", name, prefix, location=figure)
        fill(image, record, store.folder(project_of(app), run["id"]))
        former = [old for old, new in renamed.items() if new == name]
        figure["ids"] += former  # links to them still lead here
        image["citation"] = citation.cite(name, record["title"], about)
        image["has_code"] = mark_code(doctree, run["cells"][record["cell"]], f"code-{name}")
        caption = next(iter(figure.findall(nodes.caption)))
        for reference in caption.findall(addnodes.pending_xref):
            if reference.get("reftype") in {"eq", "numref"}:
                target = reference["reftarget"]
                logger.warning(
                    "figure %r: its caption names %r by a number, which means nothing on a slide; "
                    "say in words what is meant", name, target, location=figure,
                )  # fmt: skip
        text = in_print(plain(caption))
        finding = record["title"].rstrip(".") + "."
        caption.insert(0, [nodes.strong("", finding, classes=["finding"]), nodes.Text(" ")])
        records[name] = {
            **record,
            "caption": text,
            "former_ids": former,
            "chapter": env.docname,
            "citation": image["citation"],
            "code": f"{env.docname}.html#code-{name}" if image["has_code"] else None,
            "run": run["id"],
            "provenance": run["provenance"],
        }
    for name in published.keys() - records.keys():
        where = (env.docname, run["lines"][published[name]["cell"]])
        logger.warning(
            "figure %r is published, and no computed-figure shows it", name, location=where
        )
    collection(env)[env.docname] = records


def mark_code(doctree: nodes.document, index: int, anchor: str) -> bool:
    """Give the code of the cell with that index in the notebook an anchor; False if none is shown.

    The anchor is inside what may be folded: a browser that goes there unfolds it.
    """
    for cell in doctree.findall(nodes.container):
        if cell.get("nb_element") == "cell_code" and cell["cell_index"] == index:
            code = next(iter(cell.findall(nodes.literal_block)), None)
            if code is not None:
                code["ids"].append(anchor)
            return code is not None
    return False


def claims(project_text: str, notebook: Any) -> Iterator[tuple[int, str]]:
    """The cells (line, figure) that publish a figure without asserting its claim first."""
    for number, cell in enumerate(chapter.code_cells(notebook)):
        if "figure(" not in cell.source:
            continue
        tree = ast.parse(cell.source)
        asserts = [
            node.lineno
            for node in ast.walk(tree)
            if isinstance(node, ast.Assert) and not isinstance(node.test, ast.Constant)
        ]
        for call in ast.walk(tree):
            if not isinstance(call, ast.Call) or called(call) != "figure":
                continue
            if not any(line < call.lineno for line in asserts):
                line = chapter.cell_line(project_text, notebook, number) + call.lineno - 1
                yield line, ast.unparse(call.args[0]) if call.args else "?"


def called(call: ast.Call) -> str:
    """The last part of a called function's name: ``figure`` for ``publish.figure(...)``."""
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def check_claims(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Warn of every figure in a page to be read whose cell asserts nothing."""
    for docname in docnames:
        path = Path(env.doc2path(docname))
        text, notebook = chapter.read(project_of(app), path)
        for line, name in claims(text, notebook):
            where = (docname, line)
            logger.warning("figure %s is drawn before its claim is asserted", name, location=where)


def svg_size(text: str) -> tuple[float, float]:
    """Width and height of an SVG in its own units (points), from its viewBox."""
    found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text)
    if found is None:
        raise ValueError("the SVG has no viewBox that begins at 0 0")
    return float(found[1]), float(found[2])


def visit_picture(self: HTML5Translator, node: picture) -> None:
    """A picture element: the phone's drawing on a narrow window, the wide one elsewhere."""
    pixels = [[round(value * 4 / 3) for value in node[key]] for key in ("wide", "narrow")]
    (width, height), (phone_width, phone_height) = pixels
    path = f"{_up(self)}figures/{node['name']}"
    loading = "eager" if node.get("eager") else "lazy"
    self.body.append(
        f'<picture><source media="(max-width: {PHONE}px)" srcset="{path}-narrow.svg"'
        f' width="{phone_width}" height="{phone_height}" />'
        f'<img src="{path}.svg" alt="{self.attval(node["alt"])}"'
        f' width="{width}" height="{height}" loading="{loading}" decoding="async" /></picture>\n'
    )
    raise nodes.SkipNode


def visit_figure(self: HTML5Translator, node: nodes.figure) -> None:
    """Sphinx's own figure."""
    HTML5Translator.visit_figure(self, node)


def depart_figure(self: HTML5Translator, node: nodes.figure) -> None:
    """Close the figure; its line stands below its caption, and is no part of it."""
    HTML5Translator.depart_figure(self, node)
    image = next(iter(node.findall(picture)), None)
    if image is not None:
        below = figure_line.line(
            image["name"], image["files"], image["citation"], _up(self), image["has_code"]
        )
        inside, end, after = self.body.pop().rpartition("</figure>")
        self.body.append(f"{inside}{below}{end}{after}")


def _up(self: HTML5Translator) -> str:
    return "../" * self.builder.current_docname.count("/")


def collection(env: BuildEnvironment) -> dict[str, dict[str, dict[str, Any]]]:
    """All figures shown, by page and id."""
    found: dict[str, dict[str, dict[str, Any]]] = vars(env).setdefault("computed_figures", {})
    return found


def outdated(app: Sphinx, env: BuildEnvironment, *_sets: set[str]) -> list[str]:
    """Pages with figures are read anew when their citations or former names may have changed."""
    project = project_of(app)
    sources = [project.root / "CITATION.cff", project.book / registry.NAME]
    now = [fingerprint.file_hash(path) for path in sources] + [os.environ.get(SITE_VARIABLE)]
    before = vars(env).get("figure_sources")
    vars(env)["figure_sources"] = now
    return [] if before in (None, now) else [page for page, own in collection(env).items() if own]


def purge(_app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Forget a page that is read again or gone."""
    collection(env).pop(docname, None)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive, its node, and the steps of the build that handle figures."""
    app.add_directive("computed-figure", ComputedFigure)
    app.add_directive("borrowed-figure", BorrowedFigure)
    app.add_node(picture, html=(visit_picture, None))
    app.add_node(nodes.figure, override=True, html=(visit_figure, depart_figure))
    app.connect("env-get-outdated", outdated)
    app.connect("env-purge-doc", purge)
    app.connect("env-before-read-docs", check_claims)
    app.connect("doctree-read", place, priority=900)  # after the page's metadata was collected
    app.connect("env-updated", borrowers)
    app.connect("doctree-resolved", lend)
    return {"parallel_read_safe": False, "version": "1"}
