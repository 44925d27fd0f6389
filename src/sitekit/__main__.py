"""``python -m sitekit build``: what the Makefile calls."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

# jsonschema would load a grammar of internet addresses, which takes a second and a half; None makes
# its import fail, which jsonschema takes as: not installed. No address is checked here.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]

from sitekit.build import build  # noqa: E402
from sitekit.project import BuildError, Project  # noqa: E402

FAILED = {
    "build": "The build failed; the last good site is untouched.",
    "serve": "The build failed; the last good site is untouched.",
    "edition": "Nothing was frozen.",
    "record": "Nothing was put on record.",
}


def main() -> int:
    """Run one command; a fault in the book is a message and exit code 1, never a traceback."""
    parser = argparse.ArgumentParser(prog="python -m sitekit", description=__doc__)
    parser.add_argument("command", choices=FAILED)
    arguments = parser.parse_args()
    project = Project(Path.cwd())
    try:
        if arguments.command == "build":
            build(project)
        elif arguments.command == "edition":
            freeze(project)
        elif arguments.command == "record":
            from sitekit import figure_record

            where = project.name(figure_record.keep(project))
            print(f"The figures' numbers are on record in {where}; the next build says so")
        else:
            from sitekit.serve import serve

            serve(project)
    except BuildError as error:
        print(f"\n{error}\n\n{FAILED[arguments.command]}", file=sys.stderr)
        return 1
    return 0


def freeze(project: Project) -> None:
    """Freeze an edition, and say what is left to do by hand."""
    from sitekit import editions

    figures = project.name(editions.freeze(project))
    print(
        f"Frozen: {figures}. Commit book/{editions.LEDGER}, and attach the folder to the release."
    )


if __name__ == "__main__":
    sys.exit(main())
