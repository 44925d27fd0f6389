"""The files of a figure: from one drawing to SVG, PDF and PNG, and from its numbers to CSV.

The same drawing gives the same bytes, whenever and in whichever process it is drawn.
"""

from __future__ import annotations

import base64
import csv
import io
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from convbook.palette import ROLES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from convbook.plotting import Drawing

PNG_DPI = 200  # "2×": a 7.2-inch figure is 1440 pixels wide
SLIDE_DPI = 1920 / 7.2  # a slide has 1920 × 1080 pixels
THUMBNAIL = (480, 215)  # pixels; as wide and high as what lies between a slide's two bands

_HARD_PIXELS = 64  # an image of at most so many columns is a matrix, whose pixels one wants to see


def render(id: str, draw: Drawing, height: float, narrow_height: float) -> dict[str, bytes]:
    """Draw a figure's files for pages. The same input gives the same bytes.

    The wide drawing becomes ``<id>.svg``, ``.pdf`` and ``.png``; the phone's, ``<id>-narrow.svg``.
    """
    from matplotlib.figure import Figure

    from convbook.plotting import NARROW, WIDE, book_style

    with book_style():
        wide = _laid_out(Figure(figsize=(WIDE, height)), draw)
        narrow = _laid_out(Figure(figsize=(NARROW, narrow_height)), draw)
        return {
            f"{id}.svg": _turning_svg(wide, salt=id),
            f"{id}-narrow.svg": _turning_svg(narrow, salt=f"{id}-narrow"),
            f"{id}.pdf": _pdf(wide),
            f"{id}.png": _png(wide, PNG_DPI, ROLES["paper"].light),
        }


def render_slides(id: str, draw: Drawing, title: str, credit: str) -> dict[str, bytes]:
    """Draw a figure's slides, which carry its title and the line of credit (`convbook.slides`).

    On a light ground they are ``<id>-slide``, on a dark one ``<id>-slide-dark``; each is ``.svg``,
    ``.pdf`` and ``.png``. For lists of many figures there are ``<id>-thumb.webp`` and
    ``<id>-thumb-dark.webp``. The same input gives the same bytes.
    """
    from convbook.plotting import book_style
    from convbook.slides import draw_slide, new_slide

    files = {}
    grounds: dict[Literal["light", "dark"], str] = {"light": "", "dark": "-dark"}
    for ground, ending in grounds.items():
        name, paper = f"{id}-slide{ending}", getattr(ROLES["paper"], ground)
        with book_style(ground):
            slide = _laid_out(new_slide(), lambda figure: draw_slide(figure, draw, title, credit))
            files[f"{name}.svg"] = _svg(slide, name, facecolor=paper).encode()
            files[f"{name}.pdf"] = _pdf(slide, facecolor=paper)
            files[f"{name}.png"] = _png(slide, SLIDE_DPI, paper)
        files[f"{id}-thumb{ending}.webp"] = _thumbnail(files[f"{name}.png"])
    return files


def draw_png(draw: Drawing, height: float) -> bytes:
    """The wide drawing alone, as a PNG: what a notebook shows."""
    from matplotlib.figure import Figure

    from convbook.plotting import WIDE, book_style

    with book_style():
        return _png(_laid_out(Figure(figsize=(WIDE, height)), draw), PNG_DPI, ROLES["paper"].light)


def _thumbnail(slide: bytes) -> bytes:
    """The drawing on a slide, small: without the heading and the credit, nobody could read them."""
    from PIL import Image

    from convbook.slides import CREDIT_BAND, TITLE_BAND

    image = Image.open(io.BytesIO(slide)).convert("RGB")
    width, height = image.size
    body = image.crop((0, round(TITLE_BAND * height), width, round((1 - CREDIT_BAND) * height)))
    body.thumbnail(THUMBNAIL, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    body.save(buffer, "WEBP", quality=70, method=4)
    return buffer.getvalue()


def _laid_out(figure: Figure, draw: Drawing) -> Figure:
    """The figure, drawn on, its layout found once for all the files that are made of it.

    The last digits of a constrained layout differ from one process to the next, so places are
    rounded to 1e-8 of the figure.
    """
    from matplotlib.transforms import Bbox

    draw(figure)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes in figure.axes:
        if axes.get_axes_locator() is None:
            axes.set_position(Bbox(np.round(axes.get_position(original=True).get_points(), 8)))
    return figure


def _turning_svg(figure: Figure, salt: str) -> bytes:
    """An SVG whose role colours turn with the page's colour scheme.

    The colours stand in the file as they are, so that any editor shows them; the added rules
    override them only where a browser asks for dark.
    """
    text = _svg(figure, salt)
    rules = "".join(
        f'[style*="{prop}: {colour.light}"]{{{prop}:{colour.dark}!important}}'
        for name, colour in ROLES.items()
        for prop in ("fill", "stroke")
        if f"{prop}: {colour.light}" in text
    )
    style = f"<style>@media (prefers-color-scheme:dark){{{rules}}}</style>"
    head, tag, rest = text.partition("<defs>")
    return f"{head}{style}\n {tag}{rest}".encode()


def _svg(figure: Figure, salt: str, **options: Any) -> str:
    with _svg_salt(salt):
        text = _save(figure, format="svg", metadata={"Date": None}, **options).decode()
    text = _with_numbered_clips(text, salt)
    return re.sub(r"<image [^>]*>", lambda image: _lighter(image[0]), text)


def _pdf(figure: Figure, **options: Any) -> bytes:
    metadata = {"CreationDate": None, "Producer": None}
    return _save(figure, format="pdf", metadata=metadata, **options)


def _png(figure: Figure, dpi: float, facecolor: str) -> bytes:
    metadata = {"Software": None}
    return _save(figure, format="png", dpi=dpi, facecolor=facecolor, metadata=metadata)


def _with_numbered_clips(svg: str, prefix: str) -> str:
    """The SVG with its clip paths named by their order.

    matplotlib names them by a hash of where they lie, to the last digit; and the last digits of a
    constrained layout differ from one process to the next.
    """
    old = re.findall(r'<clipPath id="(\w+)"', svg)
    new = {name: f"{prefix}-clip-{n}" for n, name in enumerate(old)}
    return re.sub(r"\bp[0-9a-f]{10}\b", lambda name: new.get(name[0], name[0]), svg)


def _lighter(element: str) -> str:
    """An SVG's image with its pixels unchanged, in grey or a palette: a quarter to half the bytes.

    matplotlib writes four channels, though a map of colours has no more than 256. It also asks for
    hard pixels, which suits a matrix; a photograph is smoothed where it is shown smaller or larger.
    """
    from PIL import Image

    def in_palette(match: re.Match[str]) -> str:
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(match[1]))).convert("RGBA"))
        palette, index = np.unique(pixels.reshape(-1, 4), axis=0, return_inverse=True)
        if len(palette) > 256 or palette[:, 3].min() < 255:
            return match[0]
        if (palette[:, :3] == palette[:, :1]).all():  # PNG packs grey levels better than a palette
            image = Image.fromarray(palette[index, 0].reshape(pixels.shape[:2]))
        else:
            image = Image.fromarray(index.reshape(pixels.shape[:2]).astype(np.uint8))
            image.putpalette(palette[:, :3].tobytes())
        buffer = io.BytesIO()
        image.save(buffer, "PNG", optimize=True)
        return f"data:image/png;base64,{to_base64(buffer.getvalue())}"

    element = re.sub(r"data:image/png;base64,([^\"]+)", in_palette, element)
    width = re.search(r' width="(\d+)"', element)
    if width and int(width[1]) > _HARD_PIXELS:
        element = element.replace("image-rendering:crisp-edges;image-rendering:pixelated", "")
    return element


def _svg_salt(salt: str) -> AbstractContextManager[None]:
    import matplotlib as mpl

    return mpl.rc_context({"svg.hashsalt": salt})


def _save(figure: Figure, **options: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, **options)
    return buffer.getvalue()


def to_base64(content: bytes) -> str:
    """Bytes as text, for a notebook's output."""
    return base64.b64encode(content).decode("ascii")


def to_csv(data: Mapping[str, Sequence[Any]]) -> str:
    """Columns as CSV text with a header; numbers to 10 significant digits.

    Raises
    ------
    ValueError
        If the columns differ in length.
    """
    # list() opens what NumPy would take for a single object, such as the values of a dict.
    columns = {name: np.asarray(list(column)).ravel().tolist() for name, column in data.items()}
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"the columns of a figure's data differ in length: {lengths}")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in zip(*columns.values(), strict=True):
        writer.writerow([f"{v:.10g}" if isinstance(v, float) else v for v in row])
    return text.getvalue()
