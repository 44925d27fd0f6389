"""A small book: one chapter with a figure and an answer, a page without code, two modules."""

import shutil
import subprocess
import sys
from pathlib import Path

from bs4 import BeautifulSoup

from sitekit.project import Project

ROOT = Path(__file__).parents[2]

CHAPTER = """---
file_format: mystnb
kernelspec: {name: python3, display_name: Python 3}
chapter: {gpu: "no", read_minutes: 1}
---

# Small

Some prose about {glue:text}`four`.

(small-section)=
## A section

```{code-cell} ipython3
from smallpkg.used import double

from convbook.publish import answer, figure, glue

glue("four", double(2))
answer("0.four", double(2))
```

```{code-cell} ipython3
:tags: [hide-input]

def draw(fig):
    fig.subplots().plot([1, double(2)])

assert double(2) == 4
figure("small-line", draw, title="Two doubled is four", alt="A line rises to 4.",
       data={"x": [0, 1], "y": [1, double(2)]})
```

```{computed-figure} small-line
The caption says {glue:text}`four`.
```

See {numref}`small-line`, or its negative {glue:text}`minus`, or {glue:text}`four` % with `7 % 4`.

```{code-cell} ipython3
from IPython.display import Markdown

glue("minus", -double(2))
Markdown("| a | b |\\n| --- | --- |\\n| 1 | 2 |")
```

So $a = b$, too.
"""


FRONT = """# Front

See [the chapter](small.md).

```{borrowed-figure} small-line
```
"""

CATALOGUE = """# Figures

```{figure-decks}
```

```{figure-snippet} beamer small-line
```

## Small

```{figure-cards} small
```
"""


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def make_small_book(folder: Path) -> Project:
    """Write the small book, with this book's own configuration, into a folder."""
    root = folder / "small"
    write(root / "book/small.md", CHAPTER)
    write(root / "book/index.md", FRONT)
    write(root / "book/figures.md", CATALOGUE)
    write(root / "book/figure-ids.txt", "small-line\nsmall-old -> small-line\n")
    write(root / "book/questions.toml", '[small]\nanswers = ["0.four"]\n')
    write(root / "book/references.bib", "")
    write(root / "src/smallpkg/__init__.py", "")
    write(root / "src/smallpkg/used.py", "def double(x):\n    return 2 * x\n")
    write(root / "src/smallpkg/unused.py", "X = 1\n")
    write(root / "requirements.txt", "numpy==1.0  # a comment\n")
    write(
        root / "_toc.yml",
        "format: jb-book\nroot: index\nchapters:\n  - file: small\n  - file: figures\n",
    )
    for name in ("_config.yml", "CITATION.cff"):
        shutil.copy(ROOT / name, root / name)
    shutil.copytree(ROOT / "book/assets", root / "book/assets")
    return Project(root)


def edit(book: Project, name: str, old: str, new: str) -> None:
    """Replace a piece of a file of the book, which must be there."""
    path = book.root / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def build(book: Project) -> subprocess.CompletedProcess[str]:
    """Build the book's site in a process of its own."""
    command = [sys.executable, "-m", "sitekit", "build"]
    options = {"capture_output": True, "text": True, "timeout": 300}  # a hang is a failure
    return subprocess.run(command, cwd=book.root, check=False, **options)


def page(book: Project, name: str) -> BeautifulSoup:
    """A page of the built site."""
    return BeautifulSoup((book.site / name).read_text(), "html.parser")
