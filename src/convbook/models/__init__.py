"""The networks of the book, for torch."""

from convbook.models.classic import alexnet, lenet5, vgg16
from convbook.models.resnet import resnet18, resnet34, resnet50, resnet101, resnet152

__all__ = [
    "alexnet",
    "lenet5",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "vgg16",
]
