"""The figures' own pages: what a cited address shows, readable without JavaScript.

The page of a figure lies beside its files, in ``figures/`` of the site; an edition has a copy with
a banner in ``editions/<edition>/figures/``. An id that was given up keeps its addresses: its page
leads to the new one, and its files are copies of the new ones.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from sitekit import look
from sitekit.figures import PHONE, svg_size
from sitekit.slide_snippets import beamer, reveal

State = Literal["current", "released", "unreleased"]
"""Where a page lies: in ``figures/``, in a frozen edition, in one that is still being written."""

GROUPS = {
    "For a page": ("{id}.svg", "{id}.pdf", "{id}.png", "{id}.csv"),
    "For a slide": ("{id}-slide.png", "{id}-slide.pdf", "{id}-slide.svg"),
    "For a dark slide": ("{id}-slide-dark.png", "{id}-slide-dark.pdf", "{id}-slide-dark.svg"),
}
REPRODUCED = {
    "identical": "Yes, the same numbers as {against}",
    "within": "Yes, within its stated interval of {against}",
    "beyond": "No, changed beyond its stated interval since {against}",
    "new": "Nothing yet to compare it with",
}


def write(
    folder: Path,
    entries: Iterable[Mapping[str, Any]],
    renamed: Mapping[str, str],
    *,
    edition: str,
    book: str,
    state: State = "current",
) -> None:
    """Write the pages of all figures beside their files, and the addresses that were given up.

    Parameters
    ----------
    folder
        Holds the figures' files; the pages are written into it.
    entries
        The figures of ``figures.json``; their files lie in the folder.
    renamed
        Ids given up, and the ids in use (`sitekit.registry.Registry.renamed`). One whose figure is
        not among the entries, or which an entry still has, is left alone.
    edition, book
        The edition that the entries belong to, and the book's title.
    state
        Where the folder lies on the site.
    """
    figures = {entry["id"]: entry for entry in entries}
    for name, entry in figures.items():
        sizes = {
            key: pixels(folder / f"{name}{drawing}.svg")
            for key, drawing in {"wide": "", "narrow": "-narrow"}.items()
        }
        text = page(entry, sizes, edition=edition, book=book, state=state)
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    for old, new in renamed.items():
        if new in figures and old not in figures:
            text = template("redirect.html").render(old=old, new=new, entry=figures[new])
            (folder / f"{old}.html").write_text(text, encoding="utf-8")
            for file in figures[new]["files"]:
                shutil.copyfile(folder / file, folder / (old + file.removeprefix(new)))


def page(
    entry: Mapping[str, Any],
    sizes: Mapping[str, tuple[int, int]],
    *,
    edition: str,
    book: str,
    state: State = "current",
) -> str:
    """The page of one figure.

    Parameters
    ----------
    entry
        The figure's entry in ``figures.json``.
    sizes
        Width and height of its ``wide`` and its ``narrow`` drawing in CSS pixels.
    edition, book, state
        The edition and the title of the book; where the page lies.
    """
    files = entry["files"]
    groups = {
        heading: [
            (file.rsplit(".", 1)[1].upper(), file, kilobytes(files[file]["bytes"]))
            for file in (pattern.format(id=entry["id"]) for pattern in patterns)
            if file in files
        ]
        for heading, patterns in GROUPS.items()
    }
    slides = f"{entry['id']}-slide.pdf" in files
    return template("figure.html").render(
        entry=entry,
        sizes=sizes,
        edition=edition,
        book=book,
        state=state,
        root="../" if state == "current" else "../../../",
        groups={heading: rows for heading, rows in groups.items() if rows},
        snippets={"Beamer": beamer(entry), "reveal.js": reveal(entry)} if slides else {},
        facts=facts(entry, edition),
        phone=PHONE,
        palette=look.palette_css(),
        icon=f"data:image/svg+xml,{quote(look.mark('light').strip())}",
    )


def facts(entry: Mapping[str, Any], edition: str) -> dict[str, str]:
    """Where a figure comes from, as the rows of a table."""
    run = entry["provenance"]
    rows = {
        "Computed on": run["date"][:10],
        "Device": run["device"],
        "Commit": run["commit"],
        "Python": run["python"],
        "torch": run["torch"],
        "Seeds": "none" if run["seeds"] is None else ranges(run["seeds"]),
        "Edition": edition,
        "Reproduced": reproduced(**entry["reproduced"]),
    }
    return {name: value for name, value in rows.items() if value is not None}


def reproduced(status: str, against: str | None, detail: str) -> str:
    """Whether the last build gave a figure's numbers again, as a sentence without its full stop."""
    is_date = re.match(r"\d{4}-\d\d-\d\d", against or "")
    text = REPRODUCED[status].format(
        against=f"the record of {against}" if is_date else f"edition {against}"
    )
    return f"{text}: {detail}" if detail else text


def ranges(numbers: Sequence[int]) -> str:
    """Numbers in order, with runs of three or more as ``first–last``: "0–9, 12, 14"."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(
        f"{run[0]}–{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs
    )


def kilobytes(size: int) -> str:
    """A size in bytes, rounded up to whole kB of 1000 bytes: "37 kB"."""
    return f"{-(-size // 1000):,} kB"


def pixels(path: Path) -> tuple[int, int]:
    """Width and height of an SVG file in CSS pixels; its own units are points."""
    width, height = svg_size(path.read_text(encoding="utf-8"))
    return round(width * 4 / 3), round(height * 4 / 3)


@cache
def template(name: str) -> Template:
    """A template of this package, with escaping on."""
    folder = FileSystemLoader(Path(__file__).parent / "templates")
    options: dict[str, Any] = {"trim_blocks": True, "lstrip_blocks": True}
    environment = Environment(
        loader=folder, autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True,
        **options,
    )  # fmt: skip
    return environment.get_template(name)
