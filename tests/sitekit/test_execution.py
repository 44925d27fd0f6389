"""No stale figures, and no more executed than needed: shown on a small book."""

import os
import re
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_book import edit

from sitekit import chapter, execution, fingerprint, store
from sitekit.project import BuildError, Project


def executed(book: Project) -> set[str]:
    """Bring the book up to date; the names of the chapters that ran, not those from the cache."""
    done = execution.execute_book(book, book.pages(), report=lambda _line: None)
    return {item.name for item in done if not item.cached}


def add_chapter(book: Project, name: str, code: str) -> None:
    (book.book / f"{name}.md").write_text(
        "---\nfile_format: mystnb\nkernelspec: {name: python3, display_name: Python 3}\n---\n"
        f"# {name}\n\n```{{code-cell}} ipython3\n:tags: [hide-input]\n\n{code}\n```\n"
    )
    edit(book, "_toc.yml", "  - file: small\n", f"  - file: small\n  - file: {name}\n")


@pytest.fixture
def built(small_book: Project) -> Project:
    assert executed(small_book) == {"small"}
    return small_book


def test_nothing_changed_executes_nothing(built):
    assert executed(built) == set()


@pytest.mark.parametrize(
    "name, old, new",
    [
        ("book/small.md", "Some prose", "Other prose\n\nand a new paragraph"),
        ("book/small.md", "## A section", "```{note}\nAn aside.\n```\n\n## A section"),
        ("book/small.md", "The caption says", "The caption still says"),
        ("book/small.md", ":tags: [hide-input]", ":tags: [hide-input, wide]"),
        ("src/smallpkg/unused.py", "X = 1", "X = 2"),
        ("requirements.txt", "# a comment", "# another"),
    ],
)
def test_what_cannot_change_a_result_executes_nothing(built, name, old, new):
    edit(built, name, old, new)
    assert executed(built) == set()


@pytest.mark.parametrize(
    "name, old, new",
    [
        ("book/small.md", 'glue("four", double(2))', 'glue("four", double(2.0))'),
        ("src/smallpkg/used.py", "2 * x", "x + x"),
        ("src/smallpkg/__init__.py", "", "Y = 1\n"),
        ("requirements.txt", "numpy==1.0", "numpy==1.1"),
    ],
)
def test_what_can_change_a_result_executes_the_chapter(built, name, old, new):
    edit(built, name, old, new)
    assert executed(built) == {"small"}


def test_a_data_file_of_an_imported_package_counts(built):
    (built.src / "smallpkg/table.json").write_text("{}")
    assert executed(built) == set()  # no run read it: it was not there
    edit(built, "src/smallpkg/used.py", "2 * x", "x * 2")
    assert executed(built) == {"small"}
    (built.src / "smallpkg/table.json").write_text("[]")
    assert executed(built) == {"small"}


def test_going_back_to_an_earlier_state_finds_its_run(built):
    edit(built, "src/smallpkg/used.py", "2 * x", "x + x")
    assert executed(built) == {"small"}
    edit(built, "src/smallpkg/used.py", "x + x", "2 * x")
    assert executed(built) == set()


@pytest.mark.parametrize("what", ["python", "platform", "device", "pins"])
def test_another_environment_executes_all(built, monkeypatch, what):
    here = fingerprint.environment(built)
    monkeypatch.setattr(fingerprint, "environment", lambda _project: here | {what: "another"})
    assert executed(built) == {"small"}


def test_the_environment_names_the_installed_torch_and_the_device(built):
    (built.root / "requirements.txt").write_text("torch==2.13.0\n")
    environment = fingerprint.environment(built)
    assert re.search(r"\d+\.\d+", environment["pins"].split("==")[1])
    assert environment["device"]


def test_each_chapter_depends_on_its_own_modules_only(built):
    add_chapter(built, "other", "import smallpkg.unused\nprint(smallpkg.unused.X)")
    assert executed(built) == {"other"}
    edit(built, "src/smallpkg/unused.py", "X = 1", "X = 2")
    assert executed(built) == {"other"}
    edit(built, "src/smallpkg/used.py", "2 * x", "x + x")
    assert executed(built) == {"small"}
    edit(built, "src/smallpkg/__init__.py", "", "Y = 1\n")
    assert executed(built) == {"small", "other"}


def test_a_module_imported_by_name_at_run_time_is_seen(built):
    code = "import importlib\nprint(importlib.import_module('smallpkg.' + 'un' + 'used').X)"
    add_chapter(built, "other", code)
    assert executed(built) == {"other"}
    edit(built, "src/smallpkg/unused.py", "X = 1", "X = 2")
    assert executed(built) == {"other"}


def test_a_module_edited_while_the_chapter_runs_makes_the_run_stale(built):
    code = (
        "import pathlib, smallpkg.unused\n"
        "pathlib.Path(smallpkg.unused.__file__).write_text('X = 3')"
    )
    add_chapter(built, "other", code)
    assert executed(built) == {"other"}
    assert executed(built) == {"other"}


def test_an_interrupted_save_leaves_no_run(built, monkeypatch):
    edit(built, "src/smallpkg/used.py", "2 * x", "x + x")

    def full(*_arguments, **_options):
        raise OSError("No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(store.json, "dumps", full)
        with pytest.raises(OSError, match="No space"):
            executed(built)
    assert executed(built) == {"small"}


@pytest.mark.parametrize(
    "code, line, says",
    [
        ("a = 1\nb = a / 0", 11, "ZeroDivisionError"),
        ("def f():\n    raise KeyError('x')\n\nf()", 13, "KeyError"),
        ("a = (\n", 10, "SyntaxError"),
        ("import sys\nprint('careful', file=sys.stderr)", 10, "careful"),
        ("import os\nos._exit(1)", 10, "kernel died"),
    ],
)
def test_a_failed_cell_names_the_chapter_and_the_line(small_book, code, line, says):
    add_chapter(small_book, "other", code)
    with pytest.raises(BuildError) as failure:
        executed(small_book)
    assert f"book/other.md:{line}:" in str(failure.value)
    assert says in str(failure.value)
    assert executed_without(small_book, "other") == set()  # the other chapter's run was kept


def executed_without(book: Project, name: str) -> set[str]:
    edit(book, "_toc.yml", f"  - file: {name}\n", "")
    return executed(book)


def test_a_cell_that_expects_an_exception_may_not_show_a_traceback(small_book):
    add_chapter(small_book, "other", "1 / 0")
    edit(small_book, "book/other.md", "hide-input", "raises-exception")
    with pytest.raises(BuildError, match=r"book/other.md:10: a traceback"):
        executed(small_book)


def test_a_cell_that_never_ends_is_named(small_book, monkeypatch):
    monkeypatch.setattr(execution, "CELL_TIMEOUT", 1)
    add_chapter(small_book, "other", "while True: pass")
    with pytest.raises(BuildError, match=r"book/other.md:10: .*1 s"):
        executed_without_small(small_book)


def executed_without_small(book: Project) -> set[str]:
    edit(book, "_toc.yml", "  - file: small\n", "")
    return executed(book)


def test_a_kernel_that_does_not_start_is_a_message(small_book, monkeypatch):
    monkeypatch.setattr(execution, "STARTUP_TIMEOUT", 1)
    # Python reads this module before anything else.
    (small_book.src / "sitecustomize.py").write_text("import time\ntime.sleep(15)\n")
    with pytest.raises(BuildError, match=r"book/small.md:1: .*kernel"):
        executed(small_book)


def test_a_broken_repr_is_not_published(small_book):
    code = textwrap.dedent(
        """\
        class Broken:
            def _repr_html_(self):
                raise RuntimeError("no")

        Broken()"""
    )
    add_chapter(small_book, "other", code)
    with pytest.raises(BuildError, match=r"book/other.md:12: RuntimeError"):
        executed(small_book)


def test_a_solution_that_its_check_refuses_is_not_published(small_book):
    code = "from convbook.exercises import check\ncheck('filters-shift', (3, 3))"
    add_chapter(small_book, "other", code)
    with pytest.raises(BuildError, match=r"book/other.md:10: .*solution"):
        executed(small_book)


def test_a_figure_published_twice_is_refused(small_book):
    code = (
        "from convbook.publish import figure\n"
        "for _ in range(2):\n"
        "    figure('other-x', lambda fig: None, title='T', alt='A')"
    )
    add_chapter(small_book, "other", code)
    with pytest.raises(BuildError, match=r"book/other.md:10: .*other-x"):
        executed(small_book)


def test_two_runs_give_the_same_figure_bytes(built):
    def files() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in built.executed.rglob("small-line*")}

    first = files()
    assert {"small-line.svg", "small-line-slide.pdf", "small-line.csv"} < set(first)
    for path in built.executed.glob("*/run.json"):
        path.unlink()
    assert executed(built) == {"small"}
    assert files() == first


def test_chapters_run_at_the_same_time(small_book, monkeypatch):
    monkeypatch.setattr(execution.os, "cpu_count", lambda: 2)
    code = (
        "import pathlib, time\n"
        "pathlib.Path('{mine}').touch()\n"
        "while not pathlib.Path('{other}').exists():\n"
        "    time.sleep(0.05)"
    )
    monkeypatch.setattr(execution, "CELL_TIMEOUT", 60)
    add_chapter(small_book, "one", code.format(mine="1", other="2"))
    add_chapter(small_book, "two", code.format(mine="2", other="1"))
    edit(small_book, "_toc.yml", "  - file: small\n", "")
    assert executed(small_book) == {"one", "two"}  # each waited for the other


def test_a_kernel_gets_its_share_of_threads_and_no_more(small_book):
    add_chapter(small_book, "other", "import os\nprint(os.environ['OMP_NUM_THREADS'])")
    done = execution.execute_book(small_book, small_book.pages(), report=str)
    (run,) = (item.run for item in done if item.name == "other")
    _, threads = execution.share_cores(2, os.cpu_count() or 1)
    assert run.outputs[0][0]["text"].strip() == str(threads)
    assert run.provenance["threads"] == threads


def test_a_chapter_that_asks_for_all_cores_runs_alone_and_before_the_others(
    small_book, monkeypatch
):
    monkeypatch.setattr(execution.os, "cpu_count", lambda: 3)
    code = (
        "import os, pathlib, time\n"
        "with open('log', 'a') as log:\n"
        "    log.write('{name} starts ' + os.environ['OMP_NUM_THREADS'] + chr(10))\n"
        "time.sleep({seconds})\n"
        "with open('log', 'a') as log:\n"
        "    log.write('{name} ends' + chr(10))"
    )
    for name, seconds in (("other", 0), ("large", 1), ("third", 0)):
        add_chapter(small_book, name, code.format(name=name, seconds=seconds))
    edit(
        small_book, "book/large.md", "file_format: mystnb\n",
        "file_format: mystnb\nchapter: {gpu: 'no', read_minutes: 1, cores: all}\n",
    )  # fmt: skip
    edit(small_book, "_toc.yml", "  - file: small\n", "")
    done = execution.execute_book(small_book, small_book.pages(), report=str)
    log = (small_book.book / "log").read_text().splitlines()
    assert log[:2] == ["large starts 3", "large ends"]
    assert {"other starts 1", "third starts 1"} <= set(log[2:])
    assert {item.name: item.run.provenance["threads"] for item in done} == {
        "large": 3, "other": 1, "third": 1,
    }  # fmt: skip


def test_a_run_says_where_it_comes_from(built):
    _, notebook = chapter.read(built, built.book / "small.md")
    run = store.find(built, fingerprint.key(notebook, fingerprint.environment(built)))
    assert run is not None
    expected = {"date", "seconds", "commit", "device", "threads", "python", "numpy"}
    assert expected <= set(run.provenance)
    assert set(run.modules) == {"src/smallpkg/__init__.py", "src/smallpkg/used.py"}


@given(chapters=st.integers(1, 30), cores=st.integers(1, 128))
def test_kernels_never_share_a_core(chapters, cores):
    jobs, threads = execution.share_cores(chapters, cores)
    assert 1 <= jobs <= chapters
    assert threads >= 1
    assert jobs * threads <= cores


def test_old_runs_are_forgotten_but_not_those_in_use(built):
    for number in range(5):
        (built.executed / f"old-{number}").mkdir()
    (run,) = (path.name for path in built.executed.glob("*/run.json") for path in [path.parent])
    store.prune(built, keep={run}, most=0)
    assert [path.name for path in built.executed.iterdir()] == [run]
