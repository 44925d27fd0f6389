"""Live cells in a build: what a page loads, which page gets it, and what a failure says."""

import gzip
import hashlib
import json
import re
import shutil
import subprocess
import sys
import zipfile

import pytest
from small_book import ROOT, build, edit, make_small_book, page

from convbook.exercises import all_exercises
from sitekit import live_files, pyodide
from sitekit.project import BuildError, Project

FRONT = """---
file_format: mystnb
kernelspec: {name: python3, display_name: Python 3}
chapter: {gpu: "no", read_minutes: 1}
---

# Live

{.live-note}
The note.

"""
WHEEL = "numpy-9-wasm32.whl"
PARTS = {
    "pyodide.mjs": b"export {};",
    "pyodide.asm.js": b"// a script\n" * 100,
    "pyodide.asm.wasm": b"\0asm" * 1000,
    "python_stdlib.zip": b"PK",
    "pyodide-lock.json": json.dumps({"info": {"version": "9"}, "packages": {"numpy": {}}}).encode(),
}


def cell(code: str, tags: str = "live") -> str:
    return f"```{{code-cell}} python\n:tags: [{tags}]\n{code}\n```\n\n"


def check_cell(answer: str, tags: str) -> str:
    return cell(f"from convbook.exercises import check\n\ncheck('filters-shift', {answer})", tags)


def add_page(book: Project, cells: str, name: str = "live") -> None:
    (book.book / f"{name}.md").write_text(FRONT + cells)
    edit(book, "_toc.yml", "chapters:\n", f"chapters:\n  - file: {name}\n")


def add_package(book: Project) -> None:
    """What the book's wheel is made of."""
    for name in live_files.WHEEL_FILES:
        shutil.copy(ROOT / name, book.root / name)
    unwanted = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src/convbook", book.src / "convbook", ignore=unwanted)


@pytest.fixture(scope="module")
def fake_pyodide(tmp_path_factory):
    """A small Pyodide in place of the real one."""
    folder = tmp_path_factory.mktemp("pyodide")
    (folder / WHEEL).write_bytes(b"NumPy")
    with pytest.MonkeyPatch.context() as patch:
        sources = pyodide.Sources(folder / "pyodide.tgz", folder / WHEEL)
        patch.setattr(pyodide, "obtain", lambda: sources)
        patch.setattr(pyodide, "members", lambda _package, names: {n: PARTS[n] for n in names})
        patch.delenv(pyodide.FOLDER_VARIABLE, raising=False)
        yield


@pytest.fixture
def book(small_book, fake_pyodide):  # noqa: ARG001
    add_package(small_book)
    add_page(small_book, cell("6 * 7"))
    return small_book


def prepared(book: Project) -> list[str]:
    """What `prepare` reports."""
    lines = []
    live_files.prepare(book, lines.append)
    return lines


def manifest(book: Project) -> list[dict]:
    text = (live_files.folder(book) / "live/manifest.mjs").read_text()
    return json.loads(re.search(r"= (\[.*\]);", text, re.DOTALL)[1])


def test_the_manifest_tells_the_page_what_there_is_and_how_large(book):
    (line,) = prepared(book)
    listed = manifest(book)
    live = live_files.folder(book) / "live"
    for file in listed:
        content = (live / file["path"]).read_bytes()
        assert file["bytes"] == len(content)
        assert hashlib.sha256(content).hexdigest().startswith(file["version"])
        assert len(file["version"]) >= 8
    names = {file["path"].split("/")[-1].removesuffix(".gz") for file in listed}
    assert set(PARTS) | {WHEEL, "runner.py"} < names
    assert f"{sum(file['bytes'] for file in listed) / 1e6:.1f} MB" in line


def test_what_is_laid_ready_is_pyodides_own(book):
    prepared(book)
    folder = live_files.folder(book) / "live" / live_files.PYODIDE
    for name, content in PARTS.items():
        if name in live_files.COMPRESSED:
            assert gzip.decompress((folder / f"{name}.gz").read_bytes()) == content
        elif name != live_files.LOCK:
            assert (folder / name).read_bytes() == content
    short = json.loads((folder / live_files.LOCK).read_text())
    assert short["info"] == {"version": "9"}
    licences = (folder / "LICENCES.txt").read_text()
    assert "Mozilla Public License 2.0" in licences
    assert "BSD-3-Clause" in licences


def test_an_unchanged_book_pays_for_nothing_again(book, monkeypatch):
    prepared(book)
    folder = live_files.folder(book)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    called = []
    monkeypatch.setattr(pyodide, "obtain", lambda: called.append("obtain"))
    monkeypatch.setattr(live_files, "build_wheel", lambda *_arguments: called.append("wheel"))
    prepared(book)
    assert called == []
    assert {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()} == before


def test_a_change_of_the_package_makes_another_wheel_and_nothing_else(book, monkeypatch):
    prepared(book)
    before = {file["path"]: file["version"] for file in manifest(book)}
    monkeypatch.setattr(pyodide, "obtain", lambda: pytest.fail("obtained again"))
    edit(book, "src/convbook/__init__.py", "__version__", "ADDED = 1\n__version__")
    prepared(book)
    after = {file["path"]: file["version"] for file in manifest(book)}
    changed = {path for path in before if before[path] != after[path]}
    (wheel,) = changed
    assert wheel.startswith("convbook-")
    live = live_files.folder(book) / "live"
    assert b"ADDED" in zipfile.ZipFile(live / wheel).read("convbook/__init__.py")


def test_a_book_without_live_cells_loads_nothing(small_book, monkeypatch):
    monkeypatch.setattr(pyodide, "obtain", lambda: pytest.fail("obtained"))
    assert prepared(small_book) == []
    assert not live_files.is_ready(small_book)


def test_a_folder_that_is_not_there_fails_the_build(book, monkeypatch, tmp_path):
    monkeypatch.setenv(pyodide.FOLDER_VARIABLE, str(tmp_path / "nowhere"))
    monkeypatch.setattr(pyodide, "obtain", pyodide.named_folder)
    with pytest.raises(BuildError, match="nowhere"):
        prepared(book)


def test_where_pyodide_cannot_be_had_a_line_says_so_and_nothing_is_left(book, monkeypatch):
    prepared(book)
    assert live_files.is_ready(book)
    monkeypatch.setenv(pyodide.FOLDER_VARIABLE, "none")
    (line,) = prepared(book)
    assert "static" in line
    assert pyodide.FOLDER_VARIABLE in line
    assert not live_files.is_ready(book)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The book's own wheel."""
    return live_files.build_wheel(live_files.wheel_sources(ROOT), tmp_path_factory.mktemp("wheel"))


def test_the_same_sources_give_the_same_wheel(wheel, tmp_path):
    again = live_files.build_wheel(live_files.wheel_sources(ROOT), tmp_path)
    assert again.name == wheel.name
    assert again.read_bytes() == wheel.read_bytes()


def test_the_wheel_is_small(wheel):
    assert wheel.stat().st_size < 300_000
    assert not [name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".ttf")]


ONLY_NUMPY = """
import json, sys

class Refuse:
    def find_spec(self, name, *_):
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names and top not in {"numpy", "convbook"}:
            raise ModuleNotFoundError(f"there is no {name}", name=name)

sys.meta_path.insert(0, Refuse())
sys.path.insert(0, sys.argv[1])
import convbook
from convbook import exercises, filters, matrices, network, ops, shapes, tables
assert convbook.__file__.startswith(sys.argv[1])
print(json.dumps(sorted(exercises.all_exercises())))
"""


def test_every_exercise_is_in_the_wheel_and_needs_numpy_alone(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    command = [sys.executable, "-c", ONLY_NUMPY, str(tmp_path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == sorted(all_exercises())


# ---- whole builds ----


@pytest.fixture(scope="module")
def built(tmp_path_factory, fake_pyodide):  # noqa: ARG001
    """A book with live cells on one page, its Pyodide laid ready, built."""
    book = make_small_book(tmp_path_factory.mktemp("live"))
    add_package(book)
    add_page(book, cell("6 * 7") + check_cell("(0, 0)", "live, first-attempt"))
    live_files.prepare(book, str)
    done = build(book)
    assert done.returncode == 0, done.stderr
    return book


@pytest.fixture
def changed(built, tmp_path):
    """A copy of the built book, to be changed."""
    shutil.copytree(built.root, tmp_path / "small")
    return Project(tmp_path / "small")


def scripts(book: Project, name: str) -> list[str]:
    return [s["src"] for s in page(book, name).find_all("script", src=True) if "live" in s["src"]]


def test_only_a_page_with_live_cells_gets_the_script(built):
    (script,) = scripts(built, "live.html")
    assert script.startswith("_static/live/live.mjs")
    assert page(built, "live.html").find("link", href=re.compile(r"^_static/live/live\.css"))
    assert scripts(built, "small.html") == scripts(built, "index.html") == []


def test_a_live_cell_is_a_cell_with_the_builds_output(built):
    cells = page(built, "live.html").select(".cell.tag_live")
    assert cells[0].select_one(".cell_input pre").get_text() == "6 * 7\n"
    assert cells[0].select_one(".cell_output").get_text(strip=True) == "42"
    assert cells[1].select_one(".cell_output .verdict.try-again")
    assert not page(built, "live.html").select(".cell button")


def test_the_site_holds_what_the_page_loads(built):
    for file in manifest(built):
        assert (built.site / "_static/live" / file["path"]).stat().st_size == file["bytes"]
    for module in (ROOT / "book/assets/live").glob("*.mjs"):
        assert (built.site / "_static/live" / module.name).is_file()


def test_without_pyodide_the_cells_are_static_and_nothing_speaks_of_buttons(changed, monkeypatch):
    assert "The note." in page(changed, "live.html").get_text()
    monkeypatch.setenv(pyodide.FOLDER_VARIABLE, "none")
    done = build(changed)
    assert done.returncode == 0, done.stderr
    assert "static" in done.stdout
    soup = page(changed, "live.html")
    assert scripts(changed, "live.html") == []
    assert "The note." not in soup.get_text()
    assert soup.select_one(".cell.tag_live .cell_output").get_text(strip=True) == "42"
    assert not (changed.site / "_static/live/manifest.mjs").exists()
    assert not (changed.site / "_static/live" / live_files.PYODIDE).exists()


FAULTS = {
    "a first attempt that is right": (
        check_cell("(0, -1)", "live, first-attempt"),
        "first-attempt",
    ),
    "a wrong answer that is no first attempt": (check_cell("(0, 0)", "live"), "not right"),
    "a live cell that is folded": (cell("1", "live, hide-input"), "hide-input"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_fails_the_build_at_its_line(changed, fault):
    faulty, word = FAULTS[fault]
    (changed.book / "live.md").write_text(FRONT + faulty)
    done = build(changed)
    assert done.returncode == 1
    assert word in done.stderr
    assert "book/live.md:" in done.stderr
