"""The small book as fixtures: fresh for a test, or built once for many."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from small_book import make_small_book

from sitekit.project import Project


@pytest.fixture
def small_book(tmp_path: Path) -> Project:
    """A fresh small book."""
    return make_small_book(tmp_path)


@pytest.fixture(scope="module")
def built_book(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The small book, built once; a test that changes it takes a copy."""
    book = make_small_book(tmp_path_factory.mktemp("book"))
    command = [sys.executable, "-m", "sitekit", "build"]
    subprocess.run(command, cwd=book.root, check=True, capture_output=True)
    return book


@pytest.fixture
def copy(built_book: Project, tmp_path: Path) -> Project:
    """A copy of the built book, to be broken."""
    shutil.copytree(built_book.root, tmp_path / "small")
    shutil.rmtree(tmp_path / "small/_build/work")
    return Project(tmp_path / "small")
