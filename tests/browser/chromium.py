"""Find a Chromium on this machine, or install one by whichever way the machine allows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)


def find() -> str | None:
    """The path of a browser: the one that CHROMIUM names, one on the path, or Playwright's own."""
    if named := os.environ.get("CHROMIUM"):
        return named
    for name in NAMES:
        if path := shutil.which(name):
            return path
    for place in PLACES:
        if Path(place).exists():
            return place
    return playwrights()


def playwrights() -> str | None:
    """The browser that Playwright downloaded, if it did."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def install() -> None:
    """Try Playwright's download, then Debian's package; say what happens."""
    ways = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if shutil.which("apt-get"):
        sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
        ways.append([*sudo, "apt-get", "install", "--yes", "--quiet", "chromium"])
    for way in ways:
        print("No Chromium here; trying:", " ".join(way), flush=True)
        if "apt-get" in way:
            subprocess.run([*way[: way.index("install")], "update", "--quiet"], check=False)
        if subprocess.run(way, check=False).returncode == 0 and find():
            return


def main() -> int:
    """Print where the browser is; with ``--install``, install one first if there is none."""
    if "--install" in sys.argv and find() is None:
        install()
    path = find()
    if path is None:
        print(
            "No Chromium was found or installed. Install one, or name it in CHROMIUM.",
            file=sys.stderr,
        )
        return 1
    print(f"Browser: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
