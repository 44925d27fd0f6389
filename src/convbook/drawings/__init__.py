"""Drawings that one chapter alone needs, a module a chapter; the rest is `convbook.plotting`."""
