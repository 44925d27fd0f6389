"""The networks that a command line can name."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import importlib
import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

Shape = tuple[int, int, int]

# Written down, since to ask `convbook.models` takes the second in which torch is loaded.
MODELS: dict[str, Shape] = {
    "lenet5": (32, 32, 1),
    "alexnet": (224, 224, 3),
    "vgg16": (224, 224, 3),
    "resnet10": (224, 224, 3),
    "resnet18": (224, 224, 3),
    "resnet34": (224, 224, 3),
    "resnet50": (224, 224, 3),
    "resnet101": (224, 224, 3),
    "resnet152": (224, 224, 3),
}
HOMEWORK_IMAGE: Shape = (28, 28, 1)
PHOTOGRAPH: Shape = (224, 224, 3)


def add_network(parser: argparse.ArgumentParser) -> None:
    """Let a subcommand take a network, and the size of its images."""
    parser.add_argument(
        "network",
        nargs="+",
        help="layers, as in the homework; or a model: "
        f"{', '.join(MODELS)}; or your own, as package.module:callable",
    )
    parser.add_argument(
        "--input",
        type=_shape,
        metavar="HxWxC",
        help="the image's height, width and channels: 28x28x1 for layers, 224x224x3 for models "
        "(32x32x1 for lenet5) unless given",
    )


def image_of(network: str, given: Shape | None) -> Shape:
    """(height, width, channels) of a network's images, where the user gives none."""
    is_own = ":" in network
    return given or MODELS.get(network) or (PHOTOGRAPH if is_own else HOMEWORK_IMAGE)


def check_name(network: str) -> None:
    """Refuse what is nearly the name of a model.

    Raises
    ------
    ValueError
        If it is; the message names the model.
    """
    close = difflib.get_close_matches(network.lower(), MODELS, n=1)
    if close:
        raise ValueError(f"model {network!r} is unknown; did you mean {close[0]}?")


def known(network: str, **options: object) -> torch.nn.Module:
    """A model of the book, without weights."""
    import torch

    from convbook import models

    with torch.device("meta"):
        model: torch.nn.Module = getattr(models, network)(**options)
    return model


def _shape(text: str) -> Shape:
    found = re.fullmatch(r"(\d+)[x×,](\d+)[x×,](\d+)", text.lower())
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; write it as 28x28x1")
    height, width, channels = map(int, found.groups())
    return height, width, channels


def imported(name: str) -> torch.nn.Module:
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
