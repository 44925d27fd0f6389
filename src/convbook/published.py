"""What the literature says about the networks of `convbook.models`, beside what we count.

The numbers of this module are quotations: typed, each with its source.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch

from convbook import models
from convbook.shapes import LayerTable, layer_table

if TYPE_CHECKING:
    from convbook.models.resnet import StrideIn

Quantity = Literal["parameters", "multiply_adds", "receptive_field"]


@dataclass(frozen=True)
class Published:
    """A number that somebody published.

    Attributes
    ----------
    network
        Its function in `convbook.models`.
    quantity
        What was counted, by its name in `convbook.shapes.Row`; of a receptive field, one side.
    value, unit
        The number, and that of its last digit: 3.6 billion has a unit of 0.1 billion.
    source
        Key in the book's list of references.
    place
        Where in the source.
    layer
        The module that the number belongs to; the whole network if empty.
    stride_in
        Where that network has its strides, for ResNets with bottlenecks.
    note
        What to know when comparing it with ours; always there where the two differ.
    """

    network: str
    quantity: Quantity
    value: float
    unit: float
    source: str
    place: str
    layer: str = ""
    stride_in: StrideIn | None = None
    note: str = ""


@dataclass(frozen=True)
class Comparison:
    """A published number, and the one that `convbook.shapes.layer_table` counts."""

    published: Published
    counted: int

    @property
    def agrees(self) -> bool:
        """Whether the published number is the counted one, rounded to its last digit."""
        return abs(self.counted - self.published.value) <= self.published.unit / 2


def compare(numbers: Sequence[Published]) -> list[Comparison]:
    """Count in our own networks what others have counted in theirs.

    The networks see the images that they were made for: 32×32×1 for LeNet-5, else 224×224×3.
    """
    tables: dict[tuple[str, StrideIn | None], LayerTable] = {}
    comparisons = []
    for number in numbers:
        key = number.network, number.stride_in
        if key not in tables:
            tables[key] = _table(*key)
        comparisons.append(Comparison(number, _count(tables[key], number)))
    return comparisons


def _table(network: str, stride_in: StrideIn | None) -> LayerTable:
    shape = (32, 32, 1) if network == "lenet5" else (224, 224, 3)
    with torch.device("meta"):  # no weights are needed
        model = getattr(models, network)(**({"stride_in": stride_in} if stride_in else {}))
    return layer_table(model, shape)


def _count(table: LayerTable, number: Published) -> int:
    rows = [row for row in table if _is_within(row.name, number.layer)]
    if number.quantity != "receptive_field":
        return sum(getattr(row, number.quantity) for row in rows)
    field = rows[-1].receptive_field
    assert field is not None  # for these networks it is known at every layer
    return field[0]


def _is_within(row: str, layer: str) -> bool:
    """Whether the row belongs to the module of this path, or to one inside."""
    path = row.partition(" ")[0]  # of "layer1.0.relu (2)"
    return not layer or path == layer or path.startswith(layer + ".")


def _lenet5(layer: str, value: int, note: str = "") -> Published:
    return Published(
        "lenet5", "parameters", value, 1, "lecun_lenet_1998", "section II.B", layer, note=note
    )


def _torchvision(network: str, parameters: int, billions: float) -> list[Published]:
    place = f"documentation of {network}"
    return [
        Published(network, "parameters", parameters, 1, "torchvision_2016", place),
        Published(network, "multiply_adds", billions * 1e9, 1e7, "torchvision_2016", place),
    ]


def _he(
    network: str, billions: float, stride_in: StrideIn | None = None, note: str = ""
) -> Published:
    return Published(
        network,
        "multiply_adds",
        billions * 1e9,
        1e8,
        "he_resnet_2016",
        "table 1",
        stride_in=stride_in,
        note=note,
    )


def _araujo(network: str, side: int, layer: str, stride_in: StrideIn | None = None) -> Published:
    return Published(
        network,
        "receptive_field",
        side,
        1,
        "araujo_fields_2019",
        "table of receptive fields",
        layer,
        stride_in,
        note=_SLIM if stride_in else "",
    )


# TF-Slim has the stride in the last 3×3 convolution of a stage, the paper in the first 1×1 one of
# the next. No 3×3 kernel stands in between, so each has its entries equally far apart in the image.
_SLIM = "There the stride is earlier, at the end of the stage before; the fields are the same."
_TRAINED = "There each map has a trained factor and a trained bias; here the mean is all."

PUBLISHED: tuple[Published, ...] = (
    _lenet5("c1", 156),
    _lenet5("s2", 12, note=_TRAINED),
    _lenet5("c3", 1_516, note="There each map sees 3, 4 or 6 of the maps of S2; here all 6."),
    _lenet5("s4", 32, note=_TRAINED),
    _lenet5("c5", 48_120),
    _lenet5("f6", 10_164),
    _lenet5(
        "",
        60_000,
        note="S2, C3 and S4 differ; and there the last layer's weights are drawn digits.",
    ),
    Published(
        "alexnet",
        "parameters",
        60e6,
        10e6,
        "krizhevsky_alexnet_2012",
        "abstract",
        note="That version has more kernels, and many of them see half of the channels.",
    ),
    Published("vgg16", "parameters", 138e6, 1e6, "simonyan_vgg_2015", "table 2"),
    Published(
        "vgg16",
        "multiply_adds",
        15.3e9,
        1e8,
        "he_resnet_2016",
        "section 4.1",
        "features",
        note="The convolutions alone.",
    ),
    _he("resnet18", 1.8),
    _he("resnet34", 3.6, note="There the shortcuts have no weights; here three of them do."),
    _he("resnet50", 3.8, "1x1", "There cut off, it seems, and not rounded."),
    _he("resnet101", 7.6, "1x1"),
    _he("resnet152", 11.3, "1x1"),
    *_torchvision("alexnet", 61_100_840, 0.71),
    *_torchvision("vgg16", 138_357_544, 15.47),
    *_torchvision("resnet18", 11_689_512, 1.81),
    *_torchvision("resnet34", 21_797_672, 3.66),
    *_torchvision("resnet50", 25_557_032, 4.09),
    *_torchvision("resnet101", 44_549_160, 7.80),
    *_torchvision("resnet152", 60_192_808, 11.51),
    _araujo("alexnet", 195, "features"),
    _araujo("vgg16", 212, "features"),
    _araujo("resnet50", 483, "layer4", "1x1"),
    _araujo("resnet101", 1027, "layer4", "1x1"),
    _araujo("resnet152", 1507, "layer4", "1x1"),
)
