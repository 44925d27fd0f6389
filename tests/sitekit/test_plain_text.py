"""Captions as plain text: formulas in Unicode."""

import pytest
from docutils import nodes

from sitekit.plain_text import plain, unicode_formula


@pytest.mark.parametrize(
    "tex, expected",
    [
        (r"\sigma = 1.5\text{,}", "σ = 1.5,"),
        ("(3n - 2)^2", "(3n − 2)²"),
        ("n^{12}", "n¹²"),
        (r"\sqrt2", "√2"),
        (r"\frac{1}{9}", "1/9"),
        ("T f(x)", "T f(x)"),
    ],
)
def test_a_formula_reads_as_in_print(tex, expected):
    assert unicode_formula(tex) == expected


def test_text_keeps_its_words_and_the_element_stays_as_it_was():
    element = nodes.caption(
        "", "", nodes.Text("With\n"), nodes.math("", r"\sigma"), nodes.strong("", " and more")
    )
    assert plain(element) == "With σ and more"
    assert len(list(element.findall(nodes.math))) == 1
