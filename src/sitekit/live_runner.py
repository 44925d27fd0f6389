"""Runs a reader's cell: in the page, under Pyodide; it needs no more than Python's own library.

`Session` keeps one namespace. What a cell prints and shows is handed to a function piece by piece,
so that it appears while the cell still runs.
"""

from __future__ import annotations

import ast
import builtins
import io
import linecache
import sys
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

# emit(kind, text): kind is "stdout", "stderr", "text" (a value), "html" (one that draws itself),
# "trace" (the lines that led to an error) or "error" (what it was).
Emit = Callable[[str, str], None]


class _Stream(io.TextIOBase):
    """A text stream that hands on what is written."""

    def __init__(self, kind: str, emit: Emit) -> None:
        self._kind = kind
        self._emit = emit

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._emit(self._kind, text)
        return len(text)


class Session:
    """One namespace, in which cells run one after the other."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._names: dict[str, Any] = {"__name__": "__main__", "display": self._show}

    def run(self, source: str, name: str) -> bool:
        """Run a cell, show the value of its last line, and say whether it ran without an error.

        Parameters
        ----------
        source
            Python.
        name
            What a traceback calls the cell: ``live cell 2``.
        """
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        streams = _Stream("stdout", self._emit), _Stream("stderr", self._emit)
        try:
            with redirect_stdout(streams[0]), redirect_stderr(streams[1]):
                body, last = _split(source, name)
                exec(body, self._names)
                if last is not None:
                    value = eval(last, self._names)
                    if value is not None:
                        self._names["_"] = value
                        self._show(value)
        except BaseException as error:  # SystemExit, too: the page lives on
            trace, message = readable(error)
            if trace:
                self._emit("trace", trace)
            self._emit("error", message)
            return False
        return True

    def _show(self, value: Any) -> None:
        """Hand on a value as itself where this book's code knows how to draw it, else as text."""
        if _is_ours(type(value)) and hasattr(value, "_repr_html_"):
            self._emit("html", value._repr_html_())
        else:
            self._emit("text", repr(value))


def readable(error: BaseException) -> tuple[str, str]:
    """The lines that led to an error, those of cells only and not of libraries; and what it was."""
    told = traceback.TracebackException.from_exception(error)
    seen: set[int] = set()

    def keep_cells(part: traceback.TracebackException | None) -> None:
        if part is None or id(part) in seen:
            return
        seen.add(id(part))
        own = [frame for frame in part.stack if frame.filename.startswith("live cell ")]
        part.stack = traceback.StackSummary.from_list(own)
        keep_cells(part.__cause__)
        keep_cells(part.__context__)

    keep_cells(told)
    # Of a syntax error, Python writes the line and the place before it says what is wrong.
    says = [part for part in told.format_exception_only() if not part.startswith("  ")]
    message = "".join(says).rstrip()
    trace = "".join(told.format()).rstrip().removesuffix(message).rstrip()
    if isinstance(error, ModuleNotFoundError) and error.name:
        missing = error.name.partition(".")[0]
        message += f"\nIn the page there are NumPy and convbook; {missing} is not."
    return trace, message


def _split(source: str, name: str) -> tuple[Any, Any]:
    """The code of a cell, and that of its last line where this is an expression."""
    tree = ast.parse(source, name)
    last = None
    if tree.body and isinstance(end := tree.body[-1], ast.Expr):
        last = compile(ast.Expression(end.value), name, "eval")
        tree.body.pop()
    return compile(tree, name, "exec"), last


def _is_ours(kind: type) -> bool:
    """Whether a type is defined in convbook."""
    if not kind.__module__.startswith("convbook."):
        return False
    return getattr(sys.modules.get(kind.__module__), kind.__qualname__, None) is kind


def forbid_input() -> None:
    """Let `input` say why it does not answer: a worker cannot ask anybody."""

    def refuse(_prompt: object = "") -> str:
        raise OSError("input() cannot ask in the page; give the value in the code")

    builtins.input = refuse
