"""What chapters need from outside: fetched once before they run, and a part of their keys alone."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_book import edit

from convbook import cifar
from sitekit import chapter, execution, fingerprint, needs
from sitekit.project import BuildError, Project

FRONT = "---\nfile_format: mystnb\nkernelspec: {name: python3, display_name: Python 3}\n"
SPY = "import os; print(os.environ.get('CONVBOOK_NO_DOWNLOAD'), os.environ.get('CONVBOOK_CIFAR10'))"


def add_chapter(book: Project, name: str, needed: str, code: str = "print(1)") -> None:
    (book.book / f"{name}.md").write_text(
        f'{FRONT}chapter: {{gpu: "no", read_minutes: 1{needed}}}\n---\n'
        f"# {name}\n\n```{{code-cell}} ipython3\n{code}\n```\n"
    )
    edit(book, "_toc.yml", "chapters:\n", f"chapters:\n  - file: {name}\n")


@pytest.fixture
def book(small_book, tmp_path, monkeypatch):
    """The small book without its chapter, and a machine without images."""
    edit(small_book, "_toc.yml", "  - file: small\n", "")
    monkeypatch.setenv("CONVBOOK_CIFAR10", str(tmp_path / "images"))
    (tmp_path / "images").mkdir()
    monkeypatch.setattr(cifar, "_cache", lambda: tmp_path / "cache")
    monkeypatch.setattr(cifar, "_download", lambda _folder: "the server is away")
    return small_book


def executed(book: Project, lines: list[str] | None = None) -> set[str]:
    report = (lambda _line: None) if lines is None else lines.append
    done = execution.execute_book(book, book.pages(), report=report)
    return {item.name for item in done if not item.cached}


def printed(book: Project, name: str) -> str:
    """What the only cell of a chapter printed, as a page would show it."""
    for item in execution.execute_book(book, book.pages(), report=str):
        if item.name == name:
            return item.run.outputs[0][0]["text"].strip()
    raise AssertionError(name)


def keys(book: Project) -> dict[str, str]:
    environment = fingerprint.environment(book)
    found = {}
    for path in book.pages():
        _, notebook = chapter.read(book, path)
        if chapter.code_cells(notebook):
            found[path.stem] = fingerprint.key(notebook, environment)
    return found


def changed(book: Project, before: dict[str, str]) -> set[str]:
    return {name for name, key in keys(book).items() if key != before[name]}


def put_images(folder) -> None:
    for number in range(1, 6):
        (folder / f"data_batch_{number}.bin").write_bytes(bytes(3073))
    (folder / "test_batch.bin").write_bytes(bytes(3073))


@pytest.fixture
def three(book):
    add_chapter(book, "plain", "", "print(0)")
    add_chapter(book, "trains", ", needs: [cifar10]", "print(1)")
    add_chapter(book, "measures", ", needs: [records]", "print(2)")
    return book


def test_new_images_and_new_records_execute_the_chapters_that_need_them(three, tmp_path):
    assert executed(three) == {"plain", "trains", "measures"}
    assert executed(three) == set()
    put_images(tmp_path / "images")
    assert executed(three) == {"trains"}
    (three.root / "records").mkdir()
    (three.root / "records/h100.json").write_text("{}")
    assert executed(three) == {"measures"}
    assert executed(three) == set()


def test_keys_follow_what_is_needed_and_nothing_else(three, tmp_path):
    records = three.root / "records"
    records.mkdir()
    before = keys(three)
    (records / "README.md").write_text("no record")
    assert changed(three, before) == set()
    (records / "h100.json").write_text("{}")
    assert changed(three, before) == {"measures"}
    before = keys(three)
    (records / "h100.json").write_text("[]")
    assert changed(three, before) == {"measures"}
    before = keys(three)
    (records / "h100.json").rename(records / "a100.json")
    assert changed(three, before) == {"measures"}
    before = keys(three)
    put_images(tmp_path / "images")
    assert changed(three, before) == {"trains"}
    before = keys(three)
    (tmp_path / "images").rename(tmp_path / "cache")
    (tmp_path / "images").mkdir()
    assert changed(three, before) == set()  # the same images elsewhere


def test_a_chapter_that_needs_nothing_keeps_the_key_it_had(three):
    """No entry of what others need is in it."""
    environment = fingerprint.environment(three)
    plain = {name: text for name, text in environment.items() if not name.startswith("needs ")}
    assert set(plain) == {"python", "platform", "device", "pins", "credit"}
    parts = {"cells": ["print(0)"], "kernel": "python3", "environment": plain}
    expected = fingerprint.sha256(json.dumps(parts, sort_keys=True).encode())[:32]
    assert keys(three)["plain"] == expected


def test_images_are_fetched_once_before_any_chapter_runs(book, monkeypatch):
    events = []
    monkeypatch.setattr(cifar, "fetch", lambda: events.append("fetch") or "fetched")
    real = execution.execute

    def watched(project, path, *rest):
        events.append(path.stem)
        return real(project, path, *rest)

    monkeypatch.setattr(execution, "execute", watched)
    for name in ("one", "two"):
        add_chapter(book, name, ", needs: [cifar10]", f"print('{name}')")
    lines = []
    executed(book, lines)
    assert events[0] == "fetch"
    assert sorted(events[1:]) == ["one", "two"]
    assert lines[0] == "  fetched"
    assert len(lines) == 3


def test_no_chapter_that_needs_them_no_fetch(book, monkeypatch):
    monkeypatch.setattr(cifar, "fetch", lambda: pytest.fail("fetched"))
    add_chapter(book, "measures", ", needs: [records]")
    add_chapter(book, "plain", "")
    assert executed(book) == {"measures", "plain"}


def test_a_build_goes_on_without_images_and_says_so(book):
    add_chapter(book, "trains", ", needs: [cifar10]")
    lines = []
    assert executed(book, lines) == {"trains"}
    assert "CIFAR-10 cannot be had: the server is away" in lines[0]


def test_a_variable_that_names_no_folder_stops_the_build(book, monkeypatch):
    monkeypatch.setenv("CONVBOOK_CIFAR10", "/no/such/folder")
    add_chapter(book, "plain", "")
    assert executed(book) == {"plain"}
    add_chapter(book, "trains", ", needs: [cifar10]")
    with pytest.raises(BuildError, match=r"^CONVBOOK_CIFAR10 is '/no/such/folder'"):
        executed(book)


@pytest.mark.parametrize(
    "needed, shown",
    [
        ("[cifar100]", r"\['cifar100'\]"),
        ("[cifar10, GPU]", r"\['cifar10', 'GPU'\]"),
        ("cifar10", "'cifar10'"),
        ("{cifar10: yes}", "{'cifar10': True}"),
        ("[[cifar10]]", r"\[\['cifar10'\]\]"),
    ],
)
def test_an_unknown_need_names_the_chapter_and_what_can_be_listed(book, needed, shown):
    add_chapter(book, "other", f", needs: {needed}")
    says = rf"^book/other.md:1: the front matter's `needs` is {shown}; .*cifar10 and records$"
    with pytest.raises(BuildError, match=says):
        executed(book)


def test_kernels_do_not_download_and_see_the_folder_that_the_build_sees(
    book, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONVBOOK_CIFAR10", "images")
    add_chapter(book, "other", ", needs: [cifar10]", SPY)
    assert printed(book, "other") == f"1 {tmp_path / 'images'}"


def test_a_kernel_reads_images_without_a_word_on_standard_error(book, tmp_path):
    put_images(tmp_path / "images")
    code = "from convbook import cifar\nprint(len(cifar.load('train')))"
    add_chapter(book, "other", ", needs: [cifar10]", code)
    assert printed(book, "other") == "5"


def test_a_notebook_whose_download_fails_is_told_so(book, tmp_path):
    """As a reader's notebook, which may download: nothing there asks for a bar of widgets."""
    code = (
        "import os\nfrom pathlib import Path\nfrom convbook import cifar\npooch = cifar._pooch()\n"
        "del os.environ['CONVBOOK_NO_DOWNLOAD']\n"
        f"pooch.os_cache = lambda _name: Path({str(tmp_path)!r})\n"
        "pooch.get_logger().setLevel('ERROR')\n"
        "import io, sys\nsys.stderr = io.StringIO()  # for the bar\n"
        "cifar.URL = 'http://127.0.0.1:1/nobody'\n"
        "try:\n    cifar.load('test')\nexcept cifar.DataUnavailable as error:\n    print(error)"
    )
    add_chapter(book, "other", "", code)
    assert "nobody cannot be reached" in printed(book, "other")


@pytest.mark.parametrize("named", ["none", ""])
def test_doing_without_is_handed_on(book, monkeypatch, named):
    monkeypatch.setenv("CONVBOOK_CIFAR10", named)
    environment = execution.kernel_environment(book, 1)
    assert environment["CONVBOOK_CIFAR10"] == named
    assert environment["CONVBOOK_NO_DOWNLOAD"] == "1"


@given(listed=st.lists(st.sampled_from(needs.NEEDS)), state=st.text())
def test_an_entry_counts_if_and_only_if_it_is_needed(listed, state):
    import nbformat

    notebook = nbformat.v4.new_notebook(metadata={"chapter": {"needs": listed}})
    environment = {"python": "3", **{f"needs {name}": state for name in needs.NEEDS}}
    expected = {"python", *(f"needs {name}" for name in listed)}
    assert set(needs.relevant(notebook, environment)) == expected
