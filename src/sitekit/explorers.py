"""Explorers: what a reader moves in the page, with a static figure where no script runs.

The directive ``explorer`` places one of `EXPLORERS`::

    ```{explorer} convolution
    :title: One convolution, output by output
    :figure: filters-one-pixel
    :start: stride=2&dims=1
    What to try.
    ```

``figure`` is the figure shown when printed and without JavaScript; ``start`` the state to start
from, as it stands in an address. Each explorer placed also has a page of its own,
``explorers/<name>.html``, for a slide or a frame. The scripts are in ``book/assets/explorers``;
`sitekit.look` gives them colours.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, quote

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import OptionSpec
from sphinx.writers.html5 import HTML5Translator

from sitekit import look
from sitekit.figure_pages import template
from sitekit.figures import PHONE, collection, picture

logger = logging.getLogger(__name__)

# The name in addresses and of the script → the element.
EXPLORERS = {
    "convolution": "convolution-explorer",
    "filter": "filter-studio",
    "network": "network-table",
    "gradient": "gradient-explorer",
    "memory": "memory-calculator",
}
FOLDER = "explorers"


class explorer(nodes.General, nodes.Element):  # docutils names nodes in lower case
    """An explorer: ``name``, ``title``, ``start``; its child is what stands in its place."""


class Explorer(SphinxDirective):
    """``{explorer} <name>``: one of `EXPLORERS`; the body says what to try."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar[OptionSpec] = {
        "title": directives.unchanged_required,
        "figure": directives.unchanged_required,
        "start": directives.unchanged,
    }

    def run(self) -> list[nodes.Node]:
        """Place the frame, with the static figure, which `sitekit.figures.lend` fills."""
        name = self.arguments[0]
        placed: dict[str, Any] = self.env.metadata[self.env.docname].setdefault("explorers", {})
        if name not in EXPLORERS:
            raise self.error(f"explorer {name!r} is unknown; it can be {', '.join(EXPLORERS)}")
        if name in placed:
            raise self.error(f"explorer {name!r} is on this page twice: its address would be, too")
        for option in ("title", "figure"):
            if option not in self.options:
                raise self.error(f"explorer {name!r} needs a {option}")
        start = self.options.get("start", "")
        if not is_query(start):
            raise self.error(f"the start of explorer {name!r} is no query: {start!r}")
        placed[name] = {**self.options, "start": start}

        image = picture(name=self.options["figure"], borrowed=True)
        self.set_source_info(image)
        if not self.options["figure"].startswith(f"{self.env.docname}-"):
            self.env.metadata[self.env.docname]["borrows"] = self.options["figure"]
        heading = nodes.paragraph("", self.options["title"], classes=["explorer-title"])
        frame = nodes.container("", heading, classes=["explorer-frame"], ids=[f"explore-{name}"])
        self.state.nested_parse(self.content, self.content_offset, frame)
        static = nodes.container("", image, classes=["explorer-static"])
        frame += explorer("", static, name=name, title=self.options["title"], start=start)
        return [frame]


def is_query(text: str) -> bool:
    """Whether a text is ``key=value&key=value``, or empty."""
    try:
        parse_qsl(text, strict_parsing=bool(text))
    except ValueError:
        return False
    return True


def settle_links(app: Sphinx, doctree: nodes.document) -> None:
    """Make links such as ``?gradient.layer=conv#explore-gradient`` lead to this page itself.

    They set an explorer of the page; MyST takes them for names of documents.
    """
    placed = app.env.metadata[app.env.docname].get("explorers", {})
    for link in list(doctree.findall(addnodes.pending_xref)):
        target = link["reftarget"]
        if not target.startswith("?"):
            continue
        query, _, anchor = target[1:].partition("#")
        name = anchor.removeprefix("explore-")
        keys = [key for key, _ in parse_qsl(query)]
        if name in placed and keys and all(key.startswith(f"{name}.") for key in keys):
            link.replace_self(nodes.reference("", "", *link.children, refuri=target))
        else:
            logger.warning("%r sets no explorer of this page", target, location=link)


def visit_explorer(self: HTML5Translator, node: explorer) -> None:
    """Open the element; its script fills it."""
    name, root = node["name"], "../" * self.builder.current_docname.count("/")
    self.body.append(
        f'<{EXPLORERS[name]} class="explorer" id="explorer-{name}" role="group"'
        f' aria-label="{self.attval(node["title"])}" data-start="{self.attval(node["start"])}"'
        f' data-alone="{root}{FOLDER}/{name}.html">\n'
    )


def depart_explorer(self: HTML5Translator, node: explorer) -> None:
    """Close the element."""
    self.body.append(f"</{EXPLORERS[node['name']]}>\n")


def add_scripts(
    app: Sphinx, page: str, _template: str, _context: dict[str, Any], _doctree: nodes.document
) -> None:
    """Load the scripts of the explorers on a page, and none on the others."""
    placed = app.env.metadata.get(page, {}).get("explorers", {})
    for sheet in ["explorers", *placed] if placed else []:
        app.add_css_file(f"{FOLDER}/{sheet}.css")
    for name in placed:
        app.add_js_file(f"{FOLDER}/{name}.mjs", type="module")


def write_pages(app: Sphinx, error: Exception | None) -> None:
    """Write each explorer a page of its own; it starts as in the first chapter that has it."""
    if error is not None:
        return
    folder = Path(app.outdir) / FOLDER
    folder.mkdir(exist_ok=True)
    figures = {name: record for own in collection(app.env).values() for name, record in own.items()}
    for name, (docname, options) in first_places(app.env).items():
        text = template("explorer.html").render(
            name=name,
            element=EXPLORERS[name],
            options=options,
            figure=figures[options["figure"]],
            book=app.config.project,
            page=f"../{docname}.html#explore-{name}",
            phone=PHONE,
            palette=look.palette_css(),
            icon=f"data:image/svg+xml,{quote(look.mark('light').strip())}",
        )
        path = folder / f"{name}.html"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def first_places(env: BuildEnvironment) -> dict[str, tuple[str, dict[str, str]]]:
    """Each placed explorer: the first page in the book's order that has it, and its options."""
    order = [
        env.config.root_doc,
        *(page for pages in env.toctree_includes.values() for page in pages),
    ]
    found: dict[str, tuple[str, dict[str, str]]] = {}
    for docname in order:
        for name, options in env.metadata[docname].get("explorers", {}).items():
            found.setdefault(name, (docname, options))
    return found


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive and what writes its pages."""
    app.add_node(explorer, html=(visit_explorer, depart_explorer))
    app.add_directive("explorer", Explorer)
    app.connect("doctree-read", settle_links)
    app.connect("html-page-context", add_scripts)
    app.connect("build-finished", write_pages)
    return {"parallel_read_safe": True, "version": "1"}
