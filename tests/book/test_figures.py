"""Every figure of the built site: complete, light, worth a slide, and honest on how it may move."""

import csv
import json
import re
import statistics
from pathlib import Path

import pytest
from pptx import Presentation

from sitekit import figure_schema, registry

pytestmark = pytest.mark.site

ROOT = Path(__file__).parents[2]
SITE = ROOT / "_build/html"
FIGURES = SITE / "figures"

LIGHT = 60_000  # bytes: the median of the drawings
HEAVY = 170_000  # bytes: a page of photographs

# Figures that show single draws of many, as examples; their numbers must come out the same.
EXAMPLES = {
    "inductive-bias-kernels",
    "inductive-bias-three-kinds",
    "transposed-and-dilated-rooms-labels",
    "transposed-and-dilated-untrained",
}


@pytest.fixture(scope="module")
def document():
    return json.loads((FIGURES / "figures.json").read_text())


@pytest.fixture(scope="module")
def figures(document):
    return document["figures"]


def test_the_list_follows_its_schema_and_names_what_is_registered(document):
    figure_schema.validate(document)
    ids = registry.read(ROOT / "book" / registry.NAME).ids
    assert {figure["id"] for figure in document["figures"]} == set(ids)
    assert len(ids) >= 40


def test_every_figure_has_every_file_and_its_numbers(figures):
    endings = {
        *(".svg", "-narrow.svg", ".pdf", ".png", ".csv", "-thumb.webp", "-thumb-dark.webp"),
        *(f"-slide{dark}.{kind}" for dark in ("", "-dark") for kind in ("svg", "pdf", "png")),
    }
    for figure in figures:
        assert set(figure["files"]) == {figure["id"] + ending for ending in endings}
        assert (SITE / figure["landing"]).is_file()
        with (FIGURES / f"{figure['id']}.csv").open(newline="") as table:
            assert len(list(csv.reader(table))) > 1, figure["id"]


def test_drawings_are_light(figures):
    sizes = {figure["id"]: figure["files"][f"{figure['id']}.svg"]["bytes"] for figure in figures}
    assert statistics.median(sizes.values()) < LIGHT
    assert {name: size for name, size in sizes.items() if size > HEAVY} == {}


def test_every_figure_says_where_it_comes_from_and_shows_its_code(figures):
    for figure in figures:
        assert figure["provenance"]["device"]
        assert figure["provenance"]["date"]
        assert figure["code"], figure["id"]


def test_a_figure_that_rests_on_seeds_says_how_far_its_numbers_may_move(figures):
    silent = {
        figure["id"]
        for figure in figures
        if len(figure["provenance"]["seeds"] or []) >= 10 and not figure["interval"]
    }
    assert silent == EXAMPLES


def breakable(text):
    return text.replace("\N{NO-BREAK SPACE}", " ")


def titles_of(slides):
    return [breakable(slide.shapes.title.text) for slide in slides]


def test_every_figure_has_a_slide_in_its_chapter_s_deck_and_in_the_book_s(figures):
    for chapter in {figure["chapter"] for figure in figures}:
        own = [breakable(figure["title"]) for figure in figures if figure["chapter"] == chapter]
        slides = Presentation(FIGURES / f"{chapter}.pptx").slides
        assert titles_of(slides) == own
    slides = Presentation(FIGURES / "all.pptx").slides
    assert titles_of(slides) == [breakable(figure["title"]) for figure in figures]


def test_what_is_said_of_a_figure_reads_well_outside_its_chapter(figures):
    """In decks and lists there is no TeX, no typewriter's sign, and nothing above or on a phone."""
    for figure in figures:
        for key in ("title", "caption", "alt"):
            text = figure[key]
            assert not re.search(r"[\^\\$]|\w_\w", text.replace("output_padding", "")), text
            assert not re.search(r"(?<![\w.])-\d|−0(?:\.0*)?(?![\d.])|\d%", text), text
            assert "  " not in text, text
        assert "'" not in figure["title"] + figure["alt"], figure["id"]


def test_titles_are_findings_not_topics(figures):
    """A sentence has more than three words; what is printed has no typewriter's apostrophe."""
    for figure in figures:
        assert len(figure["title"].split()) > 3, figure["title"]
        assert "'" not in figure["title"], figure["title"]  # ’ in print
