"""Where the built site is, and which pages it has."""

import json
import os
from pathlib import Path

SITE = Path(os.environ.get("CONVBOOK_BUILT_SITE", Path(__file__).parents[2] / "_build/html"))
LIST = SITE / "figures/figures.json"
EDITION = json.loads(LIST.read_text())["edition"] if LIST.is_file() else ""
# The pages of single figures are made from one template: one of each kind stands for all.
PAGES = [
    *sorted(path.name for path in SITE.glob("*.html")),
    *sorted(path.relative_to(SITE).as_posix() for path in SITE.glob("explorers/*.html")),
    "figures/filters-cats-eye.html",
    f"editions/{EDITION}/figures/filters-cats-eye.html",
]
