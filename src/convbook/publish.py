"""What a chapter hands to the site: figures, numbers for the prose, answers, files of data.

In a notebook each call shows its result. When the site is built, the same calls leave data in the
notebook's outputs, and the site takes it from there: nothing on a page is typed in by hand.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from convbook.drift import rules
from convbook.rendering import draw_png, render, render_slides, to_base64, to_csv

if TYPE_CHECKING:
    from convbook.plotting import Drawing

FIGURE_MIME = "application/vnd.convbook.figure+json"
ANSWER_MIME = "application/vnd.convbook.answer+json"
DATA_MIME = "application/vnd.convbook.data+json"
SOURCES = ("computed", "simulated", "predicted", "measured")

LEAST_SEEDS = 10  # a claim about chance needs as many draws


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
    interval: Mapping[str, str | tuple[str, str] | float] | None = None,
) -> None:
    """Publish a figure under a permanent id.

    When the site is built, the environment variable ``CONVBOOK_CREDIT`` holds what the figure's
    slides say of their source, and the figure leaves all its files; elsewhere it is shown.

    Parameters
    ----------
    id
        ``<chapter>-<slug>``; the figure's address for as long as the book exists.
    draw
        Draws on an empty figure: 7.2 inches wide, 3.6 inches wide, or a slide (see
        `convbook.plotting`).
    title
        The finding, as a sentence; 110 letters at most.
    alt
        What a reader learns from the figure, for one who does not see it.
    data
        The numbers behind the figure: columns of equal length. They become its CSV file.
    height, narrow_height
        In inches, of the wide and of the phone's drawing; the latter is ``height`` unless given.
    seeds
        The seeds behind the figure, where chance had a part in it.
    interval
        How far the numbers of a column may move in a rerun that shows the same: the name of the
        column that numbers independent draws; the names of the columns with the ends (low, high)
        of its 95 % interval; or a factor above 1 for what a clock measured. See
        `convbook.drift.rules`. A column without one must come out the same.

    Raises
    ------
    ValueError
        If the title or the alt text is empty, the title is too long for a slide, the columns differ
        in length, or an interval does not fit the columns.
    """
    from IPython.display import display

    if not title.strip() or not alt.strip():
        raise ValueError(f"figure {id!r} needs a title and an alt text; one of them is empty")
    if interval is not None and data is None:
        raise ValueError(f"figure {id!r} states an interval, and no data that it could be for")
    title, alt = in_print(title), in_print(alt)
    table = None if data is None else to_csv(data).encode()
    ruled = None if interval is None else rules(interval, list(data or ()))
    shown = {"text/plain": f"{title}\n{alt}"}
    credit = os.environ.get("CONVBOOK_CREDIT")
    if credit is None:
        display({"image/png": to_base64(draw_png(draw, height)), **shown}, raw=True)
        return
    files = render(id, draw, height, narrow_height or height)
    files |= render_slides(id, draw, title, credit.format(id=id))
    if table is not None:
        files[f"{id}.csv"] = table
    written = {name: to_base64(content) for name, content in files.items()}
    record = {
        "id": id,
        "title": title,
        "alt": alt,
        "seeds": [int(seed) for seed in seeds] if seeds is not None else None,
        "interval": ruled,
        "files": written,
    }
    display({FIGURE_MIME: record, "image/png": written[f"{id}.png"], **shown}, raw=True)


def in_print(text: str) -> str:
    """A text with the signs of print: ’ for ', − before a number, no − before 0, 5 % together."""
    text = re.sub(r"(?<![\w.])-(?=0(?:\.0*)?(?![\d.]))", "", text)
    text = re.sub(r"(?<![\w.])-(?=\d)", "−", text)
    text = re.sub(r"(?<=\d) ?%", "\N{NO-BREAK SPACE}%", text)
    return text.replace("'", "’")


def glue(name: str, value: Any) -> None:
    """Give a value a name that the prose can use: ``{glue:text}`name:.2f```.

    Raises
    ------
    ValueError
        If the value is a number that is not finite: no sentence should say "nan".
    """
    from IPython.display import display

    plain = _plain(value)
    if isinstance(plain, float) and not math.isfinite(plain):
        raise ValueError(f"the value glued as {name!r} is {plain}; it must be finite")
    display(
        {"application/papermill.record/text/plain": repr(plain)},
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
        with ``mean``, ``std``, ``seeds`` (their number, 10 or more) and ``ci95``, or a mapping from
        cases to such mappings.
    source
        ``computed`` (exact, from code that ran), ``simulated`` (an experiment with seeds),
        ``predicted`` (a model of something not measured) or ``measured`` (read off a device).
    **facts
        For a measured answer: ``device``, ``measured_on``, ``torch``, ``commit``, and
        ``recorded=True`` where the reading was taken in an earlier build. Where there is no
        reading, the value is None and ``missing`` says why.

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


def data_file(name: str, content: Any) -> None:
    """Publish data for the page's own JavaScript, as ``data/<name>.json`` of the site.

    Parameters
    ----------
    name
        ``<chapter>-<slug>``, in lower-case letters, digits and hyphens.
    content
        Mappings with text as keys, lists, arrays, text, numbers, None. Equal content gives the
        same bytes.

    Raises
    ------
    ValueError
        If the name is not of that form, a number is not finite, or a value has no form in JSON.
    """
    from IPython.display import display

    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise ValueError(
            f"the data file's name is {name!r}; it must be of lower-case letters, digits and "
            "single hyphens, such as 'filters-kernels'"
        )
    try:
        text = json.dumps(
            _plain(content),
            ensure_ascii=False,
            allow_nan=False,
            sort_keys=True,
            separators=(",", ":"),
        )
    except ValueError:
        raise ValueError(f"data file {name!r} has a number that is not finite") from None
    except TypeError as error:
        raise ValueError(f"data file {name!r} cannot be written as JSON: {error}") from None
    text += "\n"
    told = f"{name}.json, {len(text.encode()):,} bytes"
    display({DATA_MIME: {"name": name, "text": text}, "text/plain": told}, raw=True)


def _validate(record: Mapping[str, Any]) -> None:
    id, value, source = record["id"], record["value"], record["source"]
    if source not in SOURCES:
        raise ValueError(f"answer {id!r}: source is {source!r}; it can be {', '.join(SOURCES)}")
    if source == "simulated":
        cases = list(value.values()) if isinstance(value, dict) else []
        by_case = cases and all(isinstance(case, dict) for case in cases)
        for result in cases if by_case else [value]:
            facts = result if isinstance(result, dict) else {}
            _require(id, facts, "mean", "std", "seeds", "ci95")
            if facts["seeds"] < LEAST_SEEDS:
                raise ValueError(
                    f"answer {id!r} rests on {facts['seeds']} seeds; it needs {LEAST_SEEDS} or more"
                )
    if source == "measured" and value is None:
        _require(id, record, "missing")  # no reading, which is no number either
    elif source == "measured":
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
