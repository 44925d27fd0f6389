"""The build of a small book, whole; and each fault that must fail it, with the last site intact."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest
from small_book import build, edit, page


def contents(site: Path) -> dict[str, str]:
    return {
        path.relative_to(site).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in site.rglob("*")
        if path.is_file()
    }


def test_progress_is_one_line_a_chapter(built_book):
    lines = [line.split() for line in build(built_book).stdout.splitlines()]
    (line,) = [line for line in lines if line[0] == "small"]
    assert float(line[1]) >= 0
    assert line[2:] == ["s", "from", "cache"]


def test_answers_stand_in_one_file(built_book):
    answers = json.loads((built_book.site / "answers.json").read_text())
    assert answers == {
        "0.four": {
            "value": 4,
            "source": "computed",
            "chapter": "small",
            "anchor": "small-section",
        }
    }
    assert page(built_book, "small.html").find(id="small-section")


def test_a_negative_number_has_a_minus_sign(built_book):
    assert "its negative −4," in page(built_book, "small.html").get_text()


def test_a_percent_sign_stays_with_its_number_and_code_as_it_is(built_book):
    assert "4\N{NO-BREAK SPACE}% with 7 % 4." in page(built_book, "small.html").get_text()


def test_no_line_breaks_between_a_formula_and_a_comma(built_book):
    formula = page(built_book, "small.html").find(class_="katex")
    # A line may break between the unbreakable parts of a formula, and after the last one.
    *_, last = formula.find(class_="katex-html").find_all(class_="base")
    assert last.get_text().replace("\N{NO-BREAK SPACE}", " ") == "b,"
    assert formula.parent.next_sibling == " too."


def test_a_table_written_by_a_cell_is_a_table(built_book):
    table = page(built_book, "small.html").find("table")
    assert [cell.get_text(strip=True) for cell in table.find_all(["th", "td"])] == list("ab12")


def test_pages_say_what_they_take_and_where_they_come_from(built_book):
    soup = page(built_book, "small.html")
    facts = soup.find("p", class_="chapter-facts").get_text()
    assert "1 minute to read" in facts
    assert "to run" in facts
    assert "GPU" in facts
    foot = soup.find("p", class_="provenance").get_text()
    assert soup.find("time")["datetime"]
    assert "Python" in foot
    assert "commit" in foot
    assert "commit unknown" in page(built_book, "index.html").find(class_="provenance").get_text()


def test_a_page_that_computes_nothing_names_the_commit(copy):
    def git(*arguments):
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        command = ["git", *identity, *arguments]
        subprocess.run(command, cwd=copy.root, check=True, capture_output=True)

    git("init")
    for message in ("first", "second"):
        git("commit", "--allow-empty", "--message", message)
        assert build(copy).returncode == 0
        head = ["git", "log", "-1", "--format=%h %cs", "--abbrev=12"]
        made = subprocess.run(head, cwd=copy.root, check=True, capture_output=True, text=True)
        name, day = made.stdout.split()
        foot = page(copy, "index.html").find(class_="provenance")
        assert foot.find("code").get_text() == f"{name}+"  # nothing is committed
        assert foot.find("time")["datetime"] == day


def test_every_image_has_alt_even_the_themes_own(built_book):
    for path in built_book.site.glob("*.html"):
        assert all(image.has_attr("alt") for image in page(built_book, path.name).find_all("img"))


# What is replaced by what, in which file; a part of the faulty line, which the message must name
# (or "": the fault is that something is absent); and a word that the message must contain.
FAULTS = {
    "an image without alt text": (
        "book/small.md", "Some prose", "![](assets/dot.png)\n\nSome prose", "![]", "alt"),
    "an image without alt text, in HTML": (
        "book/index.md", "See", '<img src="x.png">\n\nSee', "<img", "x.png"),
    "an image without alt text, in HTML inside a sentence": (
        "book/index.md", "See", 'See <img src="x.png"> and', "<img", "x.png"),
    "an unresolved reference": (
        "book/small.md", "{numref}`small-line`", "{numref}`small-lime`",
        "small-lime", "small-lime"),
    "a link to a page that is not there": (
        "book/index.md", "small.md", "big.md", "big.md", "big.md"),
    "an unknown directive": (
        "book/small.md", "Some prose", "```{nonsense}\n```\n\nSome prose",
        "{nonsense}", "nonsense"),
    "an unknown glued name": (
        "book/small.md", "{glue:text}`four`.\n\n(", "{glue:text}`five`.\n\n(", "`five`", "five"),
    "an unknown citation": (
        "book/small.md", "Some prose", "Some {cite:t}`nobody` prose", "nobody", "nobody"),
    "mathematics that is none": (
        "book/small.md", "Some prose", "Some $\\frac{1$ prose", "frac", "KaTeX"),
    "displayed mathematics that is none": (
        "book/small.md", "Some prose", "$$\n\\nonsense\n$$\n\nSome prose", "$$", "nonsense"),
    "an answer given twice": (
        "book/small.md", 'answer("0.four", double(2))', 'answer("0.four", 4); answer("0.four", 4)',
        "from smallpkg", "0.four"),
    "an unknown answer": (
        "book/small.md", 'answer("0.four", double(2))', 'answer("0.five", 5)', "from smallpkg",
        "0.five"),
    "a missing answer": (
        "book/questions.toml", '"0.four"', '"0.four", "0.six"', "", "0.six"),
    "an answer of another chapter": (
        "book/questions.toml", "[small]", "[big]", "", "0.four"),
    "an answer that is not a number": (
        "book/small.md", 'answer("0.four", double(2))', 'answer("0.four", float("nan"))',
        "nan", "0.four"),
    "a figure whose claim is not asserted": (
        "book/small.md", "assert double(2) == 4", "assert True", 'figure("small-line"', "claim"),
    "a figure whose claim is false": (
        "book/small.md", "assert double(2) == 4", "assert double(2) == 5", "assert", "Assert"),
    "a figure without alt text": (
        "book/small.md", 'alt="A line rises to 4."', 'alt=" "', 'figure("small-line"', "alt"),
    "a figure that is published and not shown": (
        "book/small.md", "```{computed-figure} small-line\n", "```{note}\n", "def draw(fig)",
        "small-line"),
    "a figure that is shown and not published": (
        "book/small.md", 'figure("small-line"', 'figure("small-lime"', "{computed-figure}",
        "small-line"),
    "a figure whose caption names an equation by its number": (
        "book/small.md", "The caption says {glue:text}`four`.", "The caption says {eq}`four`.",
        "{computed-figure}", "four"),
    "a figure without a caption": (
        "book/small.md", "The caption says {glue:text}`four`.\n", "",
        "{computed-figure}", "caption"),
    "a figure with another chapter's name": (
        "book/small.md", "small-line", "index-line", "{computed-figure}", "index-line"),
    "a lost figure": (
        "book/figure-ids.txt", "small-line", "small-line\nsmall-lost", "", "small-lost"),
    "a figure that is not registered": (
        "book/figure-ids.txt", "small-line\nsmall-old -> small-line", "", "", "small-line"),
    "a figure renamed to one that is not there": (
        "book/figure-ids.txt", "small-old -> small-line", "small-old -> small-lime", "small-old",
        "small-lime"),
    "a figure shown under the name that it gave up": (
        "book/figure-ids.txt", "small-line\nsmall-old -> small-line",
        "small-x\nsmall-line -> small-x", "", "small-line"),
    "cards of a chapter without figures": (
        "book/figures.md", "{figure-cards} small", "{figure-cards} index", "{figure-cards}",
        "index"),
    "a snippet of a figure that is not there": (
        "book/figures.md", "beamer small-line", "beamer small-lime", "{figure-snippet}",
        "small-lime"),
    "an interval for a column that is not there": (
        "book/small.md", 'title="Two doubled', 'interval={"z": 2.0}, title="Two doubled',
        'figure("small-line"', "'z'"),
    "a borrowed figure that no chapter shows": (
        "book/index.md", "small-line", "small-lime", "{borrowed-figure}", "small-lime"),
    "a chapter without code": (
        "book/index.md", "# Front", "---\nchapter: {gpu: 'no', read_minutes: 1}\n---\n# Front",
        "---", "executed"),
    "a chapter that does not say what it takes": (
        "book/small.md", "read_minutes: 1", "read_minutes: long", "---", "read_minutes"),
    "a chapter that asks for a number of cores": (
        "book/small.md", "read_minutes: 1", "read_minutes: 1, cores: 2", "---", "cores"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_fails_the_build_and_leaves_the_last_good_site(copy, fault):
    name, old, new, faulty, says = FAULTS[fault]
    (copy.book / "assets/dot.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    before = contents(copy.site)
    edit(copy, name, old, new)
    result = build(copy)
    assert result.returncode == 1, result.stdout + result.stderr
    assert says in result.stderr
    assert "sitekit/build.py" not in result.stderr  # no traceback of our own
    assert contents(copy.site) == before
    if faulty:
        lines = (copy.root / name).read_text().splitlines()
        line = next(number for number, text in enumerate(lines, 1) if faulty in text)
        assert f"{name}:{line}:" in result.stderr


def test_a_fault_is_not_forgotten_by_the_next_build(copy):
    edit(copy, "book/index.md", "small.md", "big.md")
    first, second = build(copy), build(copy)
    assert first.returncode == second.returncode == 1
    assert "big.md" in second.stderr
    edit(copy, "book/index.md", "big.md", "small.md")
    assert build(copy).returncode == 0


def test_a_changed_module_reaches_the_page(copy):
    assert build(copy).returncode == 0
    edit(copy, "src/smallpkg/used.py", "2 * x", "2 * x + 0.0")
    result = build(copy)
    assert result.returncode == 0, result.stderr
    assert "about 4.0." in page(copy, "small.html").get_text()
    assert json.loads((copy.site / "answers.json").read_text())["0.four"]["value"] == 4.0


def test_two_pages_may_cite_the_same_and_each_leads_to_its_own_list(copy):
    entry = "@book{a_1999, author={Ada Author}, title={Title}, publisher={Press}, year={1999}}"
    (copy.root / "book/references.bib").write_text(entry)
    cited = "\n{cite:t}`a_1999`\n\n```{bibliography}\n:filter: docname in docnames\n```\n"
    for name in ("index", "small"):
        with (copy.root / f"book/{name}.md").open("a") as chapter:
            chapter.write(cited)
    result = build(copy)
    assert result.returncode == 0, result.stderr
    for name in ("index", "small"):
        found = page(copy, f"{name}.html")
        (entry,) = found.select("div.citation")
        links = found.select(f'a[href="#{entry["id"]}"]')
        assert any("1999" in link.get_text() for link in links)


def test_a_gpu_that_is_required_and_missing_fails_the_build(copy, monkeypatch):
    monkeypatch.setenv("CONVBOOK_REQUIRE_GPU", "1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    before = contents(copy.site)
    result = build(copy)
    assert result.returncode == 1
    assert "GPU" in result.stderr
    assert contents(copy.site) == before
