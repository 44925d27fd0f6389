"""A book of two figures whose site is made without building it: what `sitekit.editions` reads."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

from small_book import ROOT, write

from sitekit.project import Project

ENDINGS = [
    *(".svg", "-narrow.svg", ".pdf", ".png", ".csv"),
    *(f"-slide{dark}.{kind}" for dark in ("", "-dark") for kind in ("svg", "pdf", "png")),
]


def figure_files(name: str, mark: str = "1") -> dict[str, bytes]:
    """Files of a figure; another mark gives other contents."""
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 540 230.4"><!-- {mark} --></svg>'
    return {name + end: svg.encode() if "svg" in end else (end + mark).encode() for end in ENDINGS}


def entry(name: str, files: dict[str, bytes], **facts: object) -> dict:
    """A figure's entry in figures.json."""
    return {
        "id": name,
        "former_ids": [],
        "title": f"The finding of {name}",
        "caption": "What is seen.",
        "alt": "A line rises.",
        "chapter": "small",
        "chapter_title": "Small",
        "page": f"small.html#{name}",
        "landing": f"figures/{name}.html",
        "code": f"small.html#code-{name}",
        "files": {
            file: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
            for file, content in files.items()
        },
        "licence": "CC-BY-4.0",
        "interval": {"loss": {"draws": "seed"}, "seconds": {"factor": 3.0}},
        "reproduced": {"status": "identical", "against": "2026-11-01", "detail": ""},
        "provenance": {
            "date": "2026-11-25T09:59:05+00:00",
            "commit": "fcb52474f146",
            "device": "a processor",
            "python": "3.11.7",
            "torch": None,
            "seeds": [0, 1, 2, 7],
        },
        "citation": {
            "text": f"Somebody (2026). {name}. https://book.example.",
            "bibtex": f"@misc{{{name},\n}}",
        },
        **facts,
    }


def document(*entries: dict, edition: str = "0.1.0") -> dict:
    return {"$schema": "figures.schema.json", "edition": edition, "figures": list(entries)}


def publish(book: Project, edition: str = "0.1.0", mark: str = "1", **facts: object) -> None:
    """Make the site of the book's two figures, as a build leaves it, at its last step."""
    folder = book.site / "figures"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    entries = []
    for name in ("small-a", "small-b"):
        files = figure_files(name, mark)
        for file, content in files.items():
            (folder / file).write_bytes(content)
        entries.append(entry(name, files, **facts))
    (folder / "figures.json").write_text(json.dumps(document(*entries, edition=edition)))


def make_published_book(root: Path) -> Project:
    """A committed checkout with a built site."""
    write(root / "book/figure-ids.txt", "small-a\nsmall-b\nsmall-old -> small-a\n")
    write(root / "book/editions.txt", "# a line an edition\n")
    shutil.copy(ROOT / "CITATION.cff", root)
    set_edition(Project(root), "0.1.0")
    write(root / ".gitignore", "/_build/\n/editions/\n")
    git(root, "init", "--quiet")
    commit(root)
    book = Project(root)
    publish(book)
    return book


def set_edition(book: Project, edition: str) -> None:
    path = book.root / "CITATION.cff"
    lines = path.read_text().splitlines()
    path.write_text(
        "\n".join(f"version: {edition}" if line.startswith("version:") else line for line in lines)
    )


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "a state")


def git(root: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    command = ["git", "-C", str(root), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
