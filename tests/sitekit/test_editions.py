"""Editions: what is frozen is what was built, and what was cited stays."""

import hashlib
import json
import re
import shutil
import sys

import pytest
from published_figures import commit, git, make_published_book, publish, set_edition

from sitekit import editions
from sitekit.__main__ import main
from sitekit.project import BuildError, Project


@pytest.fixture
def book(tmp_path, monkeypatch) -> Project:
    for variable in (editions.FOLDER_VARIABLE, editions.REQUIRE_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    return make_published_book(tmp_path / "book-of-two")


def figures(root, edition: str):
    return root / "editions" / edition / "figures"


def contents(folder) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_a_frozen_edition_holds_what_was_built(book):
    frozen = editions.freeze(book)
    assert frozen == figures(book.root, "0.1.0")
    built = contents(book.site / "figures")
    assert built.items() <= contents(frozen).items()
    assert contents(frozen).keys() - built.keys() == {"figures.schema.json"}


def test_the_ledger_says_what_was_frozen_and_when(book):
    editions.freeze(book)
    (line,) = editions.ledger(book)
    assert line.name == "0.1.0"
    assert git(book.root, "rev-parse", "HEAD").startswith(line.commit)
    digest = hashlib.sha256((book.site / "figures/figures.json").read_bytes()).hexdigest()
    assert line.sha256 == digest
    first = (book.book / "editions.txt").read_text().splitlines()[0]
    assert first.startswith("#")


def test_a_frozen_address_keeps_its_content_while_the_figure_changes(book):
    editions.freeze(book)
    commit(book.root)
    assert editions.place(book, book.site) == ()
    before = contents(figures(book.site, "0.1.0"))
    assert "small-a.html" in before
    set_edition(book, "0.2.0")
    publish(book, "0.2.0", mark="2", title="Another finding")
    assert editions.place(book, book.site) == ()
    assert contents(figures(book.site, "0.1.0")) == before
    now, cited = book.site / "figures/small-a.svg", figures(book.site, "0.1.0") / "small-a.svg"
    assert now.read_bytes() != cited.read_bytes()
    assert "Another finding" not in (figures(book.site, "0.1.0") / "small-a.html").read_text()
    assert "Another finding" in (figures(book.site, "0.2.0") / "small-a.html").read_text()


def test_an_edition_being_written_has_addresses_too(book):
    assert editions.place(book, book.site) == ()
    coming = figures(book.site, "0.1.0")
    document = json.loads((coming / "figures.json").read_text())
    listed = {name for entry in document["figures"] for name in entry["files"]}
    assert {f"small-a{end}" for end in (".svg", "-narrow.svg", ".pdf", ".png", ".csv")} <= listed
    assert not any("slide" in name for name in listed)
    for name in listed:
        assert (coming / name).read_bytes() == (book.site / "figures" / name).read_bytes()
    assert "not yet released" in (coming / "small-a.html").read_text()
    assert (coming / "small-old.html").exists()


def test_what_a_former_build_placed_is_gone(book):
    editions.place(book, book.site)
    set_edition(book, "0.2.0")
    publish(book, "0.2.0")
    editions.place(book, book.site)
    assert [path.name for path in (book.site / "editions").iterdir()] == ["0.2.0"]


def test_a_renamed_figure_keeps_its_address_in_an_edition(book):
    editions.freeze(book)
    (book.book / "figure-ids.txt").write_text("small-new\nsmall-b\nsmall-a -> small-new\n")
    editions.place(book, book.site)
    page = (figures(book.site, "0.1.0") / "small-a.html").read_text()
    assert "http-equiv" not in page  # under its old name it was cited, and under it it stays


@pytest.mark.parametrize("name", ["small-a.svg", "small-b.csv", "small-b-slide-dark.png"])
def test_a_byte_that_changed_fails_the_build(book, name):
    path = editions.freeze(book) / name
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(BuildError, match=name):
        editions.place(book, book.site)


def test_a_list_that_changed_fails_the_build(book):
    path = editions.freeze(book) / "figures.json"
    path.write_text(path.read_text().replace("A line rises", "A line falls"))
    with pytest.raises(BuildError, match=r"figures\.json"):
        editions.place(book, book.site)


@pytest.mark.parametrize("name", ["figures.json", "small-a.pdf"])
def test_a_file_that_is_lost_fails_the_build(book, name):
    (editions.freeze(book) / name).unlink()
    with pytest.raises(BuildError, match=name):
        editions.place(book, book.site)


def test_an_edition_that_is_not_there_is_named(book, monkeypatch):
    editions.freeze(book)
    shutil.rmtree(book.root / "editions")
    assert editions.place(book, book.site) == ("0.1.0",)
    assert not figures(book.site, "0.1.0").exists()  # rather nothing than what was not cited
    monkeypatch.setenv(editions.REQUIRE_VARIABLE, "1")
    with pytest.raises(BuildError, match=r"0\.1\.0"):
        editions.place(book, book.site)


def test_the_folder_of_editions_can_be_elsewhere(book, tmp_path, monkeypatch):
    monkeypatch.setenv(editions.FOLDER_VARIABLE, str(tmp_path / "kept"))
    assert editions.freeze(book) == tmp_path / "kept/0.1.0/figures"
    assert not (book.root / "editions").exists()
    assert editions.place(book, book.site) == ()
    assert (figures(book.site, "0.1.0") / "small-a.svg").exists()


def refuses(book: Project, match: str) -> None:
    ledger = (book.book / "editions.txt").read_text()
    with pytest.raises(BuildError, match=match):
        editions.freeze(book)
    assert (book.book / "editions.txt").read_text() == ledger
    assert not list((book.root / "editions").glob("*"))


def test_an_edition_is_frozen_once(book):
    frozen = editions.freeze(book)
    before = contents(frozen)
    commit(book.root)
    publish(book, mark="2")
    with pytest.raises(BuildError, match=r"0\.1\.0"):
        editions.freeze(book)
    assert contents(frozen) == before


def test_a_folder_of_unknown_origin_is_not_replaced(book):
    figures(book.root, "0.1.0").mkdir(parents=True)
    with pytest.raises(BuildError, match=r"editions/0\.1\.0"):
        editions.freeze(book)


def test_there_must_be_a_built_site(book):
    shutil.rmtree(book.site)
    refuses(book, "make html")


def test_the_built_site_must_be_of_this_edition(book):
    set_edition(book, "0.2.0")
    refuses(book, r"0\.1\.0.*0\.2\.0")


@pytest.mark.parametrize("state", ["fcb52474f146+", "unknown"])
def test_figures_must_come_from_a_commit(book, state):
    facts = {"date": "2026-11-25", "device": "d", "python": "3", "torch": None, "seeds": None}
    publish(book, provenance={"commit": state, **facts})
    refuses(book, "small-a, small-b")


def test_the_checkout_must_be_committed(book):
    (book.book / "chapter.md").write_text("new")
    refuses(book, "not committed")


def test_files_must_be_as_they_are_listed(book):
    (book.site / "figures/small-b.png").write_bytes(b"other")
    refuses(book, r"small-b\.png")


def test_figures_must_keep_to_the_schema(book):
    publish(book, licence="MIT")
    refuses(book, "licence")


LINE = f"0.1.0 2026-11-25 fcb52474f146 {'0' * 64}"


@pytest.mark.parametrize(
    "text, line",
    [
        (f"{LINE}\n# x\n{LINE}\n", 3),
        (f"\n{LINE[:-1]}\n", 2),
        (LINE.replace("0.1.0", "../up"), 1),
        (LINE.replace(" 2026-11-25", ""), 1),
    ],
)
def test_a_fault_of_the_ledger_is_told_with_its_line(book, text, line):
    (book.book / "editions.txt").write_text(text)
    with pytest.raises(BuildError, match=rf"^book/editions\.txt:{line}: "):
        editions.ledger(book)


def test_an_edition_is_the_name_of_a_folder(book):
    set_edition(book, "../up")
    refuses(book, "CITATION.cff")


def test_the_command_freezes_and_then_refuses(book, monkeypatch, capsys):
    monkeypatch.chdir(book.root)
    monkeypatch.setattr(sys, "argv", ["sitekit", "edition"])
    assert main() == 0
    assert "editions/0.1.0/figures" in capsys.readouterr().out
    assert main() == 1
    assert "0.1.0" in capsys.readouterr().err


def test_citations_without_an_address_are_not_frozen(book):
    publish(
        book, citation={"text": "Somebody (2026). editions/0.1.0/figures/", "bibtex": "@misc{}"}
    )
    with pytest.raises(BuildError, match="address"):
        editions.freeze(book)
    assert not figures(book.root, "0.1.0").exists()


@pytest.mark.parametrize("version", ["1.10", "1", "2026"])
def test_a_version_that_yaml_takes_for_a_number_is_refused(book, version):
    """1.10 would become edition 1.1."""
    text = (book.root / "CITATION.cff").read_text()
    (book.root / "CITATION.cff").write_text(
        re.sub(r"(?m)^version: .*", f"version: {version}", text)
    )
    with pytest.raises(BuildError, match="quotation marks"):
        editions.current(book)


def test_a_figure_that_a_released_edition_lacks_is_refused(book):
    editions.freeze(book)
    commit(book.root)
    publish(book, title="Another finding")
    with pytest.raises(BuildError, match="small-a"):
        editions.place(book, book.site)
    set_edition(book, "0.2.0")
    publish(book, "0.2.0", title="Another finding")
    assert editions.place(book, book.site) == ()
