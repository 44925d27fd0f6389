"""Solutions fold without JavaScript.

sphinx-exercise numbers exercises and ties solutions to them; here a solution becomes a ``details``
element, which a browser folds by itself and a keyboard opens.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator
from sphinx_exercise.nodes import solution_node


def unwrap_contents(_app: Sphinx, doctree: nodes.document, _docname: str) -> None:
    """Take away the sections inside exercises and solutions: all of a page have the same id."""
    for section in list(doctree.findall(nodes.section)):
        if {"exercise-content", "solution-content"} & set(section["ids"]):
            section["ids"] = []
            section.replace_self(section.children)


def visit_solution(self: HTML5Translator, node: nodes.Element) -> None:
    """Open the folded element; the title is the line that is always seen."""
    title = node.pop(0)
    summary = self.encode(title.astext())
    node["classes"] = []
    self.body.append(self.starttag(node, "details", CLASS="solution"))
    self.body.append(f'<summary>{summary}</summary>\n<div class="solution-content">\n')


def depart_solution(self: HTML5Translator, _node: nodes.Element) -> None:
    """Close what `visit_solution` opened."""
    self.body.append("</div></details>\n")


def setup(app: Sphinx) -> dict[str, Any]:
    """Load sphinx-exercise, and replace how it writes solutions."""
    app.setup_extension("sphinx_exercise")
    app.add_node(solution_node, override=True, html=(visit_solution, depart_solution))
    app.connect("doctree-resolved", unwrap_contents)
    return {"parallel_read_safe": True, "version": "1"}
