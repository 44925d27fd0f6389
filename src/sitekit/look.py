"""The look: the mark, the palette as a style sheet, the favicon, the licence in the foot."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from convbook.palette import ROLES, SIGNED
from sitekit.reading import project_of

# The mark, cell by cell: a 3×3 kernel (K) lies on a grid of inputs (i); its output (O) is filled.
MARK = ("KKKi", "KOKi", "KKKi", "iiii")
CELL, GAP = 7, 2


def mark(theme: str) -> str:
    """The mark as an SVG: a kernel over a grid, for the ``light`` or the ``dark`` theme."""
    kinds = {"K": "kernel", "O": "output", "i": "line"}
    size = len(MARK) * (CELL + GAP) - GAP
    cells = "".join(
        f'<rect x="{column * (CELL + GAP)}" y="{row * (CELL + GAP)}" width="{CELL}" height="{CELL}"'
        f' rx="1.5" fill="{getattr(ROLES[kinds[kind]], theme)}"/>'
        for row, line in enumerate(MARK)
        for column, kind in enumerate(line)
    )
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}">{cells}</svg>\n'


def palette_css() -> str:
    """The palette as custom properties: ``--role-ink`` and so on, for both themes."""
    light, dark = (
        "".join(f"--role-{name}:{getattr(colour, theme)};" for name, colour in ROLES.items())
        for theme in ("light", "dark")
    )
    ends = zip(("negative", "zero", "positive"), SIGNED, strict=True)
    signed = "".join(f"--signed-{end}:{colour};" for end, colour in ends)
    # Without JavaScript the theme sets no data-theme, and the system's preference decides.
    return (
        f"html{{{signed}{light}}}\n"
        f'html[data-theme="dark"]{{{dark}}}\n'
        f"@media (prefers-color-scheme:dark){{html:not([data-theme]){{{dark}}}}}\n"
    )


def write_assets(app: Sphinx) -> None:
    """Write what is drawn or derived into a folder of static files."""
    folder = project_of(app).build / "generated"
    folder.mkdir(parents=True, exist_ok=True)
    for theme in ("light", "dark"):
        (folder / f"mark-{theme}.svg").write_text(mark(theme))
    (folder / "palette.css").write_text(palette_css())
    app.config.html_static_path.append(str(folder))


def add_head(
    _app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: nodes.document
) -> None:
    """Put the favicon and the fonts of the first screen into a page's head."""
    at = context["pathto"]
    fonts = ("ibm-plex-serif-latin-400-normal", "ibm-plex-sans-latin-600-normal")
    preload = "".join(
        f'<link rel="preload" as="font" type="font/woff2" crossorigin'
        f' href="{at(f"_static/fonts/{font}.woff2", 1)}">\n'
        for font in fonts
    )
    icon = f'<link rel="icon" type="image/svg+xml" href="{at("_static/mark-light.svg", 1)}">\n'
    context["metatags"] = context.get("metatags", "") + preload + icon


def setup(app: Sphinx) -> dict[str, Any]:
    """Draw the assets before pages are written."""
    app.connect("builder-inited", write_assets)
    app.connect("html-page-context", add_head)
    return {"parallel_read_safe": True, "version": "1"}
