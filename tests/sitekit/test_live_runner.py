"""A session of live cells, in this Python: what it prints, shows and says of errors."""

import ast
import operator
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convbook.exercises import check
from sitekit.live_files import RUNNER
from sitekit.live_runner import Session


class Page:
    """A session, and the pieces that it has handed on."""

    def __init__(self):
        self.pieces = []
        self.session = Session(lambda kind, text: self.pieces.append((kind, text)))

    def run(self, source, number=1):
        self.pieces.clear()
        return self.session.run(source, f"live cell {number}")

    def of(self, kind):
        return "".join(text for found, text in self.pieces if found == kind)


@pytest.fixture
def page():
    return Page()


numbers = st.integers(-50, 50)
OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul}
operations = st.sampled_from(sorted(OPERATORS))


@given(st.lists(st.tuples(numbers, operations, numbers), min_size=1, max_size=6), st.booleans())
def test_the_value_of_the_last_line_is_shown_and_no_other(steps, ends_in_statement):
    page = Page()
    lines = [f"({a}) {sign} ({b})" for a, sign, b in steps]
    if ends_in_statement:
        lines.append("x = 1")
    assert page.run("\n".join(lines))
    a, sign, b = steps[-1]
    shown = [] if ends_in_statement else [("text", repr(OPERATORS[sign](a, b)))]
    assert page.pieces == shown


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=5))
def test_what_is_printed_comes_in_order_stream_by_stream(texts):
    page = Page()
    source = "import sys\n" + "\n".join(
        f"print({text!r}, file=sys.std{'err' if i % 2 else 'out'})" for i, text in enumerate(texts)
    )
    assert page.run(source)
    assert page.of("stdout") == "".join(f"{text}\n" for text in texts[::2])
    assert page.of("stderr") == "".join(f"{text}\n" for text in texts[1::2])


def test_names_live_on_from_cell_to_cell(page):
    assert page.run("import numpy as np\nx = np.arange(4)")
    assert page.run("x.sum()", 2)
    assert page.of("text") == repr(np.arange(4).sum())


def test_none_is_not_shown(page):
    assert page.run("None")
    assert page.pieces == []


def test_a_verdict_draws_itself_as_on_the_page(page):
    wrong = [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
    source = f"from convbook.exercises import check\ncheck('filters-sharpen', {wrong})"
    assert page.run(source)
    assert page.pieces == [("html", check("filters-sharpen", wrong)._repr_html_())]


@pytest.mark.parametrize("module", ["__main__", "convbook.mine", "convbook.tables"])
def test_an_object_of_the_readers_own_is_shown_as_text(page, module):
    source = f"""
class Sly:
    __module__ = {module!r}
    def __repr__(self):
        return "a text"
    def _repr_html_(self):
        return "<b>no</b>"
Sly()"""
    assert page.run(source)
    assert page.pieces == [("text", "a text")]


def test_display_shows_in_the_midst_of_a_cell(page):
    assert page.run("for i in range(3):\n    display(i)")
    assert page.pieces == [("text", "0"), ("text", "1"), ("text", "2")]


ERRORS = {
    "x = 1\ny = x / 0": ("ZeroDivisionError", 2),
    "def f():\n    return missing\n\nf()": ("NameError", 2),
    "import numpy as np\n\nnp.ones(3) @ np.ones(4)": ("ValueError", 3),
    "a = [1, 2\nb = 3": ("SyntaxError", 1),
    "import sys\nsys.exit(3)": ("SystemExit", 2),
    "assert 1 == 2, 'not so'": ("AssertionError", 1),
}


@pytest.mark.parametrize("source", ERRORS)
def test_an_error_names_the_readers_line_and_shows_it(page, source):
    kind, line = ERRORS[source]
    assert not page.run(source)
    assert [found for found, _ in page.pieces] == ["trace", "error"]
    assert f'File "live cell 1", line {line}' in page.of("trace")
    assert source.splitlines()[line - 1].strip() in page.of("trace")
    assert page.of("error").startswith(kind)
    assert kind not in page.of("trace")


def test_of_a_traceback_only_the_cells_remain_through_every_cause(page):
    assert page.run("def outer(f):\n    return f()", 1)
    source = """
from convbook.ops import conv2d
import numpy as np

def inner():
    try:
        conv2d(np.ones((2, 2)), np.ones((3, 3)))
    except ValueError as error:
        raise RuntimeError("wrapped") from error

outer(inner)"""
    assert not page.run(source, 2)
    told = page.of("trace")
    files = [line.split('"')[1] for line in told.splitlines() if line.startswith("  File")]
    assert set(files) == {"live cell 1", "live cell 2"}
    assert page.of("error") == "RuntimeError: wrapped"
    assert "ValueError" in told  # the cause
    assert "return f()" in told


def test_a_session_goes_on_after_an_error(page):
    assert not page.run("x = 5\nx.nothing")
    assert page.run("x")
    assert page.of("text") == "5"


def test_a_module_that_the_page_lacks_is_named(page):
    assert not page.run("import no_such_module.inside")
    last = page.of("error").splitlines()[-1]
    assert "no_such_module" in last
    assert "NumPy" in last


def test_it_needs_only_pythons_own_library():
    imports = [node for node in ast.walk(ast.parse(RUNNER.read_text()))
               if isinstance(node, ast.Import | ast.ImportFrom)]  # fmt: skip
    names = {
        name.partition(".")[0]
        for node in imports
        for name in [getattr(node, "module", None) or node.names[0].name]
    }
    assert names
    assert names <= set(sys.stdlib_module_names)
