"""A live preview: the site is built anew when a source file is saved, and the page reloads."""

from __future__ import annotations

import subprocess
import sys

from livereload import Server

from sitekit.project import Project

PORT = 8000


def serve(project: Project) -> None:
    """Serve the last good site on this machine alone, until interrupted."""

    def rebuild() -> None:
        # A process of its own, so that a changed sitekit is read anew and a failure ends nothing.
        subprocess.run([sys.executable, "-m", "sitekit", "build"], cwd=project.root, check=False)

    rebuild()
    server = Server()
    for pattern in ("book/*.md", "book/*.bib", "book/*.toml", "book/*.txt", "book/assets/**/*",
                    "records/*.json", "src/**/*.py", "_config.yml", "_toc.yml",
                    "requirements.txt"):  # fmt: skip
        server.watch(str(project.root / pattern), rebuild)
    server.serve(root=str(project.site), host="127.0.0.1", port=PORT)
