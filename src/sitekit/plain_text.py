"""What stands on a page as plain text, for lists, decks and citations."""

from __future__ import annotations

from functools import cache

from docutils import nodes
from pylatexenc.latex2text import LatexNodes2Text
from sphinx import addnodes
from sphinx.application import Sphinx


def plain(app: Sphinx, element: nodes.Element, docname: str) -> str:
    """The text of an element of a page that was read: formulas in Unicode, references resolved.

    Figures and equations have their numbers by the time that consistency is checked.
    """
    element = element.deepcopy()
    for reference in list(element.findall(addnodes.pending_xref)):
        reference.replace_self(nodes.Text(resolved(app, reference, docname)))
    for formula in list(element.findall(nodes.math)):
        formula.replace_self(nodes.Text(to_text().latex_to_text(formula.astext())))
    return " ".join(element.astext().split())


def resolved(app: Sphinx, reference: addnodes.pending_xref, docname: str) -> str:
    """What a reference reads as on the page; its own text where it has one."""
    inside = next(iter(reference.children), nodes.Text(""))
    if reference.get("reftype") not in {"eq", "numref"}:
        return inside.astext()
    found = app.env.get_domain(reference["refdomain"]).resolve_xref(
        app.env, docname, app.builder, reference["reftype"], reference["reftarget"],
        reference, inside,  # type: ignore[arg-type]
    )  # fmt: skip
    return inside.astext() if found is None else found.astext()


@cache
def to_text() -> LatexNodes2Text:
    """The converter of formulas."""
    return LatexNodes2Text(math_mode="text", strict_latex_spaces="based-on-source")
