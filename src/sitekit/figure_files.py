"""The folder ``figures`` of the site: files at their permanent addresses, and ``figures.json``.

It is written when all pages are read, before any is rendered, so that the catalogue
(`sitekit.catalogue`) can show what is in it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import SphinxError

from sitekit import (
    citation,
    decks,
    editions,
    figure_pages,
    figure_record,
    figure_schema,
    registry,
    store,
)
from sitekit.figures import collection
from sitekit.project import BuildError, Project
from sitekit.reading import project_of

FOLDER = "figures"
LIST = "figures.json"


def write(app: Sphinx, env: BuildEnvironment) -> None:
    """Check the registry; write every figure's files and page, the decks, ``figures.json``.

    Raises
    ------
    SphinxError
        If the registry does not agree with what is shown, or a frozen edition is not as it was.
    """
    if app.builder.name != "html":
        return
    project = project_of(app)
    try:
        ids = registry.read(project.book / registry.NAME)
        pages = collection(env)  # in the order in which they are read, which is no order
        order = [path.stem for path in project.pages() if path.stem in pages]
        shown = {name: record for page in order for name, record in pages[page].items()}
        registry.check(ids, shown.keys())
        titles = {page: env.titles[page].astext() for page in order}
        write_folder(Path(app.outdir) / FOLDER, project, shown, titles, ids.renamed)
        for edition in editions.place(project, Path(app.outdir)):
            print(f"Edition {edition}: its drawings are not here, and left out")
    except BuildError as error:
        raise SphinxError(str(error)) from None


def write_folder(
    folder: Path,
    project: Project,
    shown: Mapping[str, Mapping[str, Any]],
    chapter_titles: Mapping[str, str],
    renamed: Mapping[str, str],
) -> None:
    """Write the folder anew from the records of `sitekit.figures`, by id."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    about = citation.about(project)
    edition = str(about["version"])
    entries = []
    for name, record in shown.items():
        source = store.folder(project, record["run"])
        for file in record["files"]:
            shutil.copyfile(source / file, folder / file)
        entries.append(entry(name, record, chapter_titles[record["chapter"]], folder))
    save(folder, edition, entries)
    found = figure_record.reproduced(project, folder / LIST)
    document = save(
        folder, edition, [{**item, "reproduced": found[item["id"]]} for item in entries]
    )
    figure_schema.validate(document)
    shutil.copyfile(figure_schema.PATH, folder / figure_schema.NAME)
    figure_pages.write(folder, document["figures"], renamed, edition=edition, book=about["title"])
    decks.write(folder, document["figures"], about)


def save(folder: Path, edition: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Write ``figures.json``."""
    document = {"$schema": figure_schema.NAME, "edition": edition, "figures": entries}
    text = json.dumps(document, ensure_ascii=False, indent=1)
    (folder / LIST).write_text(text + "\n", encoding="utf-8", newline="\n")
    return document


def entry(name: str, record: Mapping[str, Any], chapter: str, folder: Path) -> dict[str, Any]:
    """A figure's entry in ``figures.json``; its files lie in the folder."""
    keys = ("date", "commit", "device", "python", "torch")
    return {
        "id": name,
        "former_ids": record["former_ids"],
        "title": record["title"],
        "caption": record["caption"],
        "alt": record["alt"],
        "chapter": record["chapter"],
        "chapter_title": chapter,
        "page": f"{record['chapter']}.html#{name}",
        "landing": f"{FOLDER}/{name}.html",
        "code": record["code"],
        "files": {
            file: {"sha256": digest, "bytes": (folder / file).stat().st_size}
            for file, digest in sorted(record["files"].items())
        },
        "licence": citation.LICENCE,
        "interval": record.get("interval"),
        "provenance": {
            **{key: record["provenance"].get(key) for key in keys},
            "seeds": record["seeds"],
        },
        "citation": record["citation"],
    }


def setup(app: Sphinx) -> dict[str, Any]:
    """Write the folder when all pages are read."""
    app.connect("env-check-consistency", write)
    return {"parallel_read_safe": False, "version": "1"}
