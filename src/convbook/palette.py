"""The one palette of site, figures and explorers, for a light and for a dark ground.

A colour stands for a role, and it stands for it everywhere: what is blue is an input, what is
orange is a kernel. The site's style sheet is written from this table when the site is built.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Colour:
    """One role's colour on a light and on a dark ground, as ``#rrggbb``."""

    light: str
    dark: str


ROLES: dict[str, Colour] = {
    "paper": Colour("#ffffff", "#12161c"),
    "surface": Colour("#f4f6f8", "#1b212a"),
    "ink": Colour("#1b2430", "#e6eaf0"),
    "muted": Colour("#546072", "#a3aebd"),
    "line": Colour("#d3d9e1", "#3a4454"),
    "input": Colour("#006ad8", "#6d9ef6"),
    "kernel": Colour("#b4470b", "#ff9e63"),
    "output": Colour("#17644c", "#3edfaf"),
    "gradient": Colour("#8b3a86", "#e1b4de"),
}

# Signed values: negative, zero, positive. The same on both grounds: zero is a value, not paper.
SIGNED = ("#164f96", "#f3f2ee", "#b0410a")
