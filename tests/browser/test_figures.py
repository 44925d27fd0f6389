"""Figures in a reader's browser: files, citation, code; the catalogue, searched and filtered."""

import json
import re

import pytest
from built_site import SITE

pytestmark = [pytest.mark.browser, pytest.mark.site]

NAME = "filters-cats-eye"


def figures():
    return json.loads((SITE / "figures/figures.json").read_text())["figures"]


def line(page):
    return page.locator(f"#{NAME} .figure-files")


@pytest.mark.parametrize("width", [1280, 360])
def test_files_and_citation_are_there_without_javascript(visit, width):
    page = visit("filters.html", width=width, java_script_enabled=False).page
    for label in ("SVG", "PDF", "PNG", "CSV", "Slide", "Dark slide"):
        link = line(page).get_by_role("link", name=label, exact=True)
        assert (SITE / link.get_attribute("href")).is_file()
        box = link.bounding_box()
        assert min(box["width"], box["height"]) >= 24  # WCAG 2.2, 2.5.8
    cited = line(page).locator("[data-copy]")
    assert not cited.first.is_visible()
    line(page).locator("summary").focus()
    page.keyboard.press("Enter")
    assert "edition" in cited.first.text_content()
    assert cited.first.is_visible()
    assert line(page).locator("button").count() == 0  # they would do nothing


def test_every_part_of_the_line_is_reached_by_keyboard(visit):
    page = visit("filters.html").page
    line(page).locator("a").first.focus()
    reached = []
    for _ in range(8):
        reached.append(page.evaluate("document.activeElement.textContent"))
        page.keyboard.press("Tab")
    reached.append(page.evaluate("document.activeElement.textContent"))
    assert reached == ["SVG", "PDF", "PNG", "CSV", "Slide", "Dark slide", "Code", "Link", "Cite"]


@pytest.mark.parametrize("kind", ["text", "BibTeX"])
def test_a_citation_is_copied_by_keyboard(visit, kind):
    page = visit("filters.html", permissions=["clipboard-read", "clipboard-write"]).page
    line(page).locator("summary").focus()
    page.keyboard.press("Enter")
    button = line(page).get_by_role("button", name=f"Copy {kind}")
    button.focus()
    page.keyboard.press("Enter")
    line(page).get_by_role("button", name="Copied").wait_for()
    (entry,) = (figure for figure in figures() if figure["id"] == NAME)
    assert page.evaluate("navigator.clipboard.readText()") == entry["citation"][kind.lower()]


def test_where_nothing_can_be_copied_the_text_is_selected(visit):
    page = visit("filters.html").page
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    line(page).locator("summary").click()
    line(page).get_by_role("button", name="Copy text").click()
    (entry,) = (figure for figure in figures() if figure["id"] == NAME)
    assert page.evaluate("String(getSelection())") == entry["citation"]["text"]


def test_the_code_unfolds_when_one_goes_to_it(visit):
    page = visit("filters.html").page
    code = page.locator(f"#code-{NAME}")
    assert not code.is_visible()
    line(page).get_by_role("link", name="Code").click()
    code.wait_for(state="visible")
    assert NAME in code.text_content()


def shown(page):
    return page.locator(".figure-card:visible")


def test_the_catalogue_shows_all_figures_without_javascript(visit):
    page = visit("figures.html", java_script_enabled=False).page
    assert shown(page).count() == len(figures())
    assert not page.locator("form.figure-search").is_visible()


def test_the_catalogue_is_searched_by_words(visit):
    page = visit("figures.html").page
    assert shown(page).count() == len(figures())
    page.get_by_label("Search", exact=True).last.fill("cat eye")
    expected = {
        figure["id"]
        for figure in figures()
        if all(
            word in " ".join(figure[key] for key in ("id", "title", "caption", "alt")).lower()
            for word in ("cat", "eye")
        )
    }
    assert NAME in expected
    found = {re.sub(r"\s.*", "", text.strip()) for text in
             shown(page).locator(".figure-id code").all_text_contents()}  # fmt: skip
    assert found == expected
    assert f"{len(expected)} of {len(figures())}" in page.locator("form output").text_content()


def test_the_catalogue_is_filtered_by_chapter(visit):
    page = visit("figures.html").page
    page.get_by_label("Chapter").select_option("Gradients")
    own = [figure for figure in figures() if figure["chapter"] == "gradients"]
    assert shown(page).count() == len(own)
    assert page.locator("h2:visible", has_text="Filters").count() == 0


def test_the_catalogue_is_filtered_by_what_became_of_the_numbers(visit):
    page = visit("figures.html").page
    for status in ("identical", "within", "beyond", "new"):
        page.get_by_label("Last build").select_option(status)
        expected = [figure for figure in figures() if figure["reproduced"]["status"] == status]
        assert shown(page).count() == len(expected)


def test_a_link_can_ask_the_catalogue(visit):
    page = visit("figures.html?words=no-such-word").page
    assert shown(page).count() == 0


def test_the_catalogue_loads_the_small_pictures_that_are_seen(visit):
    """Not all of them, and of each figure one: what is far below waits."""
    asked = []
    page = visit("index.html").page
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page.url.replace("index.html", "figures.html"))
    page.wait_for_load_state("networkidle")
    pictures = [url for url in asked if url.endswith(".webp")]
    assert len(pictures) < len(figures()) / 2
    assert not [url for url in pictures if "-thumb-dark" in url]
