"""The rows of a ``torch.nn.Module``."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from convbook.shapes.fields import Field
from convbook.shapes.following import Step, follow, is_torchs
from convbook.shapes.table import Row, make_row


def rows_of_module(model: torch.nn.Module, input_shape: tuple[int, int, int]) -> list[Row]:
    """The rows of a module, the input's first.

    A module inside of which no other is called makes one row. Where others are called, those make
    the rows, and so do the functions called between them, as the addition of a residual block.

    Raises
    ------
    ValueError
        If it is no module, or cannot be run on such an image; the message names the layer.
    """
    if not isinstance(model, torch.nn.Module):
        raise ValueError(
            f"model_or_spec is {model!r}; it must be a network in the homework's notation, "
            "or a torch.nn.Module"
        )
    root, unused = follow(model, input_shape)
    rows = [make_row("Input", "Input", input_shape, Field.of_image(*input_shape[:2]))]
    pending = Step("", "")  # what serves to make a weight, before the layer that uses it
    for step in _layers(root, whole=is_torchs(model)):
        tensors, multiply_adds = _counts(step)
        pending.tensors += tensors
        pending.multiply_adds += multiply_adds
        if step.shown and step.sees_image:
            rows.append(
                make_row(
                    step.name or step.kind,
                    step.kind,
                    step.shape,
                    step.field,
                    pending.tensors,
                    pending.multiply_adds,
                )
            )
            pending = Step("", "")
    if unused := [*pending.tensors, *unused]:
        rows.append(make_row("(not used)", "Parameter", (0,), None, unused))
    return rows


def _layers(step: Step, whole: bool = True) -> Iterator[Step]:
    """The steps that stand for layers; a module without modules is one, if it may stay whole."""
    if step.module is None or (whole and not any(map(_is_layer, step.steps))):
        yield step
    else:
        for inner in step.steps:
            yield from _layers(inner)


def _is_layer(step: Step) -> bool:
    return step.module is not None and step.sees_image


def _counts(step: Step) -> tuple[list[tuple[int, ...]], int]:
    """The parameters and multiply-adds of a step and of all inside it."""
    tensors, multiply_adds = list(step.tensors), step.multiply_adds
    for inner in step.steps:
        more, added = _counts(inner)
        tensors, multiply_adds = tensors + more, multiply_adds + added
    return tensors, multiply_adds
