"""The command ``convbook``: what the package can tell in one line of a terminal."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import importlib
import io
import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn

from convbook import __version__
from convbook.shapes import LayerTable, layer_table

if TYPE_CHECKING:
    import torch

Shape = tuple[int, int, int]

# Written down, since to ask `convbook.models` takes the second in which torch is loaded.
MODELS: dict[str, Shape] = {
    "lenet5": (32, 32, 1),
    "alexnet": (224, 224, 3),
    "vgg16": (224, 224, 3),
    "resnet18": (224, 224, 3),
    "resnet34": (224, 224, 3),
    "resnet50": (224, 224, 3),
    "resnet101": (224, 224, 3),
    "resnet152": (224, 224, 3),
}
HOMEWORK_IMAGE: Shape = (28, 28, 1)
PHOTOGRAPH: Shape = (224, 224, 3)

FORMS: dict[str, Callable[[LayerTable], str]] = {
    "text": str,
    "markdown": LayerTable.to_markdown,
    "csv": LayerTable.to_csv,
    "json": LayerTable.to_json,
}


def run() -> NoReturn:
    """Run the command with the arguments of the process, and end it."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    try:
        status = main(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the output has stopped, as `head` does; nothing is left to be flushed to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    sys.exit(status)


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns its exit code, 2 after a mistake of the user."""
    options = _parser().parse_args(arguments)
    try:
        print(_table(" ".join(options.network), options.input, options.form).rstrip("\n"))
    except ValueError as mistake:
        print(f"convbook table: {mistake}", file=sys.stderr)
        return 2
    return 0


class _Parser(argparse.ArgumentParser):
    """Tells a mistake in one sentence, without the usage above it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="convbook", description="Convolutional networks, computed.")
    parser.add_argument("--version", action="version", version=f"convbook {__version__}")
    commands = parser.add_subparsers(metavar="command", required=True)
    table = commands.add_parser(
        "table",
        help="shapes, parameters, receptive field and cost of each layer of a network",
        description="Shapes, parameters, receptive field and cost of each layer of a network.",
        epilog='For instance: convbook table "CONV3-10 POOL2 CONV3-10 POOL2 FLATTEN FC-3"',
    )
    table.add_argument(
        "network",
        nargs="+",
        help="layers, as in the homework; or a model: "
        f"{', '.join(MODELS)}; or your own, as package.module:callable",
    )
    table.add_argument(
        "--input",
        type=_shape,
        metavar="HxWxC",
        help="the image's height, width and channels: 28x28x1 for layers, 224x224x3 for models "
        "(32x32x1 for lenet5) unless given",
    )
    forms = table.add_mutually_exclusive_group()
    for form in FORMS:
        if form != "text":
            forms.add_argument(f"--{form}", dest="form", action="store_const", const=form)
    table.set_defaults(form="text")
    return parser


def _shape(text: str) -> Shape:
    found = re.fullmatch(r"(\d+)[x×,](\d+)[x×,](\d+)", text.lower())
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; write it as 28x28x1")
    height, width, channels = map(int, found.groups())
    return height, width, channels


def _table(network: str, shape: Shape | None, form: str) -> str:
    if network in MODELS:
        import torch

        from convbook import models

        with torch.device("meta"):  # weights are not needed, so none are drawn
            model = getattr(models, network)()
        table = layer_table(model, shape or MODELS[network])
    elif ":" in network:
        table = layer_table(_imported(network), shape or PHOTOGRAPH)
    else:
        close = difflib.get_close_matches(network.lower(), MODELS, n=1)
        if close:
            raise ValueError(f"model {network!r} is unknown; did you mean {close[0]}?")
        table = layer_table(network, shape or HOMEWORK_IMAGE)
    return FORMS[form](table)


def _imported(name: str) -> torch.nn.Module:
    """The model that ``package.module:callable`` names: what the callable returns, or itself."""
    module_name, _, path = name.partition(":")
    sys.path.insert(0, "")  # the current folder: a file of the reader's own
    with contextlib.redirect_stdout(sys.stderr):  # what others print is no part of the table
        try:
            model = importlib.import_module(module_name)
            for part in path.split("."):
                model = getattr(model, part)
        except (Exception, SystemExit) as error:
            raise ValueError(f"{name!r} cannot be imported: {_told(error)}") from None

        import torch

        if not isinstance(model, torch.nn.Module):
            if not callable(model):
                raise ValueError(f"{name!r} is no model, and nothing that makes one")
            try:
                model = model()
            except (Exception, SystemExit) as error:
                raise ValueError(f"{name!r} cannot be called: {_told(error)}") from None
    if not isinstance(model, torch.nn.Module):
        raise ValueError(f"{name!r} gives a {type(model).__name__}; it must give a torch.nn.Module")
    return model


def _told(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__} {error}".split())
