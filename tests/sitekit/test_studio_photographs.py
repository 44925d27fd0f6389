"""The photographs that the build writes for the filter studio."""

import json

import numpy as np
import pytest
from PIL import Image
from small_book import build, edit

from convbook.photographs import PHOTOGRAPHS, grey
from sitekit.studio_photographs import NAMES, write_photographs

PLACED = """
```{explorer} filter
:title: Filters
:figure: small-line
What to try.
```

## A section
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "photographs"
    write_photographs(folder)
    return folder


@pytest.fixture(scope="module")
def index(folder):
    script = (folder / "index.mjs").read_text()
    return json.loads(script.partition("photographs = ")[2].rstrip(";\n"))


@pytest.mark.parametrize("name", NAMES)
def test_a_photograph_is_small_and_looks_as_the_original(folder, index, name):
    assert (folder / f"{name}.webp").stat().st_size <= 25_000
    with Image.open(folder / f"{name}.webp") as file:
        assert file.size == (index[name]["width"], index[name]["height"])
        assert max(file.size) <= 360
        shown = np.asarray(file.convert("L")) / 255
    # Means of 8 × 8 large pieces hardly depend on how it was made smaller, nor on the compression.
    small, large = (means(picture) for picture in (shown, grey(name)))
    np.testing.assert_allclose(small, large, atol=0.02)


def means(picture):
    rows = np.array_split(np.arange(picture.shape[0]), 8)
    columns = np.array_split(np.arange(picture.shape[1]), 8)
    return [[picture[np.ix_(r, c)].mean() for c in columns] for r in rows]


def test_each_is_credited(index):
    assert list(index) == list(NAMES)
    for name, entry in index.items():
        facts = PHOTOGRAPHS[name]
        for fact in (facts.title, facts.author, facts.licence):
            assert fact in entry["credit"]


def test_writing_again_changes_no_file(folder):
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    write_photographs(folder)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_a_site_has_them_once_the_studio_is_placed(small_book):
    photographs = small_book.site / "_static/explorers/photographs"
    assert build(small_book).returncode == 0
    assert not photographs.exists()
    edit(small_book, "book/small.md", "\n## A section\n", PLACED)
    done = build(small_book)
    assert done.returncode == 0, done.stdout + done.stderr
    written = {path.name for path in photographs.iterdir()}
    assert written == {"index.mjs", *(f"{name}.webp" for name in NAMES)}
