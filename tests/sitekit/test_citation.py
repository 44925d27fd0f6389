"""How a figure is credited and cited."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitekit import citation

ABOUT = {
    "title": "A Book",
    "version": "1.2",
    "date-released": "2026-11-25",
    "authors": [{"given-names": "Ada", "family-names": "Author"}, {"name": "The others"}],
}


@pytest.fixture(autouse=True)
def unpublished(monkeypatch):
    monkeypatch.delenv(citation.SITE_VARIABLE, raising=False)


def test_a_citation_by_hand():
    found = citation.cite("a-b", "50 % of it is lost.", ABOUT)
    assert found["text"] == (
        "Ada Author and The others (2026). “50 % of it is lost.” Figure a-b in A Book, "
        "edition 1.2. editions/1.2/figures/a-b.html. CC BY 4.0."
    )
    assert found["bibtex"].splitlines() == [
        "@misc{a-b,",
        "  author = {{Ada Author} and {The others}},",
        r"  title = {{50 \% of it is lost}},",
        "  year = {2026},",
        "  howpublished = {Figure in A Book, edition 1.2},",
        "  url = {editions/1.2/figures/a-b.html},",
        "  note = {CC BY 4.0}",
        "}",
    ]


@pytest.mark.parametrize(
    "url, variable, address",
    [
        ("https://book.example/", "", "https://book.example/figures/a.html"),
        ("https://book.example", "https://other.example", "https://book.example/figures/a.html"),
        (None, "https://other.example/sub/", "https://other.example/sub/figures/a.html"),
        (None, "", "figures/a.html"),
    ],
)
def test_the_site_s_address_is_named_once_somebody_knows_it(monkeypatch, url, variable, address):
    monkeypatch.setenv(citation.SITE_VARIABLE, variable)
    about = ABOUT | ({"url": url} if url else {})
    assert citation.address("figures/a.html", about) == address
    assert citation.credit(about).format(id="a").endswith(f" · {address}")


@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1))
def test_any_title_of_the_book_comes_out_of_its_credit_as_it_is(title):
    line = citation.credit(ABOUT | {"title": title}).format(id="a-b")
    assert line.startswith(f"{title}, edition 1.2 · CC BY 4.0 · ")


@given(st.text(st.sampled_from("ab {}%&#_$\\~^"), min_size=1))
def test_no_title_breaks_the_bibtex(title):
    bibtex = citation.cite("a-b", title, ABOUT)["bibtex"]
    bare = re.sub(r"\\[{}%&#_$]", "", bibtex)  # what TeX takes as letters
    depth = 0
    for letter in bare:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        assert depth >= 0
    assert depth == 0
    assert not set("%&#_$") & set(bare)
