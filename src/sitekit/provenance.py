"""Says on each page where its results come from, and on each chapter what it takes.

The foot of a page states date, seconds, device, versions and commit of the run that is shown. A
line under a chapter's title states the minutes to read, the seconds to run, and whether it wants
a GPU; the seconds are those of that run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

from sitekit.commit import commit, commit_date
from sitekit.project import BuildError
from sitekit.reading import project_of, run_metadata

logger = logging.getLogger(__name__)

GPU_WORDS = {"no": "no GPU needed", "optional": "uses a GPU if there is one"}


def facts_line(chapter: Mapping[str, Any], provenance: Mapping[str, Any]) -> str:
    """The line under a chapter's title.

    Raises
    ------
    BuildError
        If the front matter lacks ``read_minutes``, ``gpu`` is neither "no" nor "optional", or
        ``cores`` is there and not "all".
    """
    if chapter.get("cores", "all") != "all":
        raise BuildError(f'the front matter\'s `cores` is {chapter["cores"]!r}; it can be "all"')
    if chapter.get("gpu") not in GPU_WORDS or not isinstance(chapter.get("read_minutes"), int):
        raise BuildError(
            f'the front matter\'s `chapter` is {dict(chapter)}; it needs gpu: "no" or "optional"'
            " and read_minutes: a whole number"
        )
    where = "a GPU" if provenance["gpu"] else _count(provenance["threads"], "thread")
    return " · ".join(
        [
            f"{_count(chapter['read_minutes'], 'minute')} to read",
            f"{_count(max(1, round(provenance['seconds'])), 'second')} to run on {where}",
            GPU_WORDS[chapter["gpu"]],
        ]
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def add_facts(app: Sphinx, doctree: nodes.document) -> None:
    """Put a chapter's line of facts under its title."""
    metadata = app.env.metadata[app.env.docname]
    run = run_metadata(app.env, app.env.docname)
    title = next(iter(doctree.findall(nodes.title)), None)
    if "chapter" not in metadata or not run or title is None:
        return
    try:
        text = facts_line(json.loads(metadata["chapter"]), run["provenance"])
    except BuildError as error:
        logger.warning("%s", error, location=(app.env.docname, 1))
        return
    line = nodes.paragraph("", text, classes=["chapter-facts"])
    title.parent.insert(title.parent.index(title) + 1, line)


def add_foot(
    app: Sphinx, pagename: str, _template: str, context: dict[str, Any], _doctree: nodes.document
) -> None:
    """Hand the page's provenance to the template of the foot."""
    run = run_metadata(app.env, pagename) if pagename in app.env.all_docs else {}
    project = project_of(app)
    context["provenance"] = run.get("provenance") or {
        "commit": commit(project),
        "commit_date": commit_date(project),
    }


def rewrite_feet(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Pages that compute nothing name the commit of the build: a new commit rewrites them."""
    now = commit(project_of(app))
    before = vars(env).get("foot_commit")
    vars(env)["foot_commit"] = now
    if before == now:
        return []
    return [docname for docname in env.found_docs if not run_metadata(env, docname)]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the handlers and the template of the foot."""
    app.config.templates_path.append(str(Path(__file__).parent / "templates"))
    app.connect("doctree-read", add_facts, priority=900)
    app.connect("env-updated", rewrite_feet)
    app.connect("html-page-context", add_foot)
    return {"parallel_read_safe": True, "version": "1"}
