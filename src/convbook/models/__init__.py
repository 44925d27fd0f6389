"""The networks of the book, for torch."""

from convbook.models.classic import alexnet, lenet5, vgg16
from convbook.models.resnet import resnet10, resnet18, resnet34, resnet50, resnet101, resnet152
from convbook.models.small import MLP, SmallCNN, untrained
from convbook.models.specs import from_spec

__all__ = [
    "MLP",
    "SmallCNN",
    "alexnet",
    "from_spec",
    "lenet5",
    "resnet10",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "untrained",
    "vgg16",
]
