"""``figures.json`` held against its published schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sitekit.project import BuildError
from sitekit.registry import DRAWINGS

NAME = "figures.schema.json"
PATH = Path(__file__).with_name(NAME)


def validate(document: Mapping[str, Any]) -> None:
    """Hold a document against the schema, and its entries against each other.

    Raises
    ------
    BuildError
        With the path of a fault, and the id of the figure it is in.
    """
    import jsonschema  # type: ignore[import-untyped]  # slow to import

    checker = jsonschema.Draft202012Validator(json.loads(PATH.read_text(encoding="utf-8")))
    error = jsonschema.exceptions.best_match(checker.iter_errors(document))
    if error is not None:
        raise BuildError(f"figures.json{_where(document, error)}: {error.message}")
    seen: set[str] = set()
    for entry in document["figures"]:
        for wrong in _misnamed(entry):
            raise BuildError(f"figures.json: figure {entry['id']}: {wrong}")
        if entry["id"] in seen:
            raise BuildError(f"figures.json: figure {entry['id']} has two entries; an id has one")
        seen.add(entry["id"])


def _misnamed(entry: Mapping[str, Any]) -> Iterator[str]:
    """Addresses and files of an entry that are not named as its figure is, or are lacking."""
    name = entry["id"]
    for key, end in {"landing": f"/{name}.html", "page": f".html#{name}"}.items():
        if not entry[key].endswith(end):
            yield f"its {key} is {entry[key]!r}; it must end in {end}"
    needed = {f"{name}{end}" for end in (".svg", "-narrow.svg", ".pdf", ".png")}
    if lacking := sorted(needed - entry["files"].keys()):
        yield f"it has no {', '.join(lacking)}"
    stems = {name, *(name + drawing for drawing in DRAWINGS)}
    for file in entry["files"]:
        if file.rsplit(".", 1)[0] not in stems:
            yield f"{file} is not named as a file of this figure is"


def _where(document: Mapping[str, Any], error: Any) -> str:
    """The path of a fault, as in JSONPath, and the figure that it is in."""
    path = list(error.absolute_path)
    text: str = error.json_path.removeprefix("$").removeprefix(".")
    if len(path) < 2 or path[0] != "figures":
        return f" {text}" if text else ""
    entry = document["figures"][path[1]]
    name = entry.get("id") if isinstance(entry, Mapping) else None
    return f" {text} (figure {name})"
