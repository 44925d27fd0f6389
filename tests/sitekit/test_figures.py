"""A small book's figures: their files, the line below them, the catalogue, the record."""

import hashlib
import json
import shutil
import subprocess
import sys

import yaml
from pptx import Presentation
from small_book import ROOT, build, edit, page

EDITION = yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"]
ENDINGS = {
    *(".svg", "-narrow.svg", ".pdf", ".png", ".csv", "-thumb.webp", "-thumb-dark.webp"),
    *(f"-slide{dark}.{kind}" for dark in ("", "-dark") for kind in ("svg", "pdf", "png")),
}


def entry(book):
    (found,) = json.loads((book.site / "figures/figures.json").read_text())["figures"]
    return found


def test_figures_stand_at_their_addresses(built_book):
    figure = entry(built_book)
    assert figure["id"] == "small-line"
    assert figure["former_ids"] == ["small-old"]
    assert figure["title"] == "Two doubled is four"
    assert figure["caption"] == "The caption says 4."
    assert figure["alt"] == "A line rises to 4."
    assert (figure["chapter"], figure["chapter_title"]) == ("small", "Small")
    assert figure["licence"] == "CC-BY-4.0"
    assert set(figure["files"]) == {f"small-line{ending}" for ending in ENDINGS}
    for name, facts in figure["files"].items():
        content = (built_book.site / "figures" / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == facts["sha256"]
        assert len(content) == facts["bytes"]
    assert {"date", "commit", "device", "python", "torch", "seeds"} == set(figure["provenance"])
    html, _, anchor = figure["page"].partition("#")
    assert page(built_book, html).find(id=anchor).name == "figure"
    assert page(built_book, figure["landing"]).find("h1").get_text() == "Two doubled is four"


def test_a_citation_leads_to_the_figure_in_its_edition(built_book):
    citation = entry(built_book)["citation"]
    address = f"editions/{EDITION}/figures/small-line.html"
    assert "Two doubled is four" in citation["text"]
    assert address in citation["text"]
    assert citation["bibtex"].startswith("@misc{small-line,")
    assert f"{{{address}}}" in citation["bibtex"]
    assert (built_book.site / address).is_file()


def test_a_figure_on_the_page_has_both_drawings_and_its_files(built_book):
    figure = page(built_book, "small.html").find("figure", id="small-line")
    image = figure.find("img")
    assert image["alt"] == "A line rises to 4."
    assert image["src"] == "figures/small-line.svg"
    assert int(image["width"]) > int(image["height"]) > 0
    assert figure.find("source")["srcset"] == "figures/small-line-narrow.svg"
    caption = figure.find("figcaption")
    assert "Two doubled is four. The caption says 4." in caption.get_text()
    line = figure.select_one(".figure-files")
    assert line.find_parent("figcaption") is None  # the line is no part of the figure's name
    files = {link["href"] for link in line.find_all("a", download=True)}
    slides = ("-slide.png", "-slide-dark.png")
    assert files == {
        f"figures/small-line{end}" for end in (".svg", ".pdf", ".png", ".csv", *slides)
    }
    assert page(built_book, "small.html").find("a", href="#small-line")  # {numref} leads there


def test_the_line_holds_the_citation_the_address_and_the_code(built_book):
    soup = page(built_book, "small.html")
    line = soup.select_one("#small-line .figure-files")
    cited = [element.get_text() for element in line.select("[data-copy]")]
    assert cited == list(entry(built_book)["citation"].values())
    links = {link.get_text(): link["href"] for link in line.find_all("a")}
    assert links["Link"] == entry(built_book)["landing"]
    code = soup.find(id=links["Code"].removeprefix("#"))
    assert entry(built_book)["code"] == f"small.html{links['Code']}"
    assert 'figure("small-line"' in code.get_text()
    assert code.find_parent("details")  # inside what is folded: a browser unfolds it


def test_an_id_that_was_given_up_keeps_its_addresses(built_book):
    figures = built_book.site / "figures"
    for ending in (".svg", ".pdf", ".png", ".csv"):
        old, new = (figures / f"small-{name}{ending}" for name in ("old", "line"))
        assert old.read_bytes() == new.read_bytes()
    refresh = page(built_book, "figures/small-old.html").find("meta", {"http-equiv": "refresh"})
    assert "small-line.html" in refresh["content"]
    assert page(built_book, "small.html").find(id="small-old").find_parent("figure")


def test_the_decks_have_a_slide_a_figure(built_book):
    for name in ("small", "all"):
        slides = Presentation(built_book.site / f"figures/{name}.pptx").slides
        assert [slide.shapes.title.text for slide in slides] == ["Two doubled is four"]


def test_the_catalogue_shows_every_figure_with_where_it_comes_from(built_book):
    soup = page(built_book, "figures.html")
    (card,) = soup.select(".figure-card")
    assert card.select_one(".figure-finding a")["href"] == "small.html#small-line"
    assert all(image["loading"] == "lazy" for image in card.find_all("img"))
    for image in card.find_all("img"):
        assert (built_book.site / image["src"]).stat().st_size < 20_000
    told = card.find("details").get_text()
    assert entry(built_book)["provenance"]["device"] in told
    assert entry(built_book)["provenance"]["date"][:10] in told
    decks = {link["href"] for link in soup.select(".figure-decks a")}
    assert decks == {"figures/all.pptx", "figures/small.pptx"}
    assert "small-line-slide.pdf" in soup.select_one(".highlight-latex").get_text()


def test_a_borrowed_figure_leads_to_its_chapter(built_book):
    place = page(built_book, "index.html").find(class_="borrowed-figure")
    assert place.find("img")["src"] == "figures/small-line.svg"
    assert place.find("img")["alt"] == "A line rises to 4."
    assert place.find("a")["href"] == "small.html#small-line"
    assert place.find("a").get_text() == "Two doubled is four"


def test_a_caption_with_a_formula_and_a_link_is_plain_in_the_list(copy):
    edit(
        copy,
        "book/small.md",
        "The caption says {glue:text}`four`.\n",
        "With $\\sigma^2 = 2$ and [a page](index.md).\n",
    )
    result = build(copy)
    assert result.returncode == 0, result.stderr
    assert entry(copy)["caption"] == "With σ² = 2 and a page."


def test_a_new_date_of_release_reaches_every_citation(copy):
    edit(copy, "CITATION.cff", "date-released: 2026-", "date-released: 2031-")
    result = build(copy)
    assert result.returncode == 0, result.stderr
    cited = page(copy, "small.html").select_one("#small-line [data-copy]").get_text()
    assert "(2031)" in cited
    assert cited == entry(copy)["citation"]["text"]


def accept(book):
    command = [sys.executable, "-m", "sitekit", "record"]
    return subprocess.run(command, cwd=book.root, check=False, capture_output=True, text=True)


def test_a_build_says_whether_it_gave_the_numbers_on_record(copy):
    def status():
        (card,) = page(copy, "figures.html").select(".figure-card")
        assert card["data-status"] == entry(copy)["reproduced"]["status"]
        return card["data-status"]

    assert status() == "new"
    assert accept(copy).returncode == 0
    edit(copy, "book/small.md", '"y": [1, double(2)]', '"y": [1.5, double(2)]')
    assert build(copy).returncode == 0
    assert status() == "beyond"
    assert "1.5" in entry(copy)["reproduced"]["detail"]
    assert entry(copy)["reproduced"]["against"] == entry(copy)["provenance"]["date"][:10]


def test_without_a_site_nothing_is_put_on_record(small_book):
    result = accept(small_book)
    assert result.returncode == 1
    assert "make html" in result.stderr
    assert not (small_book.root / "records").exists()


def test_the_figures_of_two_clean_builds_are_the_same_bytes(copy, built_book):
    """But for what is told of when they were made: in figures.json and the figures' own pages."""
    shutil.rmtree(copy.build)
    assert build(copy).returncode == 0
    for name in [*entry(built_book)["files"], "small.pptx", "all.pptx"]:
        first, second = (book.site / "figures" / name for book in (built_book, copy))
        assert first.read_bytes() == second.read_bytes(), name


def test_the_slides_carry_the_edition(copy):
    """A new edition draws them anew, and its citations lead to it."""
    before = entry(copy)["files"]
    edit(copy, "CITATION.cff", f"version: {EDITION}", "version: 98.7.6")
    result = build(copy)
    assert result.returncode == 0, result.stderr
    after = entry(copy)["files"]
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {name for name in after if "-slide" in name}
    assert "editions/98.7.6/" in entry(copy)["citation"]["text"]
