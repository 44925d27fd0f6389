"""Which state of the book's repository a result comes from."""

from __future__ import annotations

import subprocess

from sitekit.project import Project

# What decides how a build comes out.
SOURCES = ("book", "src", "requirements.txt", "CITATION.cff", "_config.yml", "_toc.yml")


def commit(project: Project) -> str:
    """The commit that is checked out; ``+`` marks uncommitted changes, "unknown" no repository."""
    try:
        dirty = _git(project, "status", "--porcelain", "--", *SOURCES)
        return _git(project, "rev-parse", "--short=12", "HEAD") + ("+" if dirty else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def commit_date(project: Project) -> str | None:
    """The day of the commit that is checked out, or None where there is no repository."""
    try:
        return _git(project, "log", "-1", "--format=%cs")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(project: Project, *arguments: str) -> str:
    command = ["git", "-C", str(project.root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
