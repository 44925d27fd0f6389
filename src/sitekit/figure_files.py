"""The files of figures at their permanent addresses, ``figures.json``, and the registry of ids.

Every figure has its files under ``figures/`` and an entry in ``figures/figures.json``. The registry
``book/figure-ids.txt`` lists all ids ever published: an id missing from a build fails it, so that
no cited address dies.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import SphinxError

from sitekit import store
from sitekit.figures import collection
from sitekit.reading import project_of

REGISTRY = "figure-ids.txt"
LICENCE = "CC-BY-4.0"


def check_registry(app: Sphinx, env: BuildEnvironment) -> None:
    """Hold the figures of this build against the registry of all ids ever published.

    Raises
    ------
    SphinxError
        If a registered id is lost, or a new one is not registered.
    """
    path = Path(app.srcdir) / REGISTRY
    registered = set(path.read_text().split()) if path.exists() else set()
    shown = {name for page in collection(env).values() for name in page}
    if lost := sorted(registered - shown):
        raise SphinxError(
            f"book/{REGISTRY}: no chapter shows {', '.join(lost)} any more; "
            "an id once published stays"
        )
    if new := sorted(shown - registered):
        raise SphinxError(f"book/{REGISTRY}: add {', '.join(new)}; an id listed there is a promise")


def write(app: Sphinx, exception: Exception | None) -> None:
    """Write every figure's files, and ``figures.json``."""
    if exception is not None or app.builder.name != "html":
        return
    target = Path(app.outdir) / "figures"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    project = project_of(app)
    about = yaml.safe_load((project.root / "CITATION.cff").read_text())
    entries = []
    for page in collection(app.env).values():
        for name, record in sorted(page.items()):
            for file in record["files"]:
                shutil.copyfile(store.folder(project, record["run"]) / file, target / file)
            entries.append(entry(name, record, about))
    text = json.dumps({"figures": entries}, ensure_ascii=False, indent=1)
    (target / "figures.json").write_text(text + "\n", encoding="utf-8")


def entry(name: str, record: Mapping[str, Any], about: Mapping[str, Any]) -> dict[str, Any]:
    """A figure's entry in ``figures.json``; ``about`` is the book's ``CITATION.cff``."""
    page = f"{record['chapter']}.html#{name}"
    keys = ("date", "commit", "device", "python", "torch")
    return {
        "id": name,
        "title": record["title"],
        "caption": record["caption"],
        "alt": record["alt"],
        "chapter": record["chapter"],
        "page": page,
        "files": {file: {"sha256": digest} for file, digest in sorted(record["files"].items())},
        "licence": LICENCE,
        "provenance": {
            **{key: record["provenance"].get(key) for key in keys},
            "seeds": record["seeds"],
        },
        "citation": citation(name, record["title"], page, about),
    }


def citation(name: str, title: str, page: str, about: Mapping[str, Any]) -> dict[str, str]:
    """How to cite one figure, as a sentence and as BibTeX."""
    authors = " and ".join(
        a.get("name") or f"{a['given-names']} {a['family-names']}" for a in about["authors"]
    )
    year = str(about["date-released"])[:4]
    book, edition = about["title"], about["version"]
    where = f"{str(about.get('url', '')).rstrip('/')}/{page}".lstrip("/")
    title = title.rstrip(".")
    return {
        "text": (
            f"{authors} ({year}). “{title}.” Figure {name} in {book}, edition {edition}. "
            f"{where}. CC BY 4.0."
        ),
        "bibtex": (
            f"@misc{{{name},\n  author = {{{{{authors}}}}},\n  title = {{{title}}},\n"
            f"  year = {{{year}}},\n  howpublished = {{Figure in {book}, edition {edition}}},\n"
            f"  note = {{{where}, CC BY 4.0}}\n}}"
        ),
    }


def setup(app: Sphinx) -> dict[str, Any]:
    """Check the registry when all pages are read; write the files when the site is."""
    app.connect("env-check-consistency", check_registry)
    app.connect("build-finished", write)
    return {"parallel_read_safe": False, "version": "1"}
