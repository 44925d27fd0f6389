"""The quiet line under a figure: its files, how to cite it, its address, the code that drew it.

All of it works without JavaScript; ``book.mjs`` adds buttons that copy.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from html import escape

FILES = (
    (".svg", "SVG"),
    (".pdf", "PDF"),
    (".png", "PNG"),
    (".csv", "CSV"),
    ("-slide.png", "Slide"),
    ("-slide-dark.png", "Dark slide"),
)


def links(name: str, files: Collection[str], root: str = "") -> str:
    """Links to the files of the figure ``name`` that one may want to keep."""
    return "".join(
        f'<a href="{root}figures/{name}{ending}" download>{label}</a>'
        for ending, label in FILES
        if f"{name}{ending}" in files
    )


def line(
    name: str, files: Collection[str], citation: Mapping[str, str], root: str, has_code: bool
) -> str:
    """The line of the figure ``name`` as HTML.

    Parameters
    ----------
    name
        The figure's id.
    files
        The names of all its files in the folder ``figures`` of the site.
    citation
        ``text`` and ``bibtex``, as `sitekit.citation.cite` gives them.
    root
        The relative address of the site's root: "" or "../" and so on.
    has_code
        Whether the page shows the cell that drew it, under the anchor ``code-<name>``.
    """
    found = [links(name, files, root)]
    if has_code:
        found.append(f'<a href="#code-{name}">Code</a>')
    found.append(f'<a href="{root}figures/{name}.html">Link</a>')
    return (
        f'<div class="figure-files" role="group" aria-label="Figure {name}: files and citation">'
        f'{"".join(found)}<details class="figure-cite"><summary>Cite</summary>'
        f'<p data-copy="text">{escape(citation["text"])}</p>'
        f'<pre data-copy="BibTeX">{escape(citation["bibtex"])}</pre>'
        "</details></div>\n"
    )
