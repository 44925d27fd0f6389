"""The scripts and style sheets of explorers without their comments, for the site.

Comments are half of their weight, and are read in the repository. The short files are laid over the
static files; their names, and so the imports between them, stay. The library that shortens scripts
does not know templates within templates, so its work is checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from pygments.lexers.javascript import JavascriptLexer
from pygments.token import Comment, Text, Whitespace
from rcssmin import cssmin
from rjsmin import jsmin
from sphinx.application import Sphinx
from sphinx.config import Config

from sitekit.explorers import FOLDER
from sitekit.project import BuildError
from sitekit.reading import project_of


def script(text: str) -> str:
    """A script without comments and needless blanks.

    Raises
    ------
    BuildError
        If the short one would not be the same script.
    """
    short: str = jsmin(text)
    for own, shorts in zip_longest(tokens(text), tokens(short)):
        if own != shorts:
            raise BuildError(f"a script cannot be shortened: {own!r} would become {shorts!r}")
    return short


def tokens(text: str) -> Iterator[str]:
    """The tokens of a script, strings and templates with their blanks."""
    for kind, token in JavascriptLexer(ensurenl=False, stripnl=False).get_tokens(text):
        if not any(kind in other for other in (Comment, Text, Whitespace)):
            yield token


SHORTEN = {".mjs": script, ".css": cssmin}


def lay_files(app: Sphinx, config: Config) -> None:
    """Write the short files into a folder of their own, which comes after the assets."""
    project = project_of(app)
    assets, short = project.book / "assets", project.build / "short"
    written = set()
    for path in sorted((assets / FOLDER).rglob("*")):
        if path.suffix in SHORTEN:
            target = short / path.relative_to(assets)
            written.add(target)
            if target.is_file() and target.stat().st_mtime_ns > path.stat().st_mtime_ns:
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                text = SHORTEN[path.suffix](path.read_text(encoding="utf-8"))
            except BuildError as error:
                raise BuildError(f"{project.name(path)}: {error}") from None
            target.write_text(text, encoding="utf-8")
    for path in short.rglob("*"):
        if path.is_file() and path not in written:  # of a script that is gone
            path.unlink()
    if written:
        config.html_static_path.append(str(short))


def setup(app: Sphinx) -> dict[str, Any]:
    """Lay the files before Sphinx asks whether static files changed."""
    app.connect("config-inited", lay_files)
    return {"parallel_read_safe": True, "version": "1"}
