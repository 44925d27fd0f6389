"""Shapes, parameters, receptive fields and cost of a network, layer by layer.

``layer_table("CONV3-10 POOL2 FLATTEN FC-3", (28, 28, 1))`` needs no torch; a network given as a
``torch.nn.Module`` does. The notation is described in `convbook.shapes.notation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from convbook._arguments import as_integer
from convbook.shapes.sizes import output_size, transposed_output_size
from convbook.shapes.specs import rows_of_spec
from convbook.shapes.table import LayerTable, Row

if TYPE_CHECKING:
    import torch

__all__ = ["LayerTable", "Row", "layer_table", "output_size", "transposed_output_size"]


def layer_table(
    model_or_spec: str | torch.nn.Module, input_shape: tuple[int, int, int]
) -> LayerTable:
    """Shapes, parameters, receptive field and cost of each layer of a network.

    Parameters
    ----------
    model_or_spec
        A network in the notation of `convbook.shapes.notation`, for instance
        ``"CONV3-10 POOL2 CONV3-10 POOL2 FLATTEN FC-3"``; or a ``torch.nn.Module``, which is
        followed through one forward pass without weights and stays as it was.
    input_shape
        (height, width, channels) of an image.

    Returns
    -------
    table
        A sequence of `Row`, the input's first; with the totals ``parameters`` and
        ``multiply_adds``, and ``to_markdown()``, ``to_csv()`` and ``to_json()``.

    Raises
    ------
    ValueError
        If the spec cannot be read or the network does not take such an image; the message names
        the layer.

    Examples
    --------
    >>> table = layer_table("CONV3-10 POOL2 FLATTEN FC-3", (28, 28, 1))
    >>> table[1].expression, table[1].output_shape
    ('3×3×1×10 + 10', (28, 28, 10))
    >>> table.parameters
    5983
    """
    shape = _image_shape(input_shape)
    if isinstance(model_or_spec, str):
        return LayerTable(tuple(rows_of_spec(model_or_spec, shape)), kinds=False)
    from convbook.shapes.modules import rows_of_module

    return LayerTable(tuple(rows_of_module(model_or_spec, shape)))


def _image_shape(shape: object) -> tuple[int, int, int]:
    if not (isinstance(shape, Sequence) and not isinstance(shape, str) and len(shape) == 3):
        raise ValueError(f"input_shape is {shape!r}; it must be (height, width, channels)")
    height, width, channels = (as_integer("input_shape", side, least=1) for side in shape)
    return height, width, channels
