"""The two networks of the homework's experiments, with every part that one may want to change."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from convbook._arguments import as_integer

if TYPE_CHECKING:
    from jaxtyping import Float

Network = TypeVar("Network", bound=nn.Module)

POOLINGS = ("max", "average", "none")
HEADS = ("average", "max", "flatten")
PADDINGS = ("reflect", "circular", "zeros", "replicate", "valid")


class SmallCNN(nn.Module):
    """Convolutions with ReLUs, one 2×2 pooling behind the first, a head, a linear layer.

    As built without arguments: 7×7 convolutions to 3 channels and again to 3, 606 weights and
    biases in all.

    Parameters
    ----------
    classes
        How many scores there are.
    kernel_size
        Side of every kernel. An even one pads one pixel more below and on the right.
    depth, width
        The number of convolutions, and of the channels that each of them makes.
    pooling
        Behind the first convolution, where others follow: "max", "average" or "none".
    head
        From maps to features: the "average" or the "max" of each map, or "flatten".
    padding_mode
        How convolutions keep the size, or "valid": none, and maps shrink.
    side, channels
        Of the images. The side matters for the linear layer behind "flatten" alone.
    coordinates
        Whether two channels with each pixel's row and column, from -1 to 1, join the image
        (CoordConv, Liu et al. 2018, https://arxiv.org/abs/1807.03247).
    sharing
        Whether all places share one kernel. Without, every place learns its own.

    Raises
    ------
    ValueError
        If a choice is unknown, a number below 1, or nothing is left of a map.
    """

    def __init__(
        self,
        classes: int = 3,
        *,
        kernel_size: int = 7,
        depth: int = 2,
        width: int = 3,
        pooling: str = "max",
        head: str = "average",
        padding_mode: str = "reflect",
        side: int = 28,
        channels: int = 1,
        coordinates: bool = False,
        sharing: bool = True,
    ) -> None:
        super().__init__()
        for name, value, known in (
            ("pooling", pooling, POOLINGS),
            ("head", head, HEADS),
            ("padding_mode", padding_mode, PADDINGS),
        ):
            if value not in known:
                raise ValueError(f"{name} is {value!r}; it can be {', '.join(map(repr, known))}")
        sizes = {"classes": classes, "kernel_size": kernel_size, "depth": depth, "width": width}
        for name, size in {**sizes, "side": side, "channels": channels}.items():
            as_integer(name, size, least=1)
        self.pooling, self.head, self.padding_mode = pooling, head, padding_mode
        self.coordinates, self.sharing, self.width = coordinates, sharing, width
        entering, size = channels + 2 * coordinates, side
        convolutions: list[nn.Module] = []
        for layer in range(depth):
            convolution = (
                Convolution(entering, width, kernel_size, padding_mode)
                if sharing
                else LocallyConnected(entering, width, kernel_size, padding_mode, size)
            )
            convolutions.append(convolution)
            size -= kernel_size - 1 if padding_mode == "valid" else 0
            if layer == 0 and depth > 1 and pooling != "none":
                size //= 2
            if size < 1:
                raise ValueError(
                    f"side is {side}; {depth} convolutions of {kernel_size}×{kernel_size} without "
                    "padding leave nothing of it"
                )
            entering = width
        self.convolutions = nn.ModuleList(convolutions)
        self.linear = nn.Linear(width * (size * size if head == "flatten" else 1), classes)

    def maps(self, x: Float[Tensor, "N C H W"]) -> Float[Tensor, "N width h w"]:
        """What the last convolution makes, behind its ReLU."""
        if self.coordinates:
            x = with_coordinates(x)
        for layer, convolution in enumerate(self.convolutions):
            x = F.relu(convolution(x))
            if layer == 0 and len(self.convolutions) > 1:
                if self.pooling == "max":
                    x = F.max_pool2d(x, 2)
                elif self.pooling == "average":
                    x = F.avg_pool2d(x, 2)
        return x

    def features(self, x: Float[Tensor, "N C H W"]) -> Float[Tensor, "N F"]:
        """What the linear layer gets to see."""
        x = self.maps(x)
        if self.head == "flatten":
            return x.flatten(1)
        return x.mean((-2, -1)) if self.head == "average" else x.amax((-2, -1))

    def forward(self, x: Float[Tensor, "N C H W"]) -> Float[Tensor, "N classes"]:
        """Scores, before any softmax."""
        scores: Tensor = self.linear(self.features(x))
        return scores


class Convolution(nn.Conv2d):
    """torch's convolution that keeps the size for even kernels too, or pads nothing ("valid")."""

    def __init__(self, entering: int, leaving: int, kernel_size: int, padding_mode: str) -> None:
        super().__init__(entering, leaving, kernel_size)
        self.border = padding_mode

    def forward(self, input: Float[Tensor, "N C H W"]) -> Float[Tensor, "N F h w"]:
        """Pad, then convolve."""
        padded = pad(input, self.kernel_size[0], self.border)
        return F.conv2d(padded, self.weight, self.bias)


class LocallyConnected(nn.Module):
    """A convolution whose places each have their own kernel and bias."""

    def __init__(
        self, entering: int, leaving: int, kernel_size: int, padding_mode: str, side: int
    ) -> None:
        super().__init__()
        self.kernel_size, self.border = kernel_size, padding_mode
        self.side = side - (kernel_size - 1 if padding_mode == "valid" else 0)
        places = max(self.side, 0) ** 2
        fan_in = entering * kernel_size**2
        self.weight = nn.Parameter(torch.zeros(places, leaving, fan_in))
        self.bias = nn.Parameter(torch.zeros(places, leaving))

    def forward(self, input: Float[Tensor, "N C H W"]) -> Float[Tensor, "N F h w"]:
        """Each window times the kernels of its own place."""
        windows = F.unfold(pad(input, self.kernel_size, self.border), self.kernel_size)  # N K P
        made = torch.einsum("nkp,pfk->nfp", windows, self.weight) + self.bias.T
        return made.view(*made.shape[:2], self.side, self.side)


class MLP(nn.Module):
    """Fully connected layers with ReLUs between: 784 → 50 → 10 → 3 has 39,793 weights and biases.

    Raises
    ------
    ValueError
        If a size is below 1.
    """

    def __init__(
        self, classes: int = 3, *, hidden: Sequence[int] = (50, 10), side: int = 28
    ) -> None:
        super().__init__()
        sizes = [as_integer("side", side, least=1) ** 2]
        sizes += [as_integer("hidden", size, least=1) for size in hidden]
        sizes.append(as_integer("classes", classes, least=1))
        self.layers = nn.ModuleList(map(nn.Linear, sizes, sizes[1:]))

    def forward(self, x: Float[Tensor, "N C H W"]) -> Float[Tensor, "N classes"]:
        """Scores, before any softmax."""
        x = x.flatten(1)
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        scores: Tensor = self.layers[-1](x)
        return scores


def pad(x: Float[Tensor, "N C H W"], kernel_size: int, mode: str) -> Float[Tensor, "N C h w"]:
    """Pad so that a convolution keeps the size; "valid" pads nothing."""
    before, after = (kernel_size - 1) // 2, kernel_size // 2
    if mode == "valid" or kernel_size == 1:
        return x
    sides = (before, after, before, after)
    return F.pad(x, sides) if mode == "zeros" else F.pad(x, sides, mode=mode)


def with_coordinates(x: Float[Tensor, "N C H W"]) -> Float[Tensor, "N C+2 H W"]:
    """The image with two channels more: each pixel's row and its column, from -1 to 1."""
    *_, height, width = x.shape
    rows = torch.linspace(-1, 1, height, dtype=x.dtype, device=x.device)
    columns = torch.linspace(-1, 1, width, dtype=x.dtype, device=x.device)
    grid = torch.stack(torch.meshgrid(rows, columns, indexing="ij"))  # 2 H W
    return torch.cat([x, grid.expand(x.shape[0], 2, height, width)], dim=1)


def untrained(build: Callable[[], Network], seeds: Iterable[int]) -> list[Network]:
    """One network for each seed, its weights drawn from a generator of that seed.

    Weights and biases are uniform between ±1/√(fan-in), the number of inputs of one output: what
    torch draws by default (for weights, Kaiming's uniform law with a = √5). torch's own generator
    stays as it is.
    """
    networks = []
    for seed in seeds:
        generator = torch.Generator().manual_seed(int(seed))
        with torch.random.fork_rng(devices=[]):  # what modules draw when built is not for us
            network = build()
        with torch.no_grad():
            for module in network.modules():
                own = dict(module.named_parameters(recurse=False))
                if not own:
                    continue
                weight = own["weight"]
                shared = not isinstance(module, LocallyConnected)
                fan_in = weight[0].numel() if shared else weight.shape[-1]
                reach = 1 / math.sqrt(fan_in)
                for parameter in own.values():
                    parameter.uniform_(-reach, reach, generator=generator)
        networks.append(network)
    return networks
