"""``convbook figures``: what moved between two builds of the book's figures."""

from __future__ import annotations

import argparse
from pathlib import Path

FORMATS = ("text", "markdown", "json")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the subcommand."""
    parser.description = "The figures of the book's builds."
    actions = parser.add_subparsers(dest="action", metavar="action", required=True)
    compared = actions.add_parser("compare", help="what moved between two builds")
    compared.description = (
        "What moved between two builds, by the numbers behind each figure: identical, within its "
        "stated interval, or beyond it. The exit code is 1 where one is beyond it, or lost."
    )
    compared.epilog = "For instance: convbook figures compare old/figures.json new/figures.json"
    compared.add_argument("old", type=Path, metavar="OLD.json", help="figures.json of one build")
    compared.add_argument("new", type=Path, metavar="NEW.json", help="figures.json of another")
    compared.add_argument("--format", default="text", choices=FORMATS, help="text unless given")
    compared.add_argument("--all", action="store_true", help="list those that are identical too")
    compared.add_argument(
        "--site", default="", metavar="ADDRESS", help="of the site, for the links in Markdown"
    )


def answer(options: argparse.Namespace) -> tuple[str, int]:
    """The report, and 1 where a figure moved beyond its interval or is lost, else 0.

    Raises
    ------
    ValueError
        If a file is missing or not what it should be.
    """
    from convbook.drift import compare
    from convbook.drift_report import as_json, as_markdown, as_text

    figures = compare(options.old, options.new)
    if options.format == "json":
        report = as_json(figures)
    elif options.format == "markdown":
        report = as_markdown(figures, everything=options.all, site=options.site)
    else:
        report = as_text(figures, everything=options.all)
    return report, int(any(figure.status in ("beyond", "lost") for figure in figures))
