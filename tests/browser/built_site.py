"""Where the built site is, and which pages it has."""

from pathlib import Path

SITE = Path(__file__).parents[2] / "_build/html"
PAGES = sorted(path.name for path in SITE.glob("*.html"))
