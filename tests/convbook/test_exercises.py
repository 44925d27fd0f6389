"""The machinery of the exercises, on made-up ones. No answer makes it raise."""

import dataclasses
import doctest
import importlib
import pathlib
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from convbook import exercises
from convbook.exercises import (
    Exercise,
    Hint,
    Verdict,
    _judging,
    _registry,
    array,
    check,
    exercise,
    integer,
    number,
    one_of,
    result_of,
)


class Unprintable:
    def __repr__(self):
        raise RuntimeError("no")


class Awkward:
    def __array__(self, *_, **__):
        raise KeyError("no")


ODD = [
    None,
    "text",
    b"bytes",
    [],
    {},
    {"a": 1},
    object(),
    print,
    int,
    ...,
    [[1, 2], [3]],
    [None, None],
    np.zeros((0, 3)),
    np.array("2020-01-01", dtype="datetime64"),
    np.array([(1, 2.0)], dtype="i4,f8"),
    np.ones(3) * 1j,
    1j,
    float("nan"),
    float("inf"),
    10**400,
    Awkward(),
    Unprintable(),
    torch.ones(3, requires_grad=True),
]
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
)


@exercise("made-up-kernel", because="It adds up to 1.")
def kernel(answer):
    return None if array(answer, 3, 3).sum() == 1 else "Look at the sum."


@exercise("made-up-number")
def seven(answer):
    return None if number(answer) == 7 else "Not this one."


@exercise("made-up-integer")
def whole(answer):
    return None if integer(answer) == 7 else "Not this one."


@exercise("made-up-word")
def word(answer):
    return None if one_of(answer, ["blur", "edge"]) == "blur" else "Think of noise."


@exercise("made-up-function")
def doubler(answer):
    return None if number(result_of(answer, 2)) == 4 else "Try it on 2."


@exercise("made-up-careless")
def careless(answer):
    return None if answer["missing"][0] else "No."


MADE_UP = [kernel, seven, whole, word, doubler, careless]


@pytest.mark.parametrize(
    "judged, right, wrong",
    [
        (kernel, np.eye(3) / 3, np.eye(3)),
        (kernel, [[0, 0, 0], [0, 1, 0], [0, 0, 0]], [[0, 0], [0, 1]]),
        (seven, 7, 8),
        (seven, np.float32(7), [7, 7]),
        (seven, [7.0], True),
        (whole, 7, 7.5),
        (whole, 7.0, True),
        (whole, np.array(7), "7"),
        (word, " Blur", "edge"),
        (word, "blur", "blurred"),
        (doubler, lambda n: 2 * n, lambda n: n),
        (doubler, lambda n: n**2, lambda: 4),
        (careless, {"missing": [1]}, {"missing": [0]}),
    ],
)
def test_right_is_true_and_wrong_comes_with_a_hint(judged, right, wrong):
    assert judged(right)
    assert judged(right).right is True
    assert not judged(wrong)
    assert judged(wrong).right is False
    assert judged(wrong).message
    assert judged(wrong).id == judged.id


@pytest.mark.parametrize("made_up", MADE_UP, ids=lambda made_up: made_up.id)
@pytest.mark.parametrize("answer", ODD, ids=lambda answer: type(answer).__name__)
def test_an_odd_answer_gets_a_hint(made_up, answer):
    verdict = made_up(answer)
    assert not verdict.right
    assert verdict.message


@given(st.sampled_from(MADE_UP), anything)
def test_no_answer_raises(made_up, answer):
    verdict = made_up(answer)
    assert verdict.right or verdict.message
    assert repr(verdict)
    assert verdict._repr_html_()


def test_says_why_only_when_right():
    assert kernel(np.eye(3) / 3).message == "It adds up to 1."
    assert "It adds up to 1." not in kernel(np.eye(3)).message


def test_a_reader_may_stop_a_check():
    @exercise("made-up-endless")
    def endless(_answer):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        endless(1)


@pytest.mark.parametrize(
    "shape, lengths",
    [((2, 3), ()), ((2, 3), (2, 3)), ((2, 3), (None, 3)), ((2, 3), (None, None)), ((5,), (5,))],
)
def test_array_takes_a_shape_that_fits(shape, lengths):
    values = array(np.ones(shape, dtype=int).tolist(), *lengths)
    assert values.shape == shape
    assert values.dtype == np.float64


@pytest.mark.parametrize("lengths", [(3, 2), (2,), (None,), (2, 3, 1), (None, None, None)])
def test_array_names_the_shape_that_it_got(lengths):
    with pytest.raises(Hint, match=r"2, 3"):
        array(np.ones((2, 3)), *lengths)


def test_a_verdict_is_a_frozen_record():
    verdict = seven(7)
    assert verdict == Verdict(id="made-up-number", right=True, message="")
    with pytest.raises(dataclasses.FrozenInstanceError):
        verdict.right = False


class Page(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, text):
        self.text += text


def test_a_verdict_in_a_page_is_safe_and_speaks_in_words():
    trap = '<script>alert("x")</script> & co.'
    right, wrong = (Page(Verdict("id", flag, trap)._repr_html_()) for flag in (True, False))
    for page in (right, wrong):
        assert "script" not in [tag for tag, _ in page.tags]
        assert trap in page.text
    assert right.tags[0][1]["class"] == "verdict right"
    assert wrong.tags[0][1]["class"] == "verdict try-again"
    assert right.text.startswith("Right")
    assert wrong.text.startswith("Not yet")


# Finding exercises


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of made-up chapters, forgotten after the test."""

    def make(**modules):
        folder = tmp_path / "made_up_book"
        folder.mkdir()
        header = "from convbook.exercises import exercise\n"
        for name, body in {"__init__": "", **modules}.items():
            (folder / f"{name}.py").write_text(header + body)
        monkeypatch.syspath_prepend(tmp_path)
        return importlib.import_module("made_up_book")

    yield make
    for name in [name for name in sys.modules if name.partition(".")[0] == "made_up_book"]:
        del sys.modules[name]


def code(id, name="judge"):
    return f"@exercise({id!r})\ndef {name}(answer):\n    return None if answer else 'No.'\n"


def test_finds_an_exercise_and_imports_no_other_chapter(package):
    book = package(first_steps=code("first-steps-a"), later="raise ImportError('not needed')")
    assert _registry.find(book, "first-steps-a")(1)
    assert not _registry.find(book, "first-steps-a")(0)


def test_of_two_chapters_with_like_names_each_has_its_own(package):
    book = package(deep=code("deep-a"), deep_nets=code("deep-nets-a"))
    assert list(_registry.exercises_of(book)) == ["deep-a", "deep-nets-a"]
    assert _registry.find(book, "deep-nets-a").id == "deep-nets-a"


def test_a_helper_module_is_no_chapter(package):
    book = package(_helpers=code("first-a"), first=code("first-b"))
    assert list(_registry.exercises_of(book)) == ["first-b"]


def test_a_chapter_can_be_a_package(package):
    book = package(first=code("first-a"))
    inner = pathlib.Path(book.__path__[0]) / "long_one"
    inner.mkdir()
    header = "from convbook.exercises import exercise\n"
    (inner / "__init__.py").write_text("")
    (inner / "part.py").write_text(header + code("long-one-a"))
    (inner / "rest.py").write_text(header + code("long-one-b"))
    assert list(_registry.exercises_of(book)) == ["first-a", "long-one-a", "long-one-b"]


@pytest.mark.parametrize(
    "id", ["first-bluring", "frist-blurring", "blurring", "", None, 3, ["first"]]
)
def test_an_unknown_id_names_the_closest(package, id):
    book = package(first=code("first-blurring") + code("first-edges", "other"))
    with pytest.raises(ValueError, match="first-blurring"):
        _registry.find(book, id)


@pytest.mark.parametrize(
    "body", [code("other-a"), code("firstly-a"), code("first-a") + code("first-a", "again")]
)
def test_an_author_s_mistake_is_told(package, body):
    book = package(first=body)
    with pytest.raises(ValueError, match=r"other-a|firstly-a|first-a"):
        _registry.exercises_of(book)


@pytest.mark.parametrize("id", ["nothing-of-the-kind", "", None, 4])
def test_check_refuses_an_unknown_id(id):
    with pytest.raises(ValueError, match="id"):
        check(id, 1)


def test_check_judges_the_book_s_exercises():
    for id, found in exercises.all_exercises().items():
        assert isinstance(found, Exercise)
        assert check(id, None) == Verdict(id, False, found(None).message)


@pytest.mark.parametrize(
    "answer",
    [a for a in ODD if not isinstance(a, Unprintable | Awkward)],
    ids=lambda answer: type(answer).__name__,  # a repr holds an address, new in each process
)
def test_the_book_s_exercises_expect_odd_answers(answer):
    """They never fall back on the report of an unforeseen error, which helps a reader little."""
    for found in exercises.all_exercises().values():
        try:
            hint = found.judge(answer)
        except Hint as said:
            hint = str(said)
        assert hint, found.id


def test_the_example_in_the_documentation_works():
    results = doctest.testmod(_judging, extraglobs={"number": number})
    assert results.attempted > 0
    assert results.failed == 0


def test_needs_numpy_alone():
    script = (
        "import sys; from convbook.exercises import all_exercises; all_exercises(); "
        "heavy = {'torch', 'matplotlib', 'scipy', 'skimage', 'IPython', 'jaxtyping'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
