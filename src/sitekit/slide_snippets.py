"""What a lecturer pastes into a deck to show a figure: LaTeX for Beamer, HTML for reveal.js."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "−": "$-$",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}


def beamer(entry: Mapping[str, Any]) -> str:
    """A frame of Beamer that the figure's slide fills; ``entry`` is the figure's in figures.json.

    The slide is the background, so that neither margins nor the frame's title move it.
    """
    return (
        f"% {_line(entry['title'])}\n"
        f"% {_line(entry['citation']['text'])}\n"
        "{\n"
        "\\setbeamertemplate{navigation symbols}{}\n"
        "\\setbeamertemplate{background canvas}{\\includegraphics[\n"
        "  width=\\paperwidth, height=\\paperheight, keepaspectratio,\n"
        f"  alt={{{latex(_line(entry['alt']))}}}\n"
        f"]{{{entry['id']}-slide.pdf}}}}\n"
        "\\begin{frame}[plain]\n"
        "\\end{frame}\n"
        "}"
    )


def reveal(entry: Mapping[str, Any]) -> str:
    """A slide of reveal.js that the figure's slide fills, with its citation in the notes."""
    return (
        f'<section data-background-image="{entry["id"]}-slide.svg"\n'
        '         data-background-size="contain"\n'
        f'         role="img" aria-label="{escape(_line(entry["alt"]))}">\n'
        f'  <aside class="notes">{escape(_line(entry["citation"]["text"]))}</aside>\n'
        "</section>"
    )


def latex(text: str) -> str:
    """A text with LaTeX's special characters escaped."""
    return "".join(LATEX.get(character, character) for character in text)


def _line(text: str) -> str:
    """A text in one line, as a comment needs it."""
    return " ".join(text.split())
