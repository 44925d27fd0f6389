"""Residual networks of He et al. (2016), with the names and the weights of torchvision's.

Every block adds what it computes to what it was given. The blocks of ``layer1`` keep the size of
the map; the first block of ``layer2``, of ``layer3`` and of ``layer4`` halves it and doubles the
channels.
"""

# To mypy, whatever a torch module returns is Any.
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from torch import nn

from convbook._arguments import as_integer

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    StrideIn = Literal["3x3", "1x1"]
    Stem = Literal["imagenet", "small"]


class BasicBlock(nn.Module):
    """Two 3×3 convolutions, the first with the stride, and a way around both."""

    expansion = 1  # channels of the output over the block's width

    def __init__(self, channels: int, width: int, stride: int, stride_in: StrideIn) -> None:
        super().__init__()
        del stride_in  # there is no 1×1 convolution that could take the stride
        self.conv1 = _convolution(channels, width, 3, stride)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = _convolution(width, width, 3)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _shortcut(channels, width, stride)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n width h_out w_out"]:
        """Add the two convolutions' result to x, or to x brought to its shape."""
        y = self.relu(self.bn1(self.conv1(x)))  # n width h/stride w/stride
        y = self.bn2(self.conv2(y))  # the same shape
        y += x if self.downsample is None else self.downsample(x)
        return self.relu(y)


class Bottleneck(nn.Module):
    """A 1×1 convolution to fewer channels, a 3×3 one there, a 1×1 one back, and a way around."""

    expansion = 4

    def __init__(self, channels: int, width: int, stride: int, stride_in: StrideIn) -> None:
        super().__init__()
        first, second = (stride, 1) if stride_in == "1x1" else (1, stride)
        self.conv1 = _convolution(channels, width, 1, first)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = _convolution(width, width, 3, second)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = _convolution(width, 4 * width, 1)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(channels, 4 * width, stride)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 4*width h_out w_out"]:
        """Add the three convolutions' result to x, or to x brought to its shape."""
        y = self.relu(self.bn1(self.conv1(x)))  # n width h w
        y = self.relu(self.bn2(self.conv2(y)))  # n width h/stride w/stride
        y = self.bn3(self.conv3(y))  # n 4·width h/stride w/stride
        y += x if self.downsample is None else self.downsample(x)
        return self.relu(y)


class ResNet(nn.Module):
    """A stem, four stages of blocks, the mean over the map, one linear layer.

    The stem for ImageNet is a 7×7 convolution with stride 2 and a max pooling with stride 2. That
    for small images is one 3×3 convolution: a picture of 32×32 enters the first stage as it is.
    """

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        depths: tuple[int, int, int, int],
        num_classes: int,
        width: int,
        stride_in: StrideIn = "3x3",
        stem: Stem = "imagenet",
    ) -> None:
        as_integer("num_classes", num_classes, least=1)
        as_integer("width", width, least=1)
        if stride_in not in ("3x3", "1x1"):
            raise ValueError(f"stride_in is {stride_in!r}; it can be '3x3' or '1x1'")
        if stem not in ("imagenet", "small"):
            raise ValueError(f"stem is {stem!r}; it can be 'imagenet' or 'small'")
        super().__init__()
        small = stem == "small"
        self.conv1 = _convolution(3, width, 3) if small else _convolution(3, width, 7, stride=2)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.Identity() if small else nn.MaxPool2d(3, stride=2, padding=1)

        def stage(channels: int, width: int, depth: int, stride: int) -> nn.Sequential:
            first = block(channels, width, stride, stride_in)
            rest = (block(block.expansion * width, width, 1, stride_in) for _ in range(depth - 1))
            return nn.Sequential(first, *rest)

        out = block.expansion * width  # channels that the first stage gives
        self.layer1 = stage(width, width, depths[0], stride=1)
        self.layer2 = stage(out, 2 * width, depths[1], stride=2)
        self.layer3 = stage(2 * out, 4 * width, depths[2], stride=2)
        self.layer4 = stage(4 * out, 8 * width, depths[3], stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(8 * out, num_classes)

    def forward(self, x: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n classes"]:
        """Scores of the classes for images of any size."""
        # n width h/4 w/4, or n width h w behind the stem for small images
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))  # n 8·out, 1/8 of the side
        return self.fc(self.avgpool(x).flatten(1))


def resnet18(
    num_classes: int = 1000,
    *,
    width: int = 64,
    stride_in: StrideIn = "3x3",
    stem: Stem = "imagenet",
) -> ResNet:
    """ResNet-18 for colour images, with 2, 2, 2 and 2 blocks of two 3×3 convolutions.

    Its ``state_dict`` has the keys and the shapes of torchvision's, and equal weights give equal
    scores.

    Parameters
    ----------
    num_classes
        How many scores the network gives.
    width
        Channels of the first stage. A thinner copy has the same receptive fields and strides.
    stride_in
        Where a block that halves the map has its stride: in its ``"3x3"`` convolution, as
        torchvision has it, or in its first ``"1x1"``, as He et al. (2016) have it. The blocks of
        ResNet-18 and 34 have no 1×1 convolution: there both mean the same.
    stem
        What comes before the first stage: ``"imagenet"``, as torchvision has it (7×7 with stride
        2, then max pooling), or ``"small"``, as He et al. (2016), section 4.2, have it for images
        of 32×32 (3×3, no pooling). The keys are the same, the shape of ``conv1.weight`` is not.

    Raises
    ------
    ValueError
        If a number is below 1, or ``stride_in`` or ``stem`` another word.

    References
    ----------
    He, Zhang, Ren, Sun: Deep residual learning for image recognition, CVPR 2016, table 1.
    """
    return ResNet(BasicBlock, (2, 2, 2, 2), num_classes, width, stride_in, stem)


def resnet10(
    num_classes: int = 1000,
    *,
    width: int = 64,
    stride_in: StrideIn = "3x3",
    stem: Stem = "imagenet",
) -> ResNet:
    """ResNet-10, which the paper does not have: one block of two 3×3 convolutions a stage.

    All else as in `resnet18`.
    """
    return ResNet(BasicBlock, (1, 1, 1, 1), num_classes, width, stride_in, stem)


def resnet34(
    num_classes: int = 1000,
    *,
    width: int = 64,
    stride_in: StrideIn = "3x3",
    stem: Stem = "imagenet",
) -> ResNet:
    """ResNet-34: 3, 4, 6 and 3 blocks of two 3×3 convolutions; all else as in `resnet18`."""
    return ResNet(BasicBlock, (3, 4, 6, 3), num_classes, width, stride_in, stem)


def resnet50(
    num_classes: int = 1000,
    *,
    width: int = 64,
    stride_in: StrideIn = "3x3",
    stem: Stem = "imagenet",
) -> ResNet:
    """ResNet-50: 3, 4, 6 and 3 bottlenecks of 1×1, 3×3, 1×1; all else as in `resnet18`."""
    return ResNet(Bottleneck, (3, 4, 6, 3), num_classes, width, stride_in, stem)


def resnet101(
    num_classes: int = 1000,
    *,
    width: int = 64,
    stride_in: StrideIn = "3x3",
    stem: Stem = "imagenet",
) -> ResNet:
    """ResNet-101: 3, 4, 23 and 3 bottlenecks of 1×1, 3×3, 1×1; all else as in `resnet18`."""
    return ResNet(Bottleneck, (3, 4, 23, 3), num_classes, width, stride_in, stem)


def resnet152(
    num_classes: int = 1000,
    *,
    width: int = 64,
    stride_in: StrideIn = "3x3",
    stem: Stem = "imagenet",
) -> ResNet:
    """ResNet-152: 3, 8, 36 and 3 bottlenecks of 1×1, 3×3, 1×1; all else as in `resnet18`."""
    return ResNet(Bottleneck, (3, 8, 36, 3), num_classes, width, stride_in, stem)


def _convolution(c_in: int, c_out: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """A convolution that keeps the size but for its stride; the normalisation after it shifts."""
    layer = nn.Conv2d(c_in, c_out, kernel, stride, padding=kernel // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return layer


def _shortcut(c_in: int, c_out: int, stride: int) -> nn.Sequential | None:
    """What brings a block's input to the shape of its output, where they differ."""
    if (c_in, stride) == (c_out, 1):
        return None
    return nn.Sequential(_convolution(c_in, c_out, 1, stride), nn.BatchNorm2d(c_out))
