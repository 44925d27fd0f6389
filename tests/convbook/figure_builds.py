"""Builds of figures as a site leaves them, for the tests that compare two."""

import hashlib
import json

from convbook.rendering import to_csv


def entry(id, *, csv=True, interval=None, drawing="drawing", **more):
    """What figures.json says of a figure; ``drawing`` stands for its SVG file."""
    names = [f"{id}.svg", *([f"{id}.csv"] if csv else [])]
    checksum = hashlib.sha256(drawing.encode()).hexdigest()
    return {
        "id": id,
        "title": f"The finding of {id}",
        "page": f"chapter.html#{id}",
        "files": {name: {"sha256": checksum, "bytes": 1} for name in names},
        "interval": interval,
        **more,
    }


def write_build(folder, figures):
    """Write a build's figures.json, from ids to (data or None, facts for `entry`)."""
    folder.mkdir(exist_ok=True)
    entries = []
    for id, (data, facts) in figures.items():
        entries.append(entry(id, csv=data is not None, **facts))
        if data is not None:
            (folder / f"{id}.csv").write_text(to_csv(data), encoding="utf-8")
    path = folder / "figures.json"
    path.write_text(json.dumps({"edition": "0.1.0", "figures": entries}), encoding="utf-8")
    return path
