"""The scripts and style sheets of explorers without their comments, for the site.

Comments are half of their weight, and are read in the repository. The short files are laid over the
static files; their names, and so the imports between them, stay.
"""

from __future__ import annotations

from typing import Any

from rcssmin import cssmin
from rjsmin import jsmin
from sphinx.application import Sphinx
from sphinx.config import Config

from sitekit.explorers import FOLDER
from sitekit.reading import project_of

SHORTEN = {".mjs": jsmin, ".css": cssmin}


def lay_files(app: Sphinx, config: Config) -> None:
    """Write the short files into a folder of their own, which comes after the assets."""
    project = project_of(app)
    assets, short = project.book / "assets", project.build / "short"
    written = set()
    for path in sorted((assets / FOLDER).rglob("*")):
        if path.suffix in SHORTEN:
            target = short / path.relative_to(assets)
            text = SHORTEN[path.suffix](path.read_text(encoding="utf-8"))
            if not target.is_file() or target.read_text(encoding="utf-8") != text:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text, encoding="utf-8")
            written.add(target)
    for path in short.rglob("*"):
        if path.is_file() and path not in written:  # of a script that is gone
            path.unlink()
    if written:
        config.html_static_path.append(str(short))


def setup(app: Sphinx) -> dict[str, Any]:
    """Lay the files before Sphinx asks whether static files changed."""
    app.connect("config-inited", lay_files)
    return {"parallel_read_safe": True, "version": "1"}
