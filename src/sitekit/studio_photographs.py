"""The photographs of the filter studio: small and grey, in files beside the explorers' scripts.

``photographs/index.mjs`` tells the studio's script how large they are and whom to credit. Only a
site that has the studio gets them.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from sphinx.application import Sphinx

from convbook.photographs import PHOTOGRAPHS, grey
from sitekit.explorers import FOLDER, first_places
from sitekit.live_files import write_if_changed

NAMES = ("cat", "camera", "bricks", "coins")
SIDE = 360  # pixels of the longer side: what a phone shows
BYTES = 25_000  # of a file, at most
QUALITIES = range(
    98, 60, -2
)  # of WebP: a Laplacian shows what compression did, so the best that fits


def webp(name: str) -> tuple[bytes, tuple[int, int]]:
    """A photograph in grey as a WebP file, and its (width, height) in pixels.

    Raises
    ------
    ValueError, FileNotFoundError
        As `convbook.photographs.grey` does, and if the file would be larger than `BYTES`.
    """
    picture = Image.fromarray(np.round(grey(name) * 255).astype(np.uint8))
    scale = SIDE / max(picture.size)
    width, height = (round(side * scale) for side in picture.size)
    small = picture.resize((width, height), Image.Resampling.LANCZOS)
    for quality in QUALITIES:
        file = io.BytesIO()
        small.save(file, "WEBP", quality=quality, method=6)
        if file.tell() <= BYTES:
            return file.getvalue(), small.size
    raise ValueError(f"{name!r} does not fit into {BYTES} bytes at {SIDE} pixels")


def write_photographs(folder: Path) -> None:
    """Write the photographs and their ``index.mjs`` into a folder; what reads so already stays."""
    folder.mkdir(parents=True, exist_ok=True)
    index = {}
    for name in NAMES:
        content, (width, height) = webp(name)
        write_if_changed(folder / f"{name}.webp", content)
        facts = PHOTOGRAPHS[name]
        credit = f"{facts.title}, {facts.author}, {facts.licence}"
        index[name] = {"width": width, "height": height, "credit": credit}
    what = "/** The photographs of the filter studio, in pixels: written by the build. */"
    text = f"{what}\nexport const photographs = {json.dumps(index, indent=2)};\n"
    write_if_changed(folder / "index.mjs", text.encode())


def write_for_studio(app: Sphinx, error: Exception | None) -> None:
    """Write them into a site in which the studio is placed."""
    if error is None and "filter" in first_places(app.env):
        write_photographs(Path(app.outdir) / "_static" / FOLDER / "photographs")


def setup(app: Sphinx) -> dict[str, Any]:
    """Write the photographs once the site stands."""
    app.connect("build-finished", write_for_studio)
    return {"parallel_read_safe": True, "version": "1"}
