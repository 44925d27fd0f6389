"""A figure on a slide: 16:9, its finding above it, a line of credit below, in one drawing.

The letters of a drawing are 9 points and more on a slide of 7.2 inches. On one of 13.3 inches, as
presentation programs have it, they are 17 points and more: legible from the last row.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from convbook.plotting import Drawing

TITLE_BAND = 0.15  # of the slide's height, at its top: decks put a title of their own there
CREDIT_BAND = 0.055  # at its bottom
MARGIN = 0.03  # of the slide's width, left and right

_ONE_LINE = (66, 14.0)  # letters, points
_TWO_LINES = (72, 12.5)
_CREDIT = 140  # letters; a longer line is smaller
LONGEST = 110  # letters of a title


def draw_slide(figure: Figure, draw: Drawing, title: str, credit: str) -> None:
    """Draw a slide on an empty figure of `convbook.plotting.SLIDE` inches, in the book's style.

    Raises
    ------
    ValueError
        If the title is longer than `LONGEST` or needs more than two lines.
    """
    from convbook.plotting import role

    heading, size = _heading(title)
    layout = figure.get_layout_engine()
    if layout is None:
        raise ValueError("the figure has no layout engine; draw a slide in the book's style")
    height = 1 - TITLE_BAND - CREDIT_BAND
    layout.set(rect=(MARGIN, CREDIT_BAND, 1 - 2 * MARGIN, height))  # type: ignore[call-arg]
    draw(figure)
    figure.text(
        MARGIN, 1 - TITLE_BAND / 2, heading, size=size, va="center",
        family="IBM Plex Sans SemiBold", weight="semibold", linespacing=1.15,
    )  # fmt: skip
    size = min(6.5, 6.5 * _CREDIT / len(credit)) if credit else 6.5
    figure.text(MARGIN, CREDIT_BAND / 2, credit, size=size, va="center", color=role("muted"))


def _heading(title: str) -> tuple[str, float]:
    """The title in one line or two that are about as long, and its size in points."""
    if len(title) > LONGEST:
        raise ValueError(f"the title has {len(title)} letters; it can have {LONGEST}: {title!r}")
    most, size = _ONE_LINE
    if len(title) <= most:
        return title, size
    most, size = _TWO_LINES
    words = title.split(" ")  # a number and its % stay together
    breaks = [[" ".join(words[:n]), " ".join(words[n:])] for n in range(1, len(words))]
    fitting = [lines for lines in breaks if max(map(len, lines)) <= most]
    if fitting:
        return "\n".join(min(fitting, key=_unevenness)), size
    raise ValueError(
        f"the title has {len(title)} letters; a slide has two lines of {most}: {title!r}"
    )


def _unevenness(lines: Iterable[str]) -> float:
    """How far two lines are from one length; a break after a comma makes up for some of it."""
    first, second = lines
    return abs(len(first) - len(second)) - (20 if first[-1] in ",;:" else 0)


def new_slide() -> Figure:
    """An empty figure of a slide's size, which a drawing knows by `convbook.plotting.is_slide`."""
    from matplotlib.figure import Figure

    from convbook.plotting import SLIDE

    return Figure(figsize=SLIDE)
