"""Small tables, in a terminal and in a page."""

import pytest
from bs4 import BeautifulSoup

from convbook.tables import Table


def test_a_terminal_sees_names_to_the_left_and_numbers_to_the_right():
    table = Table({"name": ["a", "long one"], "MB": ["1", "22.5"]})
    assert repr(table).splitlines() == ["name        MB", "a            1", "long one  22.5"]


def test_a_page_sees_headings_rows_and_no_markup_of_the_reader():
    html = Table({"name": ["<b>"], "share": ["0.5"]})._repr_html_()
    page = BeautifulSoup(html, "html.parser")
    assert [cell.text for cell in page.select("thead th[scope=col]")] == ["name", "share"]
    assert [cell.text for cell in page.select("tbody th[scope=row]")] == ["<b>"]
    assert [cell.text for cell in page.select("tbody td")] == ["0.5"]


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="lengths"):
        Table({"name": ["a"], "MB": []})
