"""The rows of a network that is given as a spec, counted by formula."""

from __future__ import annotations

from math import prod

from convbook.shapes.fields import Field, Touch, convolution, transposed_convolution
from convbook.shapes.notation import Layer, parse
from convbook.shapes.sizes import check_pooling, margins, output_size, transposed_output_size
from convbook.shapes.table import Row, make_row

Shape = tuple[int, ...]  # (height, width, channels), or (n,)
Step = tuple[Row, Field]


def rows_of_spec(spec: str, input_shape: tuple[int, int, int]) -> list[Row]:
    """The rows of a spec, the input's first.

    Raises
    ------
    ValueError
        If the spec cannot be read, or a layer does not fit what it gets; the message names it.
    """
    shape: Shape = input_shape
    field = Field.of_image(*input_shape[:2])
    rows = [make_row("Input", "Input", shape, field)]
    for layer in parse(spec):
        try:
            row, field = _step(layer, shape, field)
        except ValueError as error:
            got = "×".join(map(str, shape))
            raise ValueError(f"layer {layer.text!r}, whose input is {got}: {error}") from None
        rows.append(row)
        shape = row.output_shape
    return rows


def _step(layer: Layer, shape: Shape, field: Field) -> Step:
    """One layer's row, and what its output sees."""
    name, kind = layer.text, layer.kind
    if kind == "ReLU":
        return make_row(name, kind, shape, field), field
    if kind == "Flatten":
        flat = field.flattened()
        return make_row(name, kind, (prod(shape),), flat), flat
    if kind == "Linear":
        return _fully_connected(layer, shape, field)
    if len(shape) == 1:
        raise ValueError("a flat input has no height and width; this layer stands before FLATTEN")
    if kind == "BatchNorm2d":
        return make_row(name, kind, shape, field, [shape[2:], shape[2:]]), field
    if kind == "AdaptiveAvgPool2d":
        pooled = field.after_everything()
        return make_row(name, kind, (1, 1, shape[2]), pooled), pooled
    return _sliding(layer, shape, field)


def _sliding(layer: Layer, shape: Shape, field: Field) -> Step:
    """Convolution, transposed or not, and pooling: a kernel along either axis."""
    height, width, channels = shape
    along = _transposed if layer.kind == "ConvTranspose2d" else _windows
    (rows, touch_rows), (columns, touch_columns) = along(layer, 0, height), along(layer, 1, width)
    seen = field.after((touch_rows, touch_columns), (rows, columns))
    if not layer.filters:
        return make_row(layer.text, layer.kind, (rows, columns, channels), seen), seen

    for what, number in {"channels": channels, "filters": layer.filters}.items():
        if number % layer.groups:
            raise ValueError(f"groups is {layer.groups}; it must divide the {number} {what}")
    weights = (*layer.kernel, channels // layer.groups, layer.filters)
    # Each window of a convolution, and each stamp of a transposed one, uses every weight once.
    positions = height * width if layer.kind == "ConvTranspose2d" else rows * columns
    row = make_row(
        layer.text,
        layer.kind,
        (rows, columns, layer.filters),
        seen,
        [weights, (layer.filters,)] if layer.bias else [weights],
        positions * prod(weights),
    )
    return row, seen


def _windows(layer: Layer, axis: int, n: int) -> tuple[int, Touch]:
    """Along one axis of length n, the length of the output, and what it touches."""
    kernel, stride, dilation = layer.kernel[axis], layer.stride[axis], layer.dilation[axis]
    extent = dilation * (kernel - 1) + 1
    padding = layer.padding if layer.padding == "same" else layer.padding[axis]
    before, after = margins(padding, extent, stride)
    if "Pool" in layer.kind:
        check_pooling(before, kernel)
    most = {"circular": n, "reflect": n - 1}  # of what there is, so much can be repeated
    if after > most.get(layer.mode, after):
        raise ValueError(
            f"padding is {after}; with {layer.mode} padding and an input of {n}, "
            f"it can be {most[layer.mode]} at most"
        )
    length = output_size(n, kernel, stride, padding, dilation, layer.ceil)
    return length, convolution(kernel, stride, before, dilation)


def _transposed(layer: Layer, axis: int, n: int) -> tuple[int, Touch]:
    kernel, stride, dilation = layer.kernel[axis], layer.stride[axis], layer.dilation[axis]
    assert layer.padding != "same"  # the notation has it for CONV alone
    padding, extra = layer.padding[axis], layer.output_padding[axis]
    length = transposed_output_size(n, kernel, stride, padding, extra, dilation)
    return length, transposed_convolution(kernel, stride, padding, dilation)


def _fully_connected(layer: Layer, shape: Shape, field: Field) -> Step:
    if prod(shape) != shape[-1]:
        raise ValueError("its input must be flat, or 1×1; put FLATTEN or GAP before it")
    seen = field.after_everything(flat=True)
    weights = (shape[-1], layer.filters)
    counts = [weights, (layer.filters,)] if layer.bias else [weights]
    return make_row(layer.text, layer.kind, (layer.filters,), seen, counts, prod(weights)), seen
