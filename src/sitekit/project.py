"""Where things are: the folders of a book and the pages it lists."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml


class BuildError(Exception):
    """The build cannot go on; the message says where and why, and is all that a user sees."""


@dataclass(frozen=True)
class Project:
    """A book's checkout: ``_config.yml`` and ``_toc.yml`` at its root, text in ``book``."""

    root: Path

    @property
    def book(self) -> Path:
        """The folder of the chapters."""
        return self.root / "book"

    @property
    def src(self) -> Path:
        """The folder of the packages that chapters import."""
        return self.root / "src"

    @property
    def build(self) -> Path:
        """Everything that a build writes."""
        return self.root / "_build"

    @property
    def executed(self) -> Path:
        """The cache of executed chapters."""
        return self.build / "executed"

    @property
    def site(self) -> Path:
        """The last good site."""
        return self.build / "html"

    @cached_property
    def config(self) -> dict[str, Any]:
        """``_config.yml``."""
        config: dict[str, Any] = yaml.safe_load((self.root / "_config.yml").read_text())
        return config

    @property
    def myst_extensions(self) -> tuple[str, ...]:
        """The Markdown syntax that the book switches on."""
        return tuple(self.config.get("parse", {}).get("myst_enable_extensions", ()))

    def pages(self) -> list[Path]:
        """The pages that ``_toc.yml`` lists, in their order."""
        toc = yaml.safe_load((self.root / "_toc.yml").read_text())
        return [self.book / f"{name}.md" for name in _files(toc)]

    def name(self, path: Path) -> str:
        """A path as people write it: relative to the checkout."""
        inside = path.is_relative_to(self.root)
        return path.relative_to(self.root).as_posix() if inside else str(path)


def _files(entry: Any) -> list[str]:
    """All ``root`` and ``file`` values of a table of contents, depth first."""
    if isinstance(entry, list):
        return [name for item in entry for name in _files(item)]
    if not isinstance(entry, dict):
        return []
    own = [entry[key] for key in ("root", "file") if key in entry]
    return own + [
        name for key in ("parts", "chapters", "sections") for name in _files(entry.get(key))
    ]
