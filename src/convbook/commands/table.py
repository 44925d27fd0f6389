"""``convbook table``: shapes, parameters, receptive field and cost of each layer of a network."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from convbook.commands.networks import MODELS, add_network, check_name, image_of, imported, known
from convbook.shapes import LayerTable, layer_table

FORMS: dict[str, Callable[[LayerTable], str]] = {
    "text": str,
    "markdown": LayerTable.to_markdown,
    "csv": LayerTable.to_csv,
    "json": LayerTable.to_json,
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the subcommand."""
    parser.description = "Shapes, parameters, receptive field and cost of each layer of a network."
    parser.epilog = 'For instance: convbook table "CONV3-10 POOL2 CONV3-10 POOL2 FLATTEN FC-3"'
    add_network(parser)
    forms = parser.add_mutually_exclusive_group()
    for form in FORMS:
        if form != "text":
            forms.add_argument(f"--{form}", dest="form", action="store_const", const=form)
    parser.set_defaults(form="text")


def answer(options: argparse.Namespace) -> str:
    """The table, in the form that was asked for.

    Raises
    ------
    ValueError
        If the network is unknown, or cannot take such images.
    """
    network = " ".join(options.network)
    shape = image_of(network, options.input)
    if network in MODELS:
        table = layer_table(known(network), shape)
    elif ":" in network:
        table = layer_table(imported(network), shape)
    else:
        check_name(network)
        table = layer_table(network, shape)
    return FORMS[options.form](table)
