"""Data that a cell publishes lies in the site as it was computed, and is kept with the run."""

import json

import pytest
from small_book import build, edit, page

from sitekit import execution
from sitekit.project import BuildError

CELL = """
```{code-cell} ipython3
from convbook.publish import data_file

data_file("small-table", {"doubled": [double(n) for n in range(4)], "unit": "µm"})
```
"""
FILE = "data/small-table.json"


@pytest.fixture
def with_data(copy):
    edit(copy, "book/small.md", "So $a = b$, too.", f"So $a = b$, too.\n{CELL}")
    return copy


def test_the_file_is_in_the_site_and_its_cell_shows_nothing(with_data):
    result = build(with_data)
    assert result.returncode == 0, result.stderr
    written = json.loads((with_data.site / FILE).read_text(encoding="utf-8"))
    assert written == {"doubled": [0, 2, 4, 6], "unit": "µm"}
    assert "small-table.json" not in page(with_data, "small.html").get_text()


def test_it_follows_the_code_and_goes_with_it(with_data):
    assert build(with_data).returncode == 0
    before = (with_data.site / FILE).read_bytes()
    edit(with_data, "book/small.md", "Some prose", "Other prose")
    assert build(with_data).returncode == 0
    assert (with_data.site / FILE).read_bytes() == before
    edit(with_data, "src/smallpkg/used.py", "2 * x", "2 * x + 0.0")
    assert build(with_data).returncode == 0
    assert json.loads((with_data.site / FILE).read_text())["doubled"] == [0.0, 2.0, 4.0, 6.0]
    assert (with_data.site / FILE).read_bytes() != before
    edit(with_data, "book/small.md", CELL, "")
    assert build(with_data).returncode == 0
    assert not (with_data.site / FILE).exists()


def test_one_name_in_two_chapters_fails_the_build(with_data):
    front = "---\nfile_format: mystnb\nkernelspec: {name: python3, display_name: Python 3}\n---\n"
    again = CELL.replace("[double(n) for n in range(4)]", "[]")
    (with_data.book / "other.md").write_text(f"{front}# Other\n{again}")
    edit(with_data, "_toc.yml", "  - file: small\n", "  - file: small\n  - file: other\n")
    result = build(with_data)
    assert result.returncode == 1
    assert "'small-table'" in result.stderr
    assert "book/small.md" in result.stderr
    assert "book/other.md" in result.stderr


def test_one_name_twice_in_a_chapter_fails_before_sphinx(with_data):
    edit(with_data, "book/small.md", CELL, CELL + CELL)
    with pytest.raises(BuildError, match="small-table"):
        execution.execute_book(with_data, with_data.pages(), report=lambda _line: None)
