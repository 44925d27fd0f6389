"""What a chapter hands to the site: figures, numbers for the prose, answers to the homework.

In a notebook each call shows its result. When the site is built, the same calls leave data in the
notebook's outputs, and the site takes it from there: nothing on a page is typed in by hand.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import numpy as np

from convbook.palette import ROLES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from convbook.plotting import Drawing

FIGURE_MIME = "application/vnd.convbook.figure+json"
ANSWER_MIME = "application/vnd.convbook.answer+json"
SOURCES = ("computed", "simulated", "predicted", "measured")

_HARD_PIXELS = 64  # an image of at most so many columns is a matrix, whose pixels one wants to see

PNG_DPI = 200  # "2×": a 7.2-inch figure is 1440 pixels wide, enough for a slide


def figure(
    id: str,
    draw: Drawing,
    *,
    title: str,
    alt: str,
    data: Mapping[str, Sequence[Any]] | None = None,
    height: float = 3.0,
    narrow_height: float | None = None,
    seeds: Sequence[int] | None = None,
) -> None:
    """Publish a figure under a permanent id.

    Parameters
    ----------
    id
        ``<chapter>-<slug>``; the figure's address for as long as the book exists.
    draw
        Draws on an empty figure, once 7.2 inches wide and once 3.6 (see `convbook.plotting`).
    title
        The finding, as a sentence.
    alt
        What a reader learns from the figure, for one who does not see it.
    data
        The numbers behind the figure: columns of equal length. They become its CSV file.
    height, narrow_height
        In inches, of the wide and of the phone's drawing; the latter is ``height`` unless given.
    seeds
        The seeds behind the figure, where chance had a part in it.

    Raises
    ------
    ValueError
        If the title or the alt text is empty, or the columns differ in length.
    """
    from IPython.display import display

    if not title.strip() or not alt.strip():
        raise ValueError(f"figure {id!r} needs a title and an alt text; one of them is empty")
    files = render(id, draw, height, narrow_height or height)
    if data is not None:
        files[f"{id}.csv"] = _base64(to_csv(data).encode())
    record = {
        "id": id,
        "title": title,
        "alt": alt,
        "seeds": [int(seed) for seed in seeds] if seeds is not None else None,
        "files": files,
    }
    display(
        {
            FIGURE_MIME: record,
            "image/png": files[f"{id}.png"],
            "text/plain": f"{title}\n{alt}",
        },
        raw=True,
    )


def render(id: str, draw: Drawing, height: float, narrow_height: float) -> dict[str, str]:
    """Draw a figure's files: name → base64. The same input gives the same bytes.

    The wide drawing becomes ``<id>.svg``, ``.pdf`` and ``.png``; the phone's, ``<id>-narrow.svg``.
    """
    from matplotlib.figure import Figure

    from convbook.plotting import NARROW, WIDE, book_style

    files = {}
    with book_style():
        wide = Figure(figsize=(WIDE, height))
        draw(wide)
        narrow = Figure(figsize=(NARROW, narrow_height))
        draw(narrow)
        files[f"{id}.svg"] = _base64(_svg(wide, salt=id))
        files[f"{id}-narrow.svg"] = _base64(_svg(narrow, salt=id))
        files[f"{id}.pdf"] = _base64(
            _save(wide, format="pdf", metadata={"CreationDate": None, "Producer": None})
        )
        files[f"{id}.png"] = _base64(
            _save(wide, format="png", dpi=PNG_DPI, facecolor="white", metadata={"Software": None})
        )
    return files


def _svg(figure: Figure, salt: str) -> bytes:
    """An SVG whose role colours turn with the page's colour scheme.

    The colours stand in the file as they are, so that any editor shows them; the added rules
    override them only where a browser asks for dark.
    """
    with _svg_salt(salt):
        text = _save(figure, format="svg", metadata={"Date": None}).decode()
    rules = "".join(
        f'[style*="{prop}: {colour.light}"]{{{prop}:{colour.dark}!important}}'
        for name, colour in ROLES.items()
        for prop in ("fill", "stroke")
        if f"{prop}: {colour.light}" in text
    )
    style = f"<style>@media (prefers-color-scheme:dark){{{rules}}}</style>"
    head, tag, rest = text.partition("<defs>")
    rest = re.sub(r"<image [^>]*>", lambda image: _lighter(image[0]), rest)
    return f"{head}{style}\n {tag}{rest}".encode()


def _lighter(element: str) -> str:
    """An SVG's image with its pixels unchanged, in a palette: a quarter to a half of the bytes.

    matplotlib writes four channels, though a map of colours has no more than 256. It also asks for
    hard pixels, which suits a matrix; a photograph is smoothed where it is shown smaller or larger.
    """
    from PIL import Image

    def in_palette(match: re.Match[str]) -> str:
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(match[1]))).convert("RGBA"))
        palette, index = np.unique(pixels.reshape(-1, 4), axis=0, return_inverse=True)
        if len(palette) > 256 or palette[:, 3].min() < 255:
            return match[0]
        image = Image.fromarray(index.reshape(pixels.shape[:2]).astype(np.uint8))
        image.putpalette(palette[:, :3].tobytes())
        buffer = io.BytesIO()
        image.save(buffer, "PNG", optimize=True)
        return f"data:image/png;base64,{_base64(buffer.getvalue())}"

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


def _base64(content: bytes) -> str:
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


def glue(name: str, value: Any) -> None:
    """Give a value a name that the prose can use: ``{glue:text}`name:.2f```."""
    from IPython.display import display

    display(
        {"application/papermill.record/text/plain": repr(_plain(value))},
        metadata={"scrapbook": {"name": name, "mime_prefix": "application/papermill.record/"}},
        raw=True,
    )


def answer(id: str, value: Any, source: str = "computed", **facts: Any) -> None:
    """Record the answer to a question of the homework, for ``answers.json`` and for the prose.

    Parameters
    ----------
    id
        As listed in ``book/questions.toml``, for instance ``"4b.kernel"``.
    value
        A number, a formula as text, a nested list or an array; for a simulated answer, a mapping
        with ``mean``, ``std``, ``seeds`` and ``ci95``, or a mapping from cases to such mappings.
    source
        ``computed`` (exact, from code that ran), ``simulated`` (an experiment with seeds),
        ``predicted`` (a model of something not measured) or ``measured`` (read off a device).
    **facts
        For a measured answer: ``device``, ``measured_on``, ``torch``, ``commit``, and
        ``recorded=True`` where the reading was taken in an earlier build.

    Raises
    ------
    ValueError
        If the source is unknown or lacks what it must state, or if a number is not finite or a
        value has no form in JSON.
    """
    from IPython.display import display

    record = _plain({"id": id, "value": value, "source": source, **facts})
    _validate(record)
    glue(id, value)
    display({ANSWER_MIME: record, "text/plain": f"{id} = {record['value']}"}, raw=True)


def _validate(record: Mapping[str, Any]) -> None:
    id, value, source = record["id"], record["value"], record["source"]
    if source not in SOURCES:
        raise ValueError(f"answer {id!r}: source is {source!r}; it can be {', '.join(SOURCES)}")
    if source == "simulated":
        cases = list(value.values()) if isinstance(value, dict) else []
        by_case = cases and all(isinstance(case, dict) for case in cases)
        for result in cases if by_case else [value]:
            _require(id, result if isinstance(result, dict) else {}, "mean", "std", "seeds", "ci95")
    if source == "measured":
        _require(id, record, "device", "measured_on", "torch", "commit")
    try:
        json.dumps(record, allow_nan=False)
    except ValueError:
        raise ValueError(f"answer {id!r} has a number that is not finite: {record}") from None
    except TypeError as error:
        raise ValueError(f"answer {id!r} cannot be written as JSON: {error}") from None


def _require(id: str, given: Mapping[str, Any], *keys: str) -> None:
    missing = [key for key in keys if given.get(key) in (None, "")]
    if missing:
        raise ValueError(f"answer {id!r} does not state {', '.join(missing)}")


def _plain(value: Any) -> Any:
    """NumPy values as Python's own; an integral float stays a float."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
