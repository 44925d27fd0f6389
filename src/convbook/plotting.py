"""How the book draws: one style, and a few ways to put arrays on a page.

A drawing is a function of an empty matplotlib figure. The book calls it for a wide page, for a
phone and for slides on a light and a dark ground, so a drawing asks `is_narrow` or `is_slide` where
these should differ, and `role` for its colours. Titles above panels, labels beside lines, no
legends; a matrix is always `draw_matrix`, a picture always `draw_image`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib import font_manager, style
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.rcsetup import cycler
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from convbook.palette import ROLES, SIGNED

if TYPE_CHECKING:
    from jaxtyping import Float
    from matplotlib.axes import Axes

Drawing = Callable[[Figure], None]

WIDE = 7.2  # inches; the page's column
NARROW = 3.6  # inches; a phone
SLIDE = (7.2, 4.05)  # inches; as wide as a page, so that its letters are as large beside the lines

Ground = Literal["light", "dark"]

SIGNED_MAP = LinearSegmentedColormap.from_list("signed", SIGNED)

_FONTS = Path(__file__).parent / "fonts"
_ground: ContextVar[Ground] = ContextVar("ground", default="light")  # set by `book_style` alone


@contextmanager
def book_style(ground: Ground = "light") -> Iterator[None]:
    """Draw in the book's style inside a ``with`` block; matplotlib's settings come back after it.

    The files of a page are drawn for a ``light`` ground, and the site turns their colours; a slide
    is also drawn for a ``dark`` one.

    What the style leaves open is as matplotlib ships it, whatever the notebook or a matplotlibrc
    has set: a figure has the same bytes wherever it is drawn.
    """
    _add_fonts()
    ink, muted, line = (getattr(ROLES[name], ground) for name in ("ink", "muted", "line"))
    settings: dict[str, Any] = {
        # The second family fills in for the arrows and Greek letters that the first one lacks.
        "font.family": ["IBM Plex Sans", "DejaVu Sans"],
        "font.size": 9.5,
        "axes.titlesize": 10,
        "axes.labelsize": 9.5,
        "xtick.labelsize": 9,
        "ytick.labelsize": 9,
        "text.color": ink,
        "axes.labelcolor": ink,
        "axes.titlecolor": ink,
        "axes.edgecolor": muted,
        "xtick.color": muted,
        "ytick.color": muted,
        "xtick.labelcolor": ink,
        "ytick.labelcolor": ink,
        "grid.color": line,
        # Black by default, also where nobody asked for an edge: the shaft of an annotation's arrow.
        "patch.edgecolor": ink,
        "hatch.color": ink,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlelocation": "left",
        "axes.facecolor": "none",
        "figure.facecolor": "none",
        "figure.constrained_layout.use": True,
        "lines.linewidth": 2.0,
        "lines.solid_capstyle": "round",
        "mathtext.fontset": "custom",
        "mathtext.rm": "IBM Plex Sans",
        "mathtext.it": "IBM Plex Sans",
        "mathtext.bf": "IBM Plex Sans SemiBold:semibold",
        # Looked up for any formula, though ours has no script letters; where it is missing,
        # matplotlib complains on standard error, which fails a build.
        "mathtext.cal": "IBM Plex Sans",
        "mathtext.fallback": "stixsans",
        # Glyphs as outlines: an image in a page cannot use the page's fonts, and a figure must look
        # the same on every machine.
        "svg.fonttype": "path",
        "pdf.fonttype": 42,
        "image.interpolation": "nearest",
        "axes.prop_cycle": cycler(
            color=[
                getattr(ROLES[name], ground) for name in ("input", "kernel", "output", "gradient")
            ]
        ),
    }
    before = _ground.set(ground)
    try:
        with style.context(["default", settings]):
            yield
    finally:
        _ground.reset(before)


@cache  # matplotlib would list a font again at every call
def _add_fonts() -> None:
    for file in sorted(_FONTS.glob("*.ttf")):
        font_manager.fontManager.addfont(file)


def is_narrow(figure: Figure) -> bool:
    """Whether the figure is drawn for a phone."""
    return float(figure.get_figwidth()) < (WIDE + NARROW) / 2


def is_slide(figure: Figure) -> bool:
    """Whether the figure is drawn for a slide, which is wide and never higher than 4.05 inches."""
    return tuple(figure.get_size_inches()) == SLIDE


def role(name: str) -> str:
    """The colour of a role of `convbook.palette` on the ground that `book_style` draws for."""
    if name not in ROLES:
        raise ValueError(f"no colour for role {name!r}; the roles are {', '.join(ROLES)}")
    return str(getattr(ROLES[name], _ground.get()))


def panels(figure: Figure, count: int, wide: int, narrow: int = 1, **options: Any) -> list[Axes]:
    """``count`` axes side by side: in ``wide`` columns on a page, in ``narrow`` on a phone.

    Options go to `Figure.subplots`. The last row may be shorter.
    """
    columns = min(count, narrow if is_narrow(figure) else wide)
    grid = figure.subplots(-(-count // columns), columns, squeeze=False, **options)
    for spare in grid.flat[count:]:
        spare.remove()
    return list(grid.flat[:count])


def draw_image(
    axes: Axes,
    image: Float[np.ndarray, "h w"],
    title: str | None = None,
    *,
    limit: float | None = None,
    low: float = 0.0,
    high: float = 1.0,
) -> None:
    """Draw a grey image, or, given a ``limit``, a signed response from −limit to +limit.

    A grey image runs from ``low`` (black) to ``high`` (white). A signed response is blue where it
    is negative, orange where it is positive and pale where it is zero.

    Raises
    ------
    ValueError
        If the limit is not above 0, or ``high`` not above ``low``: no colour would mean anything.
    """
    if limit is not None and not limit > 0:
        raise ValueError(f"limit is {limit}; it must be above 0, the largest size of a response")
    if not high > low:
        raise ValueError(f"high is {high}; it must be above low, which is {low}")
    # "none" keeps the pixels: any other way, matplotlib would put a resampled copy into the SVG.
    if limit is None:
        axes.imshow(image, cmap="gray", norm=Normalize(low, high), interpolation="none")
    else:
        norm = Normalize(-limit, limit)
        axes.imshow(image, cmap=SIGNED_MAP, norm=norm, interpolation="none")
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(visible=True, color=role("line"), linewidth=0.8)
    if title:
        axes.set_title(title)


def draw_matrix(
    axes: Axes,
    values: Float[np.ndarray, "h w"],
    title: str | None = None,
    *,
    colour: str = "kernel",
    number: Callable[[float], str] = "{:g}".format,
    highlight: Sequence[tuple[int, int]] = (),
) -> None:
    """Draw a matrix as a grid of numbers in the colour of its role; ``highlight`` fills cells."""
    height, width = np.shape(values)
    for i in range(height):
        for j in range(width):
            filled = (i, j) in highlight
            edge = role(colour)
            axes.add_patch(
                Rectangle((j, i), 1, 1, facecolor=edge if filled else "none", edgecolor=edge, lw=1)
            )
            axes.text(
                j + 0.5,
                i + 0.53,
                _with_minus(number(float(values[i][j]))),
                ha="center",
                va="center",
                color=role("paper") if filled else role("ink"),
            )
    axes.set(xlim=(-0.05, width + 0.05), ylim=(height + 0.05, -0.05), aspect="equal")
    axes.axis("off")
    if title:
        axes.set_title(title)


def _with_minus(number: str) -> str:
    """A formatted number with a true minus sign, and with none before a zero (−0, −0.00)."""
    is_zero = not number.strip("-0.")
    return number.replace("-", "" if is_zero else "−")


def label_line(
    axes: Axes, x: float, y: float, text: str, colour: str, *, ha: str = "left", va: str = "center"
) -> None:
    """Write a line's name beside it, in the line's colour, instead of a legend."""
    axes.text(x, y, text, color=role(colour), ha=ha, va=va)


def log_scale(axes: Axes, places: Sequence[float]) -> None:
    """A logarithmic axis upwards, with its numbers written out."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(FixedLocator(list(places)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))


def ticks(axes: Axes, places: Sequence[int]) -> None:
    """Numbers below a logarithmic axis, at these places alone."""
    axes.xaxis.set_major_locator(FixedLocator(list(places)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))


def name_below(figure: Figure, both: Sequence[Axes], name: str) -> None:
    """One name for the axes of panels: below each, or below the last where they are stacked."""
    for axes in both[-1:] if is_narrow(figure) else both:
        axes.set_xlabel(name)
