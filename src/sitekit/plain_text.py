"""What stands on a page as plain text, for lists, decks and citations."""

from __future__ import annotations

import re
from functools import cache

from docutils import nodes
from pylatexenc.latex2text import LatexNodes2Text

SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def plain(element: nodes.Element) -> str:
    """The text of an element, its formulas in Unicode; references read as their own text."""
    element = element.deepcopy()
    for formula in list(element.findall(nodes.math)):
        formula.replace_self(nodes.Text(unicode_formula(formula.astext())))
    return " ".join(element.astext().split())


def unicode_formula(tex: str) -> str:
    """A formula of a sentence without TeX: ``(3n - 2)^2`` is (3n − 2)²."""
    text = _converter().latex_to_text(tex)
    text = re.sub(r"\^(\d+)", lambda power: power[1].translate(SUPERSCRIPTS), text)
    return re.sub(r"√\((\w+)\)", r"√\1", text).replace("-", "−")


@cache
def _converter() -> LatexNodes2Text:
    return LatexNodes2Text(math_mode="text", strict_latex_spaces="based-on-source")
