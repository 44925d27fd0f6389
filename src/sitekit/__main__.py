"""``python -m sitekit build``: what the Makefile calls."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sitekit.build import build
from sitekit.project import BuildError, Project


def main() -> int:
    """Run one command; a fault in the book is a message and exit code 1, never a traceback."""
    parser = argparse.ArgumentParser(prog="python -m sitekit", description=__doc__)
    parser.add_argument("command", choices=["build", "serve"])
    arguments = parser.parse_args()
    project = Project(Path.cwd())
    try:
        if arguments.command == "build":
            build(project)
        else:
            from sitekit.serve import serve

            serve(project)
    except BuildError as error:
        print(f"\n{error}\n\nThe build failed; the last good site is untouched.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
