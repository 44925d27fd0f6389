"""The reports: each form holds every figure that moved, whatever its columns are called."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from convbook.drift import STATUSES, ColumnDrift, FigureDrift
from convbook.drift_report import as_json, as_markdown, as_text, counts, summary

NUMBERS = st.floats(allow_nan=True, allow_infinity=True)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), max_size=8)


def column(name="accuracy", **facts):
    given = {
        "rule": {"draws": "seed"},
        "status": "within",
        "numbers": 3,
        "beyond": 0,
        "row": {"network": "CNN"},
        "old": 0.5,
        "new": 0.51,
        "allowed": (0.45, 0.55),
        "share": 0.2,
    }
    return ColumnDrift(name, **given | facts)


@st.composite
def figures(draw):
    ids = draw(st.lists(st.from_regex(r"[a-z][a-z-]{1,9}", fullmatch=True), unique=True))
    columns = st.builds(
        column,
        WORDS,
        row=st.dictionaries(WORDS, WORDS, max_size=2),
        old=NUMBERS | WORDS,
        new=NUMBERS | WORDS,
        allowed=st.none() | st.tuples(NUMBERS, NUMBERS),
        share=st.floats(0),
    )
    return [
        FigureDrift(
            id,
            draw(WORDS),
            draw(st.sampled_from(STATUSES)),
            detail=draw(WORDS),
            columns=tuple(draw(st.lists(columns, max_size=2))),
            address=draw(st.sampled_from(["", f"figures/{id}.html"])),
        )
        for id in ids
    ]


def rows_of(markdown):
    """The cells of a table's rows, by a parser of Markdown, as inline tokens."""
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    rows = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and rows:
            rows[-1].append(token)
    return rows[1:]  # below the headings


def text_of(cell):
    return "".join(t.content for t in cell.children if t.type in ("text", "text_special"))


@given(figures(), st.booleans())
def test_each_form_holds_what_moved(found, everything):
    listed = {f.id: f.status for f in found if everything or f.status != "identical"}
    rows = rows_of(as_markdown(found, everything=everything))
    assert {text_of(row[0]): text_of(row[1]) for row in rows} == listed
    assert all(len(row) == 5 for row in rows)
    lines = as_text(found, everything=everything).splitlines()
    assert lines[-1] == summary(found)
    assert {line.split()[1]: line.split()[0] for line in lines[:-1] if line} == listed
    read = json.loads(as_json(found), parse_constant=pytest.fail)
    assert [figure["id"] for figure in read["figures"]] == [figure.id for figure in found]
    assert sum(read["counts"].values()) == len(found)


@given(WORDS.filter(str.strip))
def test_markdown_shows_a_column_s_name_as_it_is(name):
    figure = FigureDrift("a", "A", "beyond", columns=(column(name, row={}),))
    ((_, _, cell, *_),) = rows_of(as_markdown([figure]))
    assert text_of(cell) == " ".join(name.split())


def test_the_gravest_comes_first():
    found = [FigureDrift(status, "", status) for status in reversed(STATUSES)]
    lines = as_text(found, everything=True).splitlines()
    assert [line.split()[0] for line in lines[: len(STATUSES)]] == list(STATUSES)
    assert [text_of(row[0]) for row in rows_of(as_markdown(found))] == list(STATUSES[:-1])


def test_lines_are_aligned():
    found = [
        FigureDrift("short", "", "beyond", columns=(column("a", status="beyond"),)),
        FigureDrift("a-longer-one", "", "within", columns=(column("pooled, max"),)),
    ]
    first, second = as_text(found).splitlines()[:2]
    assert first.index("0.5 →") == second.index("0.5 →")
    assert first.index("0.45 to 0.55") == second.index("0.45 to 0.55")


def test_the_counts():
    found = [
        FigureDrift("a", "", "identical"),
        FigureDrift("b", "", "identical", redrawn=True),
        FigureDrift("c", "", "lost"),
    ]
    assert counts(found) == {"lost": 1, "beyond": 0, "new": 0, "within": 0, "identical": 2}
    assert all(part in summary(found) for part in ("3 figures", "2 identical", "1 of", "1 lost"))


@pytest.mark.parametrize(
    "old, new, shown",
    [
        (0.5, 0.51, "0.5 → 0.51"),
        (0.12345678, 0.12345679, "0.12345678 → 0.12345679"),
        (12345678.0, 12345679.0, "12345678 → 12345679"),
        (math.nan, 1.0, "nan → 1"),
        ("ax", "az", "'ax' → 'az'"),
    ],
)
def test_numbers_are_told_to_the_digit_that_differs(old, new, shown):
    figure = FigureDrift("a", "", "beyond", columns=(column(old=old, new=new, allowed=None),))
    assert shown in as_text([figure])


def test_the_column_that_moved_farthest_is_told():
    shares = {"a": 0.2, "b": math.inf, "c": 3.0}
    columns = tuple(column(name, share=share) for name, share in shares.items())
    figure = FigureDrift("x", "", "beyond", columns=columns)
    assert figure.worst.column == "b"
    assert "b (network CNN)" in as_text([figure])


def test_links_lead_to_the_site():
    found = [
        FigureDrift("a", "", "new", address="figures/a.html"),
        FigureDrift("b", "", "lost", address="figures/b.html"),
    ]

    def links(site):
        return [
            child.attrs["href"]
            for row in rows_of(as_markdown(found, site=site))
            for child in row[0].children
            if child.type == "link_open"
        ]

    assert links("") == ["figures/a.html"]  # what is lost has no page to lead to
    assert links("https://example.org/book") == ["https://example.org/book/figures/a.html"]
    assert links("https://example.org/book/") == ["https://example.org/book/figures/a.html"]


def test_json_has_null_for_what_is_infinite_or_missing():
    moved = column(old=math.nan, new=math.inf, share=math.inf, allowed=(1.0, 2.0))
    (figure,) = json.loads(as_json([FigureDrift("a", "A", "beyond", columns=(moved,))]))["figures"]
    (read,) = figure["columns"]
    assert (read["old"], read["new"], read["share"]) == (None, None, None)
    assert (read["allowed"], read["row"]) == ([1.0, 2.0], {"network": "CNN"})
