"""The command ``convbook``: what the package can tell in one line of a terminal."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from convbook import __version__
from convbook.commands import figures, memory, table
from convbook.commands.networks import MODELS

__all__ = ["MODELS", "main", "run"]

COMMANDS = {
    "table": (table, "shapes, parameters, receptive field and cost of each layer of a network"),
    "memory": (memory, "GPU memory of training a network, predicted without a GPU"),
    "figures": (figures, "what moved between two builds of the book's figures"),
}


def run() -> NoReturn:
    """Run the command with the arguments of the process, and end it."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    try:
        status = main(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the output has stopped, as `head` does; nothing is left to be flushed to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    sys.exit(status)


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns its exit code, 2 after a mistake of the user.

    A command's answer is a text; one that is also a verdict comes with its exit code.
    """
    options = _parser().parse_args(arguments)
    try:
        answer = COMMANDS[options.command][0].answer(options)
    except ValueError as mistake:
        print(f"convbook {options.command}: {mistake}", file=sys.stderr)
        return 2
    text: str
    status: int
    text, status = answer if isinstance(answer, tuple) else (answer, 0)
    print(text.rstrip("\n"))
    return status


class _Parser(argparse.ArgumentParser):
    """Tells a mistake in one sentence, without the usage above it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="convbook", description="Convolutional networks, computed.")
    parser.add_argument("--version", action="version", version=f"convbook {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)
    for name, (command, purpose) in COMMANDS.items():
        command.add_options(commands.add_parser(name, help=purpose))
    return parser
