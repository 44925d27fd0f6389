"""Editions: what was cited keeps its address and its content.

``CITATION.cff`` names the edition, and a citation leads to ``editions/<edition>/figures/`` of the
site. ``make edition`` freezes the figures of the last built site in the folder ``editions/`` and
enters them in the ledger ``book/editions.txt``. The ledger is kept in git and the drawings, some
60 MB an edition, are not: they are attached to the release, and a build that publishes is given
them. Trust runs from the ledger, which holds the digest of ``figures.json``, to ``figures.json``,
which holds those of all files. The pages of a frozen figure are made from these by every build.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sitekit import citation, figure_pages, figure_schema, registry
from sitekit.commit import commit
from sitekit.project import BuildError, Project

LEDGER = "editions.txt"
FOLDER_VARIABLE = "CONVBOOK_EDITIONS"
REQUIRE_VARIABLE = "CONVBOOK_REQUIRE_EDITIONS"
PAGE_FILES = (".svg", "-narrow.svg", ".pdf", ".png", ".csv")  # of a figure, without its slides
NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]*")
LINE = re.compile(rf"({NAME.pattern}) (\d{{4}}-\d\d-\d\d) ([0-9a-f]{{7,40}}) ([0-9a-f]{{64}})")


@dataclass(frozen=True)
class Edition:
    """A line of the ledger: what was frozen, on which day, at which commit.

    ``sha256`` is the digest of its ``figures.json``.
    """

    name: str
    date: str
    commit: str
    sha256: str


def folder(project: Project) -> Path:
    """The folder of the frozen editions: CONVBOOK_EDITIONS, or ``editions`` in the checkout."""
    return project.root / (os.environ.get(FOLDER_VARIABLE) or "editions")


def current(project: Project) -> str:
    """The edition that ``CITATION.cff`` names.

    Raises
    ------
    BuildError
        If it could not be the name of a folder.
    """
    name = citation.about(project)["version"]
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise BuildError(
            f"CITATION.cff: version is {name!r}; an edition has a name of letters, digits, "
            'points and hyphens, in quotation marks if it looks like a number: "1.10"'
        )
    return name


def ledger(project: Project) -> tuple[Edition, ...]:
    """The editions that were released, in the ledger's order.

    Raises
    ------
    BuildError
        With file and line, for a line that is none, or an edition that stands there twice.
    """
    path = project.book / LEDGER
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    found: dict[str, Edition] = {}
    for number, line in enumerate(lines, start=1):
        text = line.split("#")[0].strip()
        if not text:
            continue
        where = f"{project.name(path)}:{number}"
        parts = LINE.fullmatch(text)
        if parts is None:
            raise BuildError(
                f"{where}: {text!r} is not <edition> <date> <commit> <sha256 of figures.json>"
            )
        edition = Edition(*parts.groups())
        if edition.name in found:
            raise BuildError(f"{where}: edition {edition.name} stands in the ledger already")
        found[edition.name] = edition
    return tuple(found.values())


def freeze(project: Project) -> Path:
    """Freeze the figures of the last built site as the current edition, and enter it in the ledger.

    Returns
    -------
    Path
        The folder of the frozen figures.

    Raises
    ------
    BuildError
        If the edition is frozen already; if there is no built site, or it is another edition's; if
        it holds figures, or the checkout holds changes, of no commit; if a file is not as
        ``figures.json`` lists it.
    """
    name = current(project)
    if name in {edition.name for edition in ledger(project)}:
        raise BuildError(
            f"edition {name} is in the ledger and stays as it is; "
            "a new edition has a new version in CITATION.cff"
        )
    target = folder(project) / name
    if target.exists():
        raise BuildError(
            f"{project.name(target)} exists, and the ledger does not list it; "
            "remove it to freeze this edition"
        )
    source = project.site / "figures"
    content, document = _built(project, name)
    head = commit(project)
    _require_commits(document, head)
    _require_address(document)
    incoming = target.with_name(f"{name}.new")
    try:
        _copy_checked(document, source, incoming / "figures")
        (incoming / "figures/figures.json").write_bytes(content)
        shutil.copyfile(figure_schema.PATH, incoming / "figures" / figure_schema.NAME)
        incoming.rename(target)
    finally:
        shutil.rmtree(incoming, ignore_errors=True)
    today = datetime.now(UTC).date().isoformat()
    path = project.book / LEDGER
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    lines.append(f"{name} {today} {head} {hashlib.sha256(content).hexdigest()}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return target / "figures"


def _built(project: Project, name: str) -> tuple[bytes, dict[str, Any]]:
    """The ``figures.json`` of the last built site, which must be that of an edition."""
    path = project.site / "figures/figures.json"
    if not path.is_file():
        raise BuildError(f"there is no {project.name(path)}: run make html first")
    content = path.read_bytes()
    document: dict[str, Any] = json.loads(content)
    figure_schema.validate(document)
    if document["edition"] != name:
        raise BuildError(
            f"the built site is edition {document['edition']}, and CITATION.cff says {name}: "
            "run make html first"
        )
    return content, document


def _require_commits(document: Mapping[str, Any], head: str) -> None:
    """Refuse to freeze what no commit can give again."""
    unsure = [
        entry["id"] for entry in document["figures"] if _is_unsure(entry["provenance"]["commit"])
    ]
    if unsure:
        raise BuildError(
            f"computed from changes that were not committed: {', '.join(unsure)}; "
            "commit, run make clean and make html, then freeze"
        )
    if _is_unsure(head):
        raise BuildError(
            f"the checkout is at commit {head}: changes in it are not committed, "
            "or it is no repository; commit, build and freeze then"
        )


def _require_address(document: Mapping[str, Any]) -> None:
    """Refuse to freeze citations that lead nowhere."""
    if any("https://" not in entry["citation"]["text"] for entry in document["figures"]):
        raise BuildError(
            "the citations hold no address of the site: give CITATION.cff a url, or set "
            f"{citation.SITE_VARIABLE} to https://…, and build again"
        )


def _is_unsure(commit: str) -> bool:
    return commit.endswith("+") or commit == "unknown"


def place(project: Project, outdir: Path) -> tuple[str, ...]:
    """Put the editions into a built site, under ``editions/<edition>/figures/``.

    Every edition of the ledger is checked, and copied with pages of its figures. An edition that
    is still being written is given a copy of the current figures, so that the addresses of its
    citations work; its pages say that it is not yet released.

    Parameters
    ----------
    project
        The book.
    outdir
        The site, with ``figures/`` complete.

    Returns
    -------
    tuple[str, ...]
        The editions of the ledger that are not there to be placed.

    Raises
    ------
    BuildError
        If a frozen file is not as it was cited; if an edition is not there and
        CONVBOOK_REQUIRE_EDITIONS is 1.
    """
    shutil.rmtree(outdir / "editions", ignore_errors=True)
    released = ledger(project)
    missing = tuple(e.name for e in released if not (folder(project) / e.name).is_dir())
    if missing and os.environ.get(REQUIRE_VARIABLE) == "1":
        raise BuildError(
            f"editions are required ({REQUIRE_VARIABLE}=1), and {project.name(folder(project))} "
            f"holds no {', '.join(missing)}"
        )
    for edition in released:
        if edition.name not in missing:
            _place_released(project, edition, outdir)
    name = current(project)
    if name not in {edition.name for edition in released}:
        _place_unreleased(project, outdir)
    elif name not in missing:
        _require_as_released(name, outdir)
    return missing


def _require_as_released(name: str, outdir: Path) -> None:
    """Refuse figures that cite an edition which was released without them."""

    def findings(folder: Path) -> dict[str, str]:
        document = json.loads((folder / "figures.json").read_text(encoding="utf-8"))
        return {entry["id"]: entry["title"] for entry in document["figures"]}

    frozen = findings(outdir / "editions" / name / "figures")
    new = [id for id, title in findings(outdir / "figures").items() if frozen.get(id) != title]
    if new:
        raise BuildError(
            f"edition {name} is released, and {', '.join(new)} is not in it as it is now: raise "
            "the version in CITATION.cff"
        )


def _place_released(project: Project, edition: Edition, outdir: Path) -> None:
    """Check a frozen edition, and put it into a site."""
    source = folder(project) / edition.name / "figures"
    target = outdir / "editions" / edition.name / "figures"
    path = source / "figures.json"
    content = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(content).hexdigest() != edition.sha256:
        raise BuildError(
            f"edition {edition.name}: {project.name(path)} is not the one that book/{LEDGER} "
            "lists; what was cited must not change"
        )
    document = json.loads(content)
    _copy_checked(document, source, target)
    (target / path.name).write_bytes(content)
    if (schema := source / figure_schema.NAME).is_file():
        shutil.copyfile(schema, target / schema.name)
    _write_pages(project, document, target, "released")


def _place_unreleased(project: Project, outdir: Path) -> None:
    """Put the current figures where the coming edition will stand; without their slides."""
    source = outdir / "figures"
    document = json.loads((source / "figures.json").read_text(encoding="utf-8"))
    target = outdir / "editions" / current(project) / "figures"
    for entry in document["figures"]:
        kept = {entry["id"] + end for end in PAGE_FILES}
        entry["files"] = {file: entry["files"][file] for file in entry["files"] if file in kept}
    _copy_checked(document, source, target)
    text = json.dumps(document, ensure_ascii=False, indent=1)
    (target / "figures.json").write_text(text + "\n", encoding="utf-8", newline="\n")
    shutil.copyfile(figure_schema.PATH, target / figure_schema.NAME)
    _write_pages(project, document, target, "unreleased")


def _write_pages(
    project: Project, document: Mapping[str, Any], target: Path, state: figure_pages.State
) -> None:
    ids = project.book / registry.NAME
    renamed = registry.read(ids).renamed if ids.exists() else {}
    book = citation.about(project)["title"]
    figure_pages.write(
        target, document["figures"], renamed, edition=document["edition"], book=book, state=state
    )


def _copy_checked(document: Mapping[str, Any], source: Path, target: Path) -> None:
    """Copy the files of all figures.

    Raises
    ------
    BuildError
        If one is not as the document lists it.
    """
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for entry in document["figures"]:
        for file, listed in entry["files"].items():
            path = source / file
            content = path.read_bytes() if path.is_file() else None
            if content is None or hashlib.sha256(content).hexdigest() != listed["sha256"]:
                what = "is not there" if content is None else "has another content now"
                raise BuildError(
                    f"edition {document['edition']}: figures.json lists {file}, which {what}; "
                    "what is cited must not change"
                )
            (target / file).write_bytes(content)
