"""The folder ``data`` of the site: what chapters computed for the JavaScript of their pages.

A cell calls ``convbook.publish.data_file("filters-kernels", …)``, and the site has
``data/filters-kernels.json``. The folder is written when all pages are read.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import SphinxError

from sitekit import store
from sitekit.reading import project_of, run_metadata

FOLDER = "data"


def collection(env: BuildEnvironment) -> dict[str, dict[str, dict[str, Any]]]:
    """Of each page the data files by name, each with the run that wrote it and its line."""
    found: dict[str, dict[str, dict[str, Any]]] = vars(env).setdefault("data_files", {})
    return found


def collect(app: Sphinx, _doctree: nodes.document) -> None:
    """Take a page's data files from its run."""
    env = app.env
    run = run_metadata(env, env.docname)
    collection(env)[env.docname] = {
        name: {"run": run["id"], "line": run["lines"][record["cell"]]}
        for name, record in run.get("data", {}).items()
    }


def purge(_app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Forget a page that is read again or gone."""
    collection(env).pop(docname, None)


def write(app: Sphinx, env: BuildEnvironment) -> None:
    """Write the folder anew.

    Raises
    ------
    SphinxError
        If two chapters publish a file of the same name.
    """
    if app.builder.name != "html":
        return
    folder = Path(app.outdir) / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    seen: dict[str, str] = {}
    for page, files in sorted(collection(env).items()):
        for name, record in files.items():
            where = f"book/{page}.md:{record['line']}"
            if name in seen:
                raise SphinxError(
                    f"{where}: data file {name!r} is published a second time, after {seen[name]}"
                )
            seen[name] = where
            folder.mkdir(parents=True, exist_ok=True)
            source = store.folder(project_of(app), record["run"])
            shutil.copyfile(source / f"{name}.json", folder / f"{name}.json")


def setup(app: Sphinx) -> dict[str, Any]:
    """Collect while pages are read, write when all are."""
    app.connect("env-purge-doc", purge)
    app.connect("doctree-read", collect)
    app.connect("env-check-consistency", write)
    return {"parallel_read_safe": False, "version": "1"}
