"""The figures' own pages: complete, escaped, of one host, and at their old addresses too."""

import re
from html.parser import HTMLParser

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from published_figures import entry, figure_files

from sitekit import figure_pages
from sitekit.slide_snippets import beamer, reveal

BOOK = "A Book"
NASTY = "<b> & \"x\" 'y' </title><script>alert(1)</script> \\ {% raw %} {{ 7*7 }} # $ % _ ~ ^ −"
SIZES = {"wide": (720, 307), "narrow": (480, 400)}


def soup_of(page: str) -> BeautifulSoup:
    return BeautifulSoup(page, "html.parser")


def page_of(state: figure_pages.State = "current", **facts: object) -> BeautifulSoup:
    record = entry("small-a", figure_files("small-a"), **facts)
    text = figure_pages.page(record, SIZES, edition="0.1.0", book=BOOK, state=state)
    return soup_of(text)


def links(page: BeautifulSoup) -> list[str]:
    return [link["href"] for link in page.find_all("a")]


def table(page: BeautifulSoup) -> dict[str, str]:
    return {row.th.text: row.td.text for row in page.find_all("tr")}


def test_a_page_shows_the_figure_and_what_one_needs_of_it():
    page = page_of()
    assert page.html["lang"] == "en"
    assert page.title.text.startswith("The finding of small-a")
    (heading,) = page.find_all("h1")
    assert heading.text == "The finding of small-a"
    for landmark in ("header", "main", "footer"):
        assert len(page.find_all(landmark)) == 1
    image = page.find("img")
    assert (image["src"], image["alt"]) == ("small-a.svg", "A line rises.")
    assert (image["width"], image["height"]) == ("720", "307")
    phone = page.find("source")
    assert (phone["srcset"], phone["width"], phone["height"]) == (
        "small-a-narrow.svg",
        "480",
        "400",
    )
    assert page.find("figcaption").text == "What is seen."
    assert "A line rises." in page.find(id="in-words").parent.text
    assert "@misc{small-a,\n}" in [block.text for block in page.find_all("pre")]
    assert "Somebody (2026). small-a." in page.find(class_="text").text
    assert not page.find("script")


def test_every_file_for_a_page_and_a_slide_can_be_downloaded():
    files = {name for name in figure_files("small-a") if "narrow" not in name}
    downloads = {link["href"] for link in page_of().find_all("a", download=True)}
    assert downloads == files


@given(st.integers(1, 10**8))
def test_sizes_are_rounded_up_to_whole_kilobytes(size):
    number, unit = figure_pages.kilobytes(size).split(" ")
    assert unit == "kB"
    assert size <= int(number.replace(",", "")) * 1000 < size + 1000


def test_links_lead_to_the_chapter_the_code_and_all_figures():
    expected = {"../small.html#small-a", "../small.html#code-small-a", "../figures.html"}
    assert expected <= set(links(page_of()))
    assert "../small.html#code-small-a" not in links(page_of(code=None))


@pytest.mark.parametrize("state", ["released", "unreleased"])
def test_in_an_edition_links_lead_up_to_the_current_site(state):
    page = page_of(state)
    banner = page.find(class_="banner")
    assert "0.1.0" in banner.text
    assert banner.a["href"] == "../../../figures/small-a.html"
    assert ("not yet released" in banner.text) == (state == "unreleased")
    assert "../../../small.html#small-a" in links(page)
    assert all(href.startswith("../../../") for href in links(page) if href.startswith(".."))
    assert page.find("img")["src"] == "small-a.svg"  # its own drawing, not the current one


def test_the_current_page_has_no_banner():
    assert not page_of().find(class_="banner")


def test_without_slides_there_is_no_snippet_of_them():
    files = {
        name: content for name, content in figure_files("small-a").items() if "slide" not in name
    }
    page = soup_of(
        figure_pages.page(entry("small-a", files), SIZES, edition="1", book=BOOK, state="current")
    )
    assert "-slide" not in page.text
    assert not any("-slide" in href for href in links(page))


def test_the_table_says_where_the_figure_comes_from():
    assert table(page_of()) == {
        "Computed on": "2026-11-25",
        "Device": "a processor",
        "Commit": "fcb52474f146",
        "Python": "3.11.7",
        "Seeds": "0–2, 7",
        "Edition": "0.1.0",
        "Reproduced": "Yes, the same numbers as the record of 2026-11-01",
    }


@pytest.mark.parametrize(
    "status, against, word",
    [("within", "0.0.9", "Yes"), ("beyond", "0.0.9", "No"), ("new", None, "Nothing")],
)
def test_it_says_whether_the_last_build_gave_the_figure_again(status, against, word):
    facts = {"status": status, "against": against, "detail": "loss moved"}
    text = table(page_of(reproduced=facts))["Reproduced"]
    assert text.startswith(word)
    assert text.endswith("loss moved")
    assert ("edition 0.0.9" in text) == (against is not None)
    assert "None" not in text


@given(st.sets(st.integers(0, 40), min_size=1))
def test_ranges_of_seeds_name_the_seeds(numbers):
    read = set()
    for piece in figure_pages.ranges(list(numbers)).split(", "):
        first, _, last = piece.partition("–")
        read |= set(range(int(first), int(last or first) + 1))
    assert read == numbers


def test_texts_are_escaped():
    page = page_of(
        title=NASTY, alt=NASTY, caption=NASTY, chapter_title=NASTY,
        citation={"text": NASTY, "bibtex": f"@misc{{{NASTY}}}"},
    )  # fmt: skip
    assert not page.find("script")
    assert not page.find("b")
    assert page.h1.text == page.find("img")["alt"] == page.find("figcaption").text == NASTY
    assert NASTY in page.title.text
    assert page.find("meta", attrs={"name": "description"})["content"] == NASTY
    assert f"@misc{{{NASTY}}}" in [block.text for block in page.find_all("pre")]


class Requests(HTMLParser):
    """Addresses that a browser would fetch with the page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag, attributes):
        if tag != "a":
            wanted = {"src", "srcset", "href", "data", "poster"}
            self.found += [value for name, value in attributes if name in wanted]


@pytest.mark.parametrize("state", ["current", "released", "unreleased"])
def test_nothing_is_asked_of_another_host(state):
    text = str(page_of(state))
    requests = Requests()
    requests.feed(text)
    assert requests.found
    for address in requests.found:
        assert address.startswith("data:") or not re.match(r"(\w+:)?//|http", address)
    assert "url(" not in text
    assert "@import" not in text


def test_both_themes_follow_the_reader():
    style = page_of().style.text
    assert "prefers-color-scheme:dark" in style
    assert "color-scheme: light dark" in style


def test_a_snippet_of_beamer_is_balanced_and_escaped():
    text = beamer(entry("small-a", {}, title="A\nfinding", alt=NASTY + "\n\nmore"))
    comments, code = [], []
    for line in text.splitlines():
        (comments if line.startswith("%") else code).append(line)
    assert "% A finding" in comments
    plain = [line.replace("$-$", "") for line in code]  # a minus sign
    assert not any(re.search(r"(?<!\\)[%#$&~^]", line) for line in plain)
    bare = re.sub(r"\\[{}]", "", "\n".join(code))
    assert bare.count("{") == bare.count("}")
    assert r"\begin{frame}[plain]" in code
    assert "{small-a-slide.pdf}" in bare
    assert "" not in code  # a blank line would end a paragraph inside the options


def test_a_snippet_of_reveal_says_what_the_slide_shows():
    record = entry("small-a", {}, alt=NASTY, citation={"text": NASTY, "bibtex": "@misc{a}"})
    section = soup_of(reveal(record)).section
    assert section["data-background-image"] == "small-a-slide.svg"
    assert section["aria-label"] == section.aside.text == NASTY
    assert not section.find("script")


@pytest.fixture
def folder(tmp_path):
    for name, content in figure_files("small-a").items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def write(folder, renamed, *names: str) -> None:
    entries = [entry(name, figure_files(name)) for name in names]
    figure_pages.write(folder, entries, renamed, edition="0.1.0", book=BOOK)


def test_drawings_keep_their_place_before_they_load(folder):
    write(folder, {}, "small-a")
    image = soup_of((folder / "small-a.html").read_text()).find("img")
    assert (image["width"], image["height"]) == ("720", "307")  # 540 × 230.4 points


def test_a_renamed_figure_keeps_both_addresses(folder):
    write(folder, {"small-old": "small-a"}, "small-a")
    old = soup_of((folder / "small-old.html").read_text())
    assert old.find("meta", attrs={"http-equiv": "refresh"})["content"] == "0; url=small-a.html"
    assert links(old) == ["small-a.html"]
    for name in figure_files("small-a"):
        copy = folder / name.replace("small-a", "small-old")
        assert copy.read_bytes() == (folder / name).read_bytes()


def test_a_renaming_of_another_time_is_left_alone(folder):
    write(folder, {"small-a": "small-later", "small-x": "small-y"}, "small-a")
    assert not soup_of((folder / "small-a.html").read_text()).find(attrs={"http-equiv": "refresh"})
    assert not list(folder.glob("small-[xy]*"))
