"""``answers.json``: the answers to the homework, as the chapters computed them.

``book/questions.toml`` lists the ids that exist, by chapter. An id answered twice, answered by
another chapter than its own, unknown, or missing from a chapter on the site fails the build.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import SphinxError

from sitekit.reading import run_metadata

QUESTIONS = "questions.toml"


def collection(env: BuildEnvironment) -> dict[str, list[dict[str, Any]]]:
    """All answers, by page."""
    found: dict[str, list[dict[str, Any]]] = vars(env).setdefault("homework_answers", {})
    return found


def collect(app: Sphinx, doctree: nodes.document) -> None:
    """Take a page's answers, each with the anchor of the section that computed it."""
    env = app.env
    run = run_metadata(env, env.docname)
    sections = _sections(doctree)
    collection(env)[env.docname] = [
        {
            **{key: value for key, value in answer.items() if key != "cell"},
            "chapter": env.docname,
            "anchor": sections.get(run["cells"][answer["cell"]], ""),
            "line": run["lines"][answer["cell"]],
        }
        for answer in run.get("answers", [])
    ]


def _sections(doctree: nodes.document) -> dict[int, str]:
    """The id of the section that holds each code cell, by the cell's index in the notebook."""
    found = {}
    for cell in doctree.findall(nodes.container):
        if cell.get("nb_element") != "cell_code":
            continue
        section: nodes.Node = cell
        while section is not None and not isinstance(section, nodes.section):
            section = section.parent
        if section is not None:
            # An explicit label comes last, and stays when the title changes.
            found[cell["cell_index"]] = section["ids"][-1]
    return found


def purge(_app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Forget a page that is read again or gone."""
    collection(env).pop(docname, None)


def check(app: Sphinx, env: BuildEnvironment) -> None:
    """Hold the answers against the list of questions.

    Raises
    ------
    SphinxError
        Naming each id that is unknown, answered twice, answered elsewhere, or missing.
    """
    questions = tomllib.loads((Path(app.srcdir) / QUESTIONS).read_text(encoding="utf-8"))
    if problems := list(compare(questions, collection(env))):
        raise SphinxError("\n".join(problems))


def compare(
    questions: dict[str, dict[str, list[str]]], answers: dict[str, list[dict[str, Any]]]
) -> list[str]:
    """What is wrong with the answers: one sentence each."""
    home = {id: name for name, chapter in questions.items() for id in chapter["answers"]}
    problems: list[str] = []
    seen: dict[str, str] = {}
    for page, found in answers.items():
        for answer in found:
            id, where = answer["id"], f"book/{page}.md:{answer['line']}"
            if id in seen:
                problems.append(f"{where}: answer {id!r} was given before, at {seen[id]}")
            elif id not in home:
                problems.append(f"{where}: no question {id!r} is listed in book/{QUESTIONS}")
            elif home[id] != page:
                problems.append(f"{where}: answer {id!r} belongs to chapter {home[id]}")
            seen[id] = where
    problems += [
        f"book/{page}.md:1: answer {id!r} is missing"
        for page in answers
        for id in questions.get(page, {}).get("answers", [])
        if id not in seen
    ]
    return problems


def write(app: Sphinx, exception: Exception | None) -> None:
    """Write ``answers.json`` at the root of the site."""
    if exception is not None or app.builder.name != "html":
        return
    entries = {
        answer["id"]: {key: value for key, value in answer.items() if key not in {"id", "line"}}
        for page in collection(app.env).values()
        for answer in page
    }
    text = json.dumps(dict(sorted(entries.items())), ensure_ascii=False, indent=1)
    (Path(app.outdir) / "answers.json").write_text(text + "\n", encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Collect while pages are read, check when all are read, write when the site is."""
    app.connect("env-purge-doc", purge)
    app.connect("doctree-read", collect, priority=900)
    app.connect("env-check-consistency", check)
    app.connect("build-finished", write)
    return {"parallel_read_safe": False, "version": "1"}
