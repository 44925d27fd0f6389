"""``python -m convbook`` does what ``convbook`` does."""

from convbook.command import run

run()
