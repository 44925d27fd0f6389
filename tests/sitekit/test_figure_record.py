"""The record of the numbers behind the figures: kept, and held against what a build computed."""

import json

import pytest
from published_figures import make_published_book, publish

from sitekit import figure_record
from sitekit.project import BuildError


@pytest.fixture
def book(tmp_path):
    made = make_published_book(tmp_path / "book-of-two")
    write_numbers(made, "small-a", "y,seed\n0.5,0\n0.7,1\n0.6,2\n")
    write_numbers(made, "small-b", "y\n1\n")
    return made


def write_numbers(book, name, text):
    (book.site / f"figures/{name}.csv").write_text(text)


def listed(path):
    return json.loads(path.read_text())


def change(book, **facts):
    """Change the entries of the built figures."""
    path = book.site / "figures/figures.json"
    document = listed(path)
    for figure in document["figures"]:
        figure.update(facts)
    path.write_text(json.dumps(document))


def statuses(book):
    found = figure_record.reproduced(book, book.site / "figures/figures.json")
    return {name: told["status"] for name, told in found.items()}


def test_without_a_record_all_is_new(book):
    assert statuses(book) == {"small-a": "new", "small-b": "new"}


def test_what_is_put_on_record_is_given_again(book):
    change(book, interval=None)
    folder = figure_record.keep(book)
    assert {path.name for path in folder.iterdir()} == {
        "figures.json",
        "small-a.csv",
        "small-b.csv",
    }
    assert statuses(book) == {"small-a": "identical", "small-b": "identical"}


def test_another_draw_is_within_and_a_planted_change_is_not(book):
    change(book, interval=None)
    figure_record.keep(book)
    path = book.site / "figures/figures.json"
    document = listed(path)
    document["figures"][0]["interval"] = {"y": {"draws": "seed"}}
    path.write_text(json.dumps(document))
    write_numbers(book, "small-a", "y,seed\n0.52,7\n0.69,8\n0.62,9\n")
    write_numbers(book, "small-b", "y\n2\n")
    assert statuses(book) == {"small-a": "within", "small-b": "beyond"}
    found = figure_record.reproduced(book, path)
    assert found["small-b"]["against"] == "2026-11-25"
    assert "1 → 2" in found["small-b"]["detail"]


def rename_on_record(book, old, new):
    folder = book.root / figure_record.FOLDER
    (folder / f"{old}.csv").rename(folder / f"{new}.csv")
    text = (folder / "figures.json").read_text().replace(old, new)
    (folder / "figures.json").write_text(text)


def test_a_figure_on_record_cannot_be_dropped(book):
    change(book, interval=None)
    figure_record.keep(book)
    rename_on_record(book, "small-b", "small-lost")
    with pytest.raises(BuildError, match="small-lost"):
        statuses(book)


def test_a_renamed_figure_is_held_against_what_it_was(book):
    change(book, interval=None)
    figure_record.keep(book)
    rename_on_record(book, "small-b", "small-former")
    path = book.site / "figures/figures.json"
    document = listed(path)
    document["figures"][1]["former_ids"] = ["small-former"]
    path.write_text(json.dumps(document))
    assert statuses(book) == {"small-a": "identical", "small-b": "identical"}
    found = figure_record.reproduced(book, path)
    assert found["small-b"]["against"] == "2026-11-25"


def test_a_record_that_is_none_is_a_fault_of_the_book(book):
    change(book, interval=None)
    figure_record.keep(book)
    (book.root / figure_record.FOLDER / "figures.json").write_text('{"figures": [{}]}')
    with pytest.raises(BuildError):
        statuses(book)


def test_without_a_site_nothing_is_kept(book):
    (book.site / "figures/figures.json").unlink()
    with pytest.raises(BuildError, match="make html"):
        figure_record.keep(book)
    publish(book)
