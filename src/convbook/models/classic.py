"""LeNet-5, AlexNet and VGG-16: convolutions, pooling, then fully connected layers."""

# To mypy, whatever a torch module returns is Any.
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from torch import nn

from convbook._arguments import as_integer

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


def lenet5(num_classes: int = 10) -> nn.Sequential:
    """LeNet-5 for grey images of 32×32 pixels, the way it is usually written today.

    The paper's network is a little thinner: each map of C3 sees some of S2's maps only, and S2 and
    S4 multiply their means by a trained factor and add a trained bias. It also scales tanh, and
    compares F6 with drawn digits in place of the last linear layer.

    Raises
    ------
    ValueError
        If ``num_classes`` is below 1.

    References
    ----------
    LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition,
    Proceedings of the IEEE 86 (1998), section II.B. The names are the paper's.
    """
    as_integer("num_classes", num_classes, least=1)
    return nn.Sequential(
        OrderedDict(
            c1=nn.Conv2d(1, 6, 5),  # 28×28×6
            tanh1=nn.Tanh(),
            s2=nn.AvgPool2d(2),  # 14×14×6
            c3=nn.Conv2d(6, 16, 5),  # 10×10×16
            tanh3=nn.Tanh(),
            s4=nn.AvgPool2d(2),  # 5×5×16
            c5=nn.Conv2d(16, 120, 5),  # 1×1×120
            tanh5=nn.Tanh(),
            flatten=nn.Flatten(),
            f6=nn.Linear(120, 84),
            tanh6=nn.Tanh(),
            output=nn.Linear(84, num_classes),
        )
    )


class ConvolutionsThenLinear(nn.Module):
    """Features of a map, the map brought to one size, and a classifier of all its numbers."""

    def __init__(self, features: nn.Sequential, side: int, classifier: nn.Sequential) -> None:
        super().__init__()
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d(side)  # changes nothing at 224×224
        self.classifier = classifier

    def forward(self, x: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n classes"]:
        """Scores of the classes for images of any size that leaves the features a map."""
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def alexnet(num_classes: int = 1000) -> ConvolutionsThenLinear:
    """AlexNet for colour images of 224×224 pixels.

    Its ``state_dict`` has the keys and the shapes of torchvision's, and equal weights give equal
    scores. It is the version of 2014 for one device. That of 2012 has more kernels (96, 256, 384,
    384, 256), and since it was split over two devices, each kernel of its second, fourth and fifth
    convolution sees half of the channels.

    Raises
    ------
    ValueError
        If ``num_classes`` is below 1.

    References
    ----------
    Krizhevsky: One weird trick for parallelizing convolutional neural networks,
    arXiv:1404.5997 (2014). Krizhevsky, Sutskever, Hinton: ImageNet classification with deep
    convolutional neural networks, NIPS 2012.
    """
    as_integer("num_classes", num_classes, least=1)
    features = nn.Sequential(
        nn.Conv2d(3, 64, 11, stride=4, padding=2),  # 55×55×64
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=2),  # 27×27×64
        nn.Conv2d(64, 192, 5, padding=2),  # 27×27×192
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=2),  # 13×13×192
        nn.Conv2d(192, 384, 3, padding=1),  # 13×13×384
        nn.ReLU(inplace=True),
        nn.Conv2d(384, 256, 3, padding=1),  # 13×13×256
        nn.ReLU(inplace=True),
        nn.Conv2d(256, 256, 3, padding=1),  # 13×13×256
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=2),  # 6×6×256
    )
    classifier = nn.Sequential(
        nn.Dropout(),
        nn.Linear(6 * 6 * 256, 4096),
        nn.ReLU(inplace=True),
        nn.Dropout(),
        nn.Linear(4096, 4096),
        nn.ReLU(inplace=True),
        nn.Linear(4096, num_classes),
    )
    return ConvolutionsThenLinear(features, 6, classifier)


def vgg16(num_classes: int = 1000) -> ConvolutionsThenLinear:
    """VGG-16 for colour images of 224×224 pixels: 3×3 convolutions in five stages.

    Its ``state_dict`` has the keys and the shapes of torchvision's, and equal weights give equal
    scores.

    Raises
    ------
    ValueError
        If ``num_classes`` is below 1.

    References
    ----------
    Simonyan, Zisserman: Very deep convolutional networks for large-scale image recognition,
    ICLR 2015, table 1, configuration D.
    """
    as_integer("num_classes", num_classes, least=1)
    layers: list[nn.Module] = []
    channels = 3
    for width, depth in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(depth):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
            channels = width
        layers.append(nn.MaxPool2d(2))  # 112×112×64, 56×56×128, 28×28×256, 14×14×512, 7×7×512

    classifier = nn.Sequential(
        nn.Linear(7 * 7 * 512, 4096),
        nn.ReLU(inplace=True),
        nn.Dropout(),
        nn.Linear(4096, 4096),
        nn.ReLU(inplace=True),
        nn.Dropout(),
        nn.Linear(4096, num_classes),
    )
    network = ConvolutionsThenLinear(nn.Sequential(*layers), 7, classifier)
    for parameter in network.parameters():
        if parameter.ndim == 4:
            nn.init.kaiming_normal_(parameter, mode="fan_out", nonlinearity="relu")
        elif parameter.ndim == 2:
            nn.init.normal_(parameter, std=0.01)
        else:
            nn.init.zeros_(parameter)
    return network
