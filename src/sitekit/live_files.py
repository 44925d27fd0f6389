"""What the page loads to run Python: put together before Sphinx starts, in ``_build/live``.

``_build/live/static/live`` is laid over the site's static files. Beside Pyodide, NumPy and this
book's own wheel it holds ``manifest.mjs``, which tells the page what there is, and how large. What
compresses well lies there compressed, so that its size is the same from every server.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from sitekit import pyodide
from sitekit.project import BuildError, Project

PYODIDE = f"pyodide-{pyodide.VERSION}"
COMPRESSED = ("pyodide.mjs", "pyodide.asm.js", "pyodide.asm.wasm")
AS_IT_IS = ("python_stdlib.zip",)
LOCK = "pyodide-lock.json"
LICENCES = f"""What lies in this folder, and its licences

pyodide.mjs.gz, pyodide.asm.js.gz, pyodide.asm.wasm.gz, python_stdlib.zip
    Pyodide {pyodide.VERSION}, Mozilla Public License 2.0, unchanged but for the compression; with
    CPython (PSF License). Source: https://github.com/pyodide/pyodide/tree/{pyodide.VERSION}
pyodide-lock.json
    Of the same, shortened: without its list of packages.
numpy-*.whl
    NumPy, BSD-3-Clause, with the licences of its parts inside. Source: https://github.com/numpy/numpy
"""

# What a wheel needs to begin with, and what the page has no use for: drawing, training, commands.
WHEEL_FILES = ("pyproject.toml", "README.md", "LICENSE")
LEFT_OUT = ("fonts", "drawings", "experiments", "commands", "models", "memory", "__pycache__")
RUNNER = Path(__file__).with_name("live_runner.py")


def folder(project: Project) -> Path:
    """The folder that is laid over the site's static files."""
    return project.build / "live" / "static"


def is_ready(project: Project) -> bool:
    """Whether the last `prepare` got everything together."""
    return (folder(project) / "live" / "manifest.mjs").is_file()


def has_live_cells(project: Project) -> bool:
    """Whether any page has a cell with the tag ``live``."""
    tagged = re.compile(r"^:?tags: *\[.*\blive\b", re.MULTILINE)
    return any(tagged.search(path.read_text(encoding="utf-8")) for path in project.pages())


def prepare(project: Project, report: Callable[[str], None] = print) -> None:
    """Put together what live cells load, as far as possible; one line says what came of it.

    Nothing is done for a book without live cells, and little where nothing changed.

    Raises
    ------
    BuildError
        If ``CONVBOOK_PYODIDE`` names no folder, or the book's wheel cannot be built.
    """
    live = folder(project) / "live"
    if not has_live_cells(project):
        shutil.rmtree(folder(project), ignore_errors=True)
        return
    try:
        put_pyodide(live)
        put_wheel(project, live)
    except pyodide.PyodideUnavailable as error:
        shutil.rmtree(folder(project), ignore_errors=True)
        report(f"  Live Python: {error}; its cells stay static")
        return
    except ValueError as error:
        raise BuildError(str(error)) from None
    write_if_changed(live / "runner.py", RUNNER.read_bytes())
    total = put_manifest(live)
    report(
        f"  Live Python: Pyodide {pyodide.VERSION}, {total / 1e6:.1f} MB when a reader runs a cell"
    )


def put_pyodide(live: Path) -> None:
    """Lay Pyodide and NumPy into a folder, unless an earlier build has.

    Raises
    ------
    PyodideUnavailable, ValueError
        As `pyodide.obtain` does.
    """
    expected = (*(f"{name}.gz" for name in COMPRESSED), *AS_IT_IS, LOCK)
    if all((live / PYODIDE / name).is_file() for name in expected):
        pyodide.named_folder()  # which may say by now to do without
        return
    sources = pyodide.obtain()
    incoming = live / f"{PYODIDE}.new"
    shutil.rmtree(live, ignore_errors=True)
    incoming.mkdir(parents=True)
    for name, content in pyodide.members(sources.package, COMPRESSED).items():
        (incoming / f"{name}.gz").write_bytes(gzip.compress(content, mtime=0))
    for name, content in pyodide.members(sources.package, AS_IT_IS).items():
        (incoming / name).write_bytes(content)
    (incoming / LOCK).write_bytes(short_lock(sources.package))
    shutil.copyfile(sources.numpy, incoming / sources.numpy.name)
    (incoming / "LICENCES.txt").write_text(LICENCES, encoding="utf-8")
    incoming.rename(live / PYODIDE)


def short_lock(package: Path) -> bytes:
    """Pyodide's list of packages, without packages: it asks for the list, and compares versions."""
    lock = json.loads(pyodide.members(package, [LOCK])[LOCK])
    return json.dumps({"info": lock["info"], "packages": {}}).encode()


def put_wheel(project: Project, live: Path) -> None:
    """Build the wheel of what runs with NumPy alone, unless there is one of the same sources.

    Raises
    ------
    BuildError
        If setuptools fails.
    """
    sources = wheel_sources(project.root)
    digest = hashlib.sha256()
    for name, path in sources.items():
        digest.update(f"{name}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    stamp = live.parent.parent / "wheel.sha256"
    if stamp.is_file() and stamp.read_text() == digest.hexdigest() and list(live.glob("*.whl")):
        return
    for old in live.glob("*.whl"):
        old.unlink()
    build_wheel(sources, live)
    stamp.write_text(digest.hexdigest())


def wheel_sources(root: Path) -> dict[str, Path]:
    """The files that the wheel is built from, by their paths from the root, in order."""
    package = root / "src" / "convbook"
    inside = (path for path in sorted(package.rglob("*")) if path.is_file())
    kept = [path for path in inside if not set(path.relative_to(package).parts) & set(LEFT_OUT)]
    return {
        path.relative_to(root).as_posix(): path
        for path in [*(root / name for name in WHEEL_FILES), *kept]
    }


def build_wheel(sources: dict[str, Path], into: Path) -> Path:
    """Let setuptools build a wheel; the same sources give the same bytes.

    Raises
    ------
    BuildError
        With what setuptools says if it fails.
    """
    code = "import sys, setuptools.build_meta as m; m.build_wheel(sys.argv[1])"
    with tempfile.TemporaryDirectory() as tree:
        for name, path in sources.items():
            target = Path(tree, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            target.chmod(0o644)
        done = subprocess.run(
            [sys.executable, "-c", code, str(into.resolve())],
            cwd=tree,
            env={**os.environ, "SOURCE_DATE_EPOCH": "315532800"},  # 1980, where zip's dates begin
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        raise BuildError(f"the wheel for live cells cannot be built:\n{done.stderr.strip()}")
    return next(into.glob("*.whl"))


def put_manifest(live: Path) -> int:
    """List the files to load, with their sizes, for the page; their size in all, in bytes.

    A file's version is a part of its address and of its key in the reader's cache.
    """
    names = [f"{PYODIDE}/{name}.gz" for name in COMPRESSED]
    names += [f"{PYODIDE}/{name}" for name in (*AS_IT_IS, LOCK)]
    names += sorted(path.relative_to(live).as_posix() for path in live.glob("**/*.whl"))
    names.append("runner.py")
    files = [
        {"path": name, "bytes": len(content), "version": hashlib.sha256(content).hexdigest()[:12]}
        for name in names
        for content in [(live / name).read_bytes()]
    ]
    what = "/** What live cells load: written by the build. */"
    text = f"{what}\nexport const files = {json.dumps(files, indent=2)};\n"
    write_if_changed(live / "manifest.mjs", text.encode())
    return sum(int(str(file["bytes"])) for file in files)


def write_if_changed(path: Path, content: bytes) -> None:
    """Write a file, unless it reads so already."""
    if not path.is_file() or path.read_bytes() != content:
        path.write_bytes(content)
