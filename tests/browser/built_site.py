"""Where the built site is, and which pages it has."""

from pathlib import Path

SITE = Path(__file__).parents[2] / "_build/html"
# The pages of single figures are made from one template: one of each kind stands for all.
FIGURES = ("figures/filters-cats-eye.html", "editions/0.1.0/figures/filters-cats-eye.html")
PAGES = [
    *sorted(path.name for path in SITE.glob("*.html")),
    *(name for name in FIGURES if (SITE / name).is_file()),
]
