"""Explorers in a book: where they stand, what a page loads for them, and what is refused."""

import re
import shutil

import pytest
from small_book import ROOT, build, make_small_book, page

from sitekit.explorers import EXPLORERS
from sitekit.project import Project

PLACED = """
```{explorer} gradient
:title: Where it "goes"
:figure: small-line
:start: layer=max&input=1,2;3,4
Try [the average](?gradient.layer=average#explore-gradient).
```
"""


def place(book: Project, text: str, name: str = "small") -> None:
    """Put text at the end of a page."""
    path = book.book / f"{name}.md"
    path.write_text(path.read_text() + text)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A book that places an explorer in its chapter and on its front."""
    book = make_small_book(tmp_path_factory.mktemp("explorers"))
    place(book, PLACED)
    place(book, PLACED.replace("Where it", "Again where it").replace("layer=max", "layer=conv"),
          "index")  # fmt: skip
    done = build(book)
    assert done.returncode == 0, done.stderr
    return book


@pytest.fixture
def changed(built, tmp_path):
    """A copy of the built book, to be changed."""
    shutil.copytree(built.root, tmp_path / "small")
    return Project(tmp_path / "small")


def test_every_explorer_has_its_script_and_its_style_sheet():
    folder = ROOT / "book/assets/explorers"
    for name, element in EXPLORERS.items():
        assert f'"{element}"' in (folder / f"{name}.mjs").read_text()
        assert (folder / f"{name}.css").is_file()


def test_the_element_holds_its_start_and_the_figure_that_stands_in_for_it(built):
    frame = page(built, "small.html").find(id="explore-gradient")
    element = frame.find("gradient-explorer", id="explorer-gradient")
    assert element["data-start"] == "layer=max&input=1,2;3,4"
    assert element["aria-label"] == 'Where it "goes"'
    assert frame.select_one(".explorer-title").get_text().startswith("Where it")
    image = element.select_one(".explorer-static img")
    assert image["src"] == "figures/small-line.svg"
    assert image["alt"] == "A line rises to 4."
    # Without a script, the page has nothing that would need one.
    assert not element.find(["button", "input", "script"])
    assert (built.site / element["data-alone"]).is_file()


def test_a_link_in_the_prose_may_set_it(built):
    link = page(built, "small.html").find("a", string="the average")
    assert link["href"] == "?gradient.layer=average#explore-gradient"


def test_another_page_borrows_the_figure(built):
    element = page(built, "index.html").find("gradient-explorer")
    assert element["data-start"].startswith("layer=conv")
    assert element.select_one(".explorer-static img")["src"] == "figures/small-line.svg"


def loaded(book, name):
    """The explorers' scripts and style sheets of a page, without the digests behind them."""
    soup = page(book, name)
    found = [script["src"] for script in soup.find_all("script", src=True)]
    found += [sheet["href"] for sheet in soup.find_all("link", rel="stylesheet")]
    return {re.sub(r"\?.*", "", path) for path in found if "/explorers/" in path}


def test_a_page_loads_what_its_explorers_need_and_no_other_does(built):
    ours = {
        f"_static/explorers/{name}" for name in ("gradient.mjs", "gradient.css", "explorers.css")
    }
    assert loaded(built, "small.html") == loaded(built, "index.html") == ours
    assert loaded(built, "figures.html") == set()
    for path in ours:
        assert (built.site / path).is_file()
    (script,) = page(built, "small.html").find_all("script", src=re.compile("gradient"))
    assert script["type"] == "module"


def test_it_has_a_page_of_its_own_that_starts_as_in_the_first_page_of_the_book(built):
    soup = page(built, "explorers/gradient.html")
    element = soup.find("gradient-explorer", id="explorer-gradient")
    assert element["data-start"].startswith("layer=conv")  # the front is the first page
    assert soup.find("h1").get_text() == 'Again where it "goes"'
    assert element.select_one(".explorer-static img")["alt"] == "A line rises to 4."
    # It stands one folder down: all that it names must be there.
    named = [(tag, "src") for tag in soup.find_all(["script", "img"], src=True)]
    named += [(tag, "href") for tag in soup.find_all(["link", "a"], href=True)]
    named += [(tag, "srcset") for tag in soup.find_all("source")]
    local = [tag[key].partition("#")[0] for tag, key in named if not tag[key].startswith("data:")]
    assert len(local) >= 6
    for path in local:
        assert (built.site / "explorers" / path).is_file(), path
    assert soup.find("a", href="../index.html#explore-gradient")


def test_only_explorers_that_are_placed_get_a_page(built):
    assert [path.name for path in (built.site / "explorers").iterdir()] == ["gradient.html"]


FAULTS = {
    "unknown": (PLACED.replace("} gradient", "} gradients"), "gradients"),
    "no title": (re.sub(":title:.*\n", "", PLACED), "title"),
    "no figure": (re.sub(":figure:.*\n", "", PLACED), "figure"),
    "a figure that is not in the book": (
        PLACED.replace("small-line", "small-lines"),
        "small-lines",
    ),
    "a start that is no query": (PLACED.replace("layer=max&", "max&"), "max&"),
    "a link to an explorer that is elsewhere": (
        PLACED.replace("?gradient.layer", "?filter.layer").replace(
            "#explore-gradient", "#explore-filter"
        ),
        "filter.layer",
    ),
    "a link that sets another explorer than it leads to": (
        PLACED.replace("?gradient.layer", "?filter.layer"),
        "filter.layer",
    ),
    "twice": (PLACED + PLACED, "twice"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_fails_the_build_and_is_told_where_it_is(changed, fault):
    faulty, word = FAULTS[fault]
    text = (changed.book / "small.md").read_text()
    (changed.book / "small.md").write_text(text.replace(PLACED, faulty))
    done = build(changed)
    assert done.returncode == 1
    assert word in done.stderr
    assert "book/small.md" in done.stderr
