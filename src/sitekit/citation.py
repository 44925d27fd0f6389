"""How a figure is credited and cited, from ``CITATION.cff``.

A citation leads to the figure in its edition (`sitekit.editions`), which stays as it was; a credit
leads to the figure's own page, which shows it as it is now.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import yaml

from sitekit.project import Project
from sitekit.slide_snippets import latex

SITE_VARIABLE = "CONVBOOK_SITE_URL"  # where the site is published, if CITATION.cff has no `url`
LICENCE = "CC-BY-4.0"
LICENCE_NAME = "CC BY 4.0"


def about(project: Project) -> dict[str, Any]:
    """The book's ``CITATION.cff``."""
    found: dict[str, Any] = yaml.safe_load(
        (project.root / "CITATION.cff").read_text(encoding="utf-8")
    )
    return found


def address(path: str, about: Mapping[str, Any]) -> str:
    """A path of the site as a full address, or as it is where nobody knows the site's own."""
    site = str(about.get("url") or os.environ.get(SITE_VARIABLE, "")).rstrip("/")
    return f"{site}/{path}" if site else path


def authors(about: Mapping[str, Any]) -> list[str]:
    """The names of the book's authors, people's and groups'."""
    return [a.get("name") or f"{a['given-names']} {a['family-names']}" for a in about["authors"]]


def credit(about: Mapping[str, Any]) -> str:
    """The line that figures carry on slides; ``{id}`` stands for the figure's id."""
    title = f"{about['title']}, edition {about['version']}".replace("{", "{{").replace("}", "}}")
    return f"{title} · {LICENCE_NAME} · {address('figures/{id}.html', about)}"


def cite(name: str, title: str, about: Mapping[str, Any]) -> dict[str, str]:
    """How to cite one figure: as a sentence (``text``) and as BibTeX (``bibtex``)."""
    names = authors(about)
    year = str(about["date-released"])[:4]
    book, edition = about["title"], about["version"]
    where = address(f"editions/{edition}/figures/{name}.html", about)
    finding = title.rstrip(".")
    return {
        "text": (
            f"{' and '.join(names)} ({year}). “{finding}.” Figure {name} in {book}, "
            f"edition {edition}. {where}. {LICENCE_NAME}."
        ),
        "bibtex": (
            f"@misc{{{name},\n  author = {{{' and '.join(f'{{{latex(a)}}}' for a in names)}}},\n"
            f"  title = {{{{{latex(finding)}}}}},\n  year = {{{year}}},\n"
            f"  howpublished = {{Figure in {latex(book)}, edition {edition}}},\n"
            f"  url = {{{where}}},\n  note = {{{LICENCE_NAME}}}\n}}"
        ),
    }
