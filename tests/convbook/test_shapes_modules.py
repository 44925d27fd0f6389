"""Tables of torch modules: receptive fields against gradients, counts against torch's own."""

import copy
import csv
import io
import threading

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune
from torch.utils.flop_counter import FlopCounterMode

from convbook.shapes import layer_table
from convbook.shapes.fields import hull
from convbook.shapes.following import follow

SIDE = 96  # of the images on which gradients are taken,
MARGIN = 16  # and how far from their edges the windows must stay, clear of any padding


# What an output sees, by its gradient. Weights are positive, and whatever may win a maximum counts
# as seen, so that nothing cancels and nothing is left out.


class Sum(nn.Module):
    """In place of max pooling: the sum of each window, with torch's own output size."""

    def __init__(self, pool):
        super().__init__()
        self.pool = pool

    def forward(self, x):
        kernel, stride, padding, dilation = (
            (value, value) if isinstance(value, int) else value
            for value in (
                *(self.pool.kernel_size, self.pool.stride),
                *(self.pool.padding, self.pool.dilation),
            )
        )
        rows, columns = self.pool(x).shape[-2:]
        after = [
            p + s + d * k for k, s, p, d in zip(kernel, stride, padding, dilation, strict=True)
        ]
        padded = F.pad(x, (padding[1], after[1], padding[0], after[0]))
        ones = torch.ones(x.shape[1], 1, *kernel, dtype=x.dtype)
        sums = F.conv2d(padded, ones, stride=stride, dilation=dilation, groups=x.shape[1])
        return sums[..., :rows, :columns]


def positive(model):
    model = copy.deepcopy(model).double().eval()
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        values = torch.rand(parameter.shape, generator=generator).double() + 0.5
        parameter.data = values / max(1, parameter[0].numel())  # sums that saturate no sigmoid
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.MaxPool2d):
                setattr(module, name, Sum(child))
    return Sum(model) if isinstance(model, nn.MaxPool2d) else model


def seen_pixels(model, channels, positions):
    """For each position of the output, the span of rows and that of columns with a gradient."""
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(1, channels, SIDE, SIDE, generator=generator, dtype=torch.float64)
    y = positive(model)(x.requires_grad_(True))
    spans = []
    for row, column in positions:
        # The channels weigh differently: after a softmax, their plain sum would be constant.
        total = y[0, :, row, column] @ torch.arange(1.0, 1 + y.shape[1], dtype=y.dtype)
        (gradient,) = torch.autograd.grad(total, x, retain_graph=True)
        where = gradient[0].abs().sum(0).nonzero()  # (row, column) of each pixel
        low, high = (
            (where.amin(0).tolist(), where.amax(0).tolist()) if len(where) else ((None,) * 2,) * 2
        )
        spans.append(tuple(None if a is None else (a, b) for a, b in zip(low, high, strict=True)))
    return tuple(y.shape[-2:]), spans


def inner_positions(axis):
    """Positions one after the other, two periods of them, whose windows keep the margin."""
    windows = {j: axis.window(j) for j in range(axis.length)}
    inner = [j for j, w in windows.items() if w and w[0] >= MARGIN and w[1] < SIDE - MARGIN]
    if not inner:
        return []
    blind = [j for j in range(inner[0], inner[-1]) if windows[j] is None]
    return sorted(inner + blind)[: 2 * len(axis.windows) + 1]


def clipped(*windows):
    """What is left within the image of the windows together."""
    window = hull(windows)
    return window and (max(window[0], 0), min(window[1], SIDE - 1))


def check_against_gradients(model, channels=2):
    """Each output sees what the table's field says, and the table's last row, returned, sums it up.

    None if the image is too small to tell.
    """
    field, row = (
        follow(model, (SIDE, SIDE, channels))[0].field,
        layer_table(model, (SIDE, SIDE, channels))[-1],
    )
    assert field is not None
    axes = (field.rows, field.columns)
    inner = [inner_positions(axis) for axis in axes]
    if not all(inner):
        return None
    count = max(map(len, inner))
    positions = [tuple(axis[n % len(axis)] for axis in inner) for n in range(count)]
    size, spans = seen_pixels(model, channels, positions)
    assert size == row.output_shape[:2]

    for position, seen in zip(positions, spans, strict=True):
        expected = [
            clipped(axis.window(j), axis.whole) for axis, j in zip(axes, position, strict=True)
        ]
        # where one axis sees nothing, there is no pixel at all
        assert list(seen) == (expected if all(expected) else [None, None])
    for n, axis in enumerate(axes):
        found = {at[n]: seen[n] for at, seen in zip(positions, spans, strict=True) if seen[n]}
        period, first = len(axis.windows), min(found, default=0)
        if axis.whole or not found.keys() >= {*range(first, first + 2 * period)}:
            continue  # too few windows within the margin, to speak for all
        assert row.receptive_field[n] == max(b - a + 1 for a, b in found.values())
        assert row.stride[n] * period == found[first + period][0] - found[first][0]
        if row.offset:
            # the first output of all comes some periods before one of those
            start = next(j for j in found if j % period == 0)
            assert row.offset[n] == sum(found[start]) / 2 - start * row.stride[n]
    return row


pairs = st.tuples(st.integers(1, 4), st.integers(1, 4))
steps = st.tuples(st.integers(1, 3), st.integers(1, 3))
modes = st.sampled_from(["zeros", "circular", "reflect", "replicate"])


class Both(nn.Module):
    """Two branches, added or concatenated and mixed."""

    def __init__(self, first, second, join):
        super().__init__()
        self.first, self.second, self.join = first, second, join
        self.mix = nn.Conv2d(4, 2, 1) if join == "cat" else nn.Identity()

    def forward(self, x):
        first, second = self.first(x), self.second(x)
        return self.mix(torch.cat([first, second], 1) if self.join == "cat" else first + second)


@st.composite
def layers(draw):
    kernel, stride, dilation = draw(pairs), draw(steps), draw(steps)
    kind = draw(
        st.sampled_from(
            ["conv", "conv", "pool", "average", "transposed", "resize", "adaptive", "two"]
        )
    )
    if kind == "conv":
        padding = draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
        return nn.Conv2d(2, 2, kernel, stride, padding, dilation, padding_mode=draw(modes))
    if kind == "pool":
        padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
        return nn.MaxPool2d(kernel, stride, padding, dilation, ceil_mode=draw(st.booleans()))
    if kind == "average":
        padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
        return nn.AvgPool2d(kernel, stride, padding, ceil_mode=draw(st.booleans()))
    if kind == "transposed":
        # More padding would cut off what the image still holds; padding of a later layer would
        # then put zeros there, well within the margin.
        padding = [draw(st.integers(0, d * (k - 1))) for d, k in zip(dilation, kernel, strict=True)]
        extra = [draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation, strict=True)]
        return nn.ConvTranspose2d(2, 2, kernel, stride, padding, extra, dilation=dilation)
    if kind == "resize":
        factor = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
        mode = draw(st.sampled_from(["nearest", "nearest-exact", "bilinear"]))
        return nn.Upsample(scale_factor=factor, mode=mode)
    if kind == "adaptive":
        return nn.AdaptiveAvgPool2d((draw(st.integers(2, 30)), None))
    odd = draw(st.sampled_from([1, 3, 5]))
    branches = [
        nn.Conv2d(2, 2, odd, stride, odd // 2 * dilation[0], dilation[0]),
        nn.Conv2d(2, 2, 1, stride),
    ]
    return Both(*branches, draw(st.sampled_from(["cat", "add"])))


@given(st.lists(layers(), min_size=1, max_size=4))
def test_receptive_fields_of_random_stacks_are_those_of_the_gradient(chain):
    model = nn.Sequential(*chain)
    try:
        model(torch.zeros(1, 2, SIDE, SIDE))
    except RuntimeError:
        assume(False)
    assume(check_against_gradients(model))


# Networks that are more than a chain


class Apply(nn.Module):
    """A function of an image and of layers that the module holds."""

    def __init__(self, function, **layers):
        super().__init__()
        self.function = function
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, x):
        return self.function(self, x)


def conv(kernel=3, channels=2, filters=2, **options):
    return nn.Conv2d(channels, filters, kernel, **options)


def residual(self, x):
    y = F.relu(self.norm1(self.conv1(x)))
    y = self.norm2(self.conv2(y))
    y += self.shortcut(x)
    return y.relu_()


def squeeze_and_excite(self, x):
    x = self.conv(x)
    gate = x.mean((2, 3))
    gate = torch.sigmoid(self.up(F.relu(self.down(gate))))
    return self.after(x * gate[:, :, None, None])


def squeeze_by_pooling(self, x):
    x = self.conv(x)
    return x * F.adaptive_avg_pool2d(x, 1).sigmoid().expand_as(x)


def u_net(self, x):
    top = self.top(x)
    middle = self.middle(self.pool(top))
    bottom = self.bottom(F.avg_pool2d(middle, kernel_size=2))
    middle = self.up1(torch.cat([middle, F.interpolate(bottom, scale_factor=2)], dim=1))
    return self.up2(torch.cat((top, self.raise_(middle)), 1))


def convnext(self, x):
    y = self.depthwise(x).permute(0, 2, 3, 1)
    y = self.down(F.gelu(self.up(self.norm(y)))) * self.scale.weight[0]
    return x + y.permute(0, 3, 1, 2)


def shuffled_channels(self, x):
    x = self.first(x)
    n, c, h, w = x.shape
    x = x.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, c, h, w)
    left, right = x.chunk(2, dim=1)
    return torch.cat([left, self.second(right)], 1)


def cropped(self, x):
    x = self.first(x).type_as(x.mean())[..., 3:-2, 1::2]
    return self.second(F.pad(x, (2, 1, 0, 3)))


def inception(self, x):
    return torch.stack([self.a(x), self.b(x), F.avg_pool2d(x, 3, 1, 1)], dim=2).sum(2)


NETWORKS = {
    "residual": Apply(
        residual,
        conv1=conv(stride=2, padding=1),
        norm1=nn.BatchNorm2d(2),
        conv2=conv(padding=1),
        norm2=nn.BatchNorm2d(2),
        shortcut=nn.Sequential(conv(1, stride=2), nn.BatchNorm2d(2)),
    ),
    "squeeze and excite": Apply(
        squeeze_and_excite,
        conv=conv(stride=2, padding=1),
        down=nn.Linear(2, 1),
        up=nn.Linear(1, 2),
        after=conv(padding=1),
    ),
    "squeeze by pooling": Apply(squeeze_by_pooling, conv=conv(5, padding=2, stride=3)),
    "U-Net": Apply(
        u_net,
        top=conv(padding=1),
        pool=nn.MaxPool2d(2),
        middle=conv(padding=1),
        bottom=conv(padding=1),
        up1=conv(channels=4, padding=1),
        raise_=nn.ConvTranspose2d(2, 2, 2, stride=2),
        up2=conv(channels=4, padding=1),
    ),
    "down and up": nn.Sequential(
        conv(stride=2), nn.ConvTranspose2d(2, 2, 3, stride=2, output_padding=1)
    ),
    "ConvNeXt": nn.Sequential(
        conv(2, stride=2),
        Apply(
            convnext,
            depthwise=conv(7, padding=3, groups=2),
            norm=nn.LayerNorm(2),
            up=nn.Linear(2, 4),
            down=nn.Linear(4, 2),
            scale=nn.Linear(2, 1, bias=False),
        ),
    ),
    "shuffled channels": Apply(
        shuffled_channels, first=conv(filters=4, padding=1), second=conv(padding=1)
    ),
    "cropped": Apply(cropped, first=conv(), second=conv(stride=2)),
    "Inception": Apply(inception, a=conv(1), b=conv((1, 5), padding=(0, 2))),
    "pixel shuffle": nn.Sequential(conv(filters=4), nn.PixelShuffle(2), conv(channels=1)),
    "pixel unshuffle": nn.Sequential(nn.PixelUnshuffle(3), conv(channels=18)),
    "bicubic": nn.Sequential(conv(stride=4), nn.Upsample(scale_factor=2, mode="bicubic")),
    "aligned corners": nn.Sequential(
        conv(2, stride=8), nn.Upsample(size=(23, 45), mode="bilinear", align_corners=True)
    ),
    "resized to any size": nn.Sequential(conv(), nn.Upsample(size=(141, 47), mode="nearest")),
    "LP pooling": nn.Sequential(conv(), nn.LPPool2d(2, 3, stride=2)),
    "circular": nn.Sequential(conv(2, padding=1, padding_mode="circular"), conv(padding="same")),
    "group normalisation": nn.Sequential(conv(stride=2), nn.GroupNorm(1, 2), conv(padding=1)),
    "instance normalisation": nn.Sequential(conv(), nn.InstanceNorm2d(2, affine=True)),
    "batch statistics": nn.Sequential(conv(), nn.BatchNorm2d(2, track_running_stats=False)),
    "softmax over channels": nn.Sequential(conv(5), nn.Softmax(dim=1)),
    "dilated": nn.Sequential(conv(dilation=2), nn.MaxPool2d(3, dilation=3, stride=2)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_receptive_fields_are_those_of_the_gradient(name):
    row = check_against_gradients(NETWORKS[name])
    assert row.receptive_field


def test_a_field_beside_the_whole_keeps_its_stride():
    for name in ("squeeze and excite", "group normalisation"):
        row = layer_table(NETWORKS[name], (96, 96, 2))[-1]
        assert min(row.receptive_field) >= 96
        assert (row.stride, row.offset) == ((2, 2), (1, 1) if "group" in name else (0, 0))


def largest_window(model, shape):
    """Rows and columns of the largest window that an entry of the output sees: by the Jacobian."""
    height, width, channels = shape
    x = torch.rand(1, channels, height, width, generator=torch.Generator().manual_seed(1))
    jacobian = torch.autograd.functional.jacobian(positive(model), x.double())
    seen = jacobian.reshape(-1, channels, height, width).abs().sum(1) > 0
    where = [each.nonzero() for each in seen]
    spans = torch.stack([pixels.amax(0) - pixels.amin(0) + 1 for pixels in where])
    return tuple(spans.amax(0).tolist())


FUNCTIONS = {
    "one row": lambda x: x[:, :, 3],
    "one row from the end": lambda x: x[..., -1, :] * 2,
    "one column, kept": lambda x: x[..., 2:3] + x,
    "every second row": lambda x: F.avg_pool2d(x[:, :, 1::2], 2),
    "the image alone": lambda x: F.avg_pool2d(x[0], 2),
    "one channel": lambda x: x[:, 1].unsqueeze(1).exp(),
    "a new axis": lambda x: x[:, None] * x.unsqueeze(1),
    "mean of rows": lambda x: x.mean(2),
    "mean of columns beside the map": lambda x: x * x.mean(-1, keepdim=True),
    "sum of all": lambda x: x.sum(),
    "largest of the channels": lambda x: x.logsumexp(dim=1),
    "standard deviation": lambda x: x.std((-2, -1)),
    "norm of the columns": lambda x: x.norm(dim=3),
    "softmax along the rows": lambda x: x.softmax(2),
    "softmax over positions": lambda x: x.flatten(2).softmax(-1),
    "normalised channels": lambda x: F.normalize(x),
    "layer norm along the columns": lambda x: F.layer_norm(x, x.shape[-1:]),
    "layer norm of the map": lambda x: F.layer_norm(x, x.shape[-3:]),
    "instance norm": lambda x: F.instance_norm(x),
    "a weight for each column": lambda x: F.linear(x, torch.ones(4, 7, dtype=x.dtype)),
    "a matrix for each row": lambda x: x.transpose(2, 3) @ torch.ones(8, 2, dtype=x.dtype),
    "flat, then fully connected": lambda x: x.flatten(1) @ torch.ones(112, 3, dtype=x.dtype),
    "flat rows": lambda x: x.permute(0, 3, 1, 2).reshape(1, 7, -1).sum(2),
    "channels last": lambda x: x.permute(0, 2, 3, 1) + torch.arange(2),
    "turned twice": lambda x: F.avg_pool2d(x.transpose(2, 3).swapaxes(-1, -2), (2, 1)),
    "channels apart": lambda x: sum(x.split(1, dim=1)) + x.unbind(1)[0],
    "two flat halves": lambda x: torch.cat([half.flatten(1) for half in x.chunk(2, 1)], 1),
    "through a vector": lambda x: F.conv_transpose2d(
        x.mean((2, 3)).view(1, 2, 1, 1), torch.ones(2, 1, 3, 3, dtype=x.dtype), stride=2
    ),
    "broadcast": lambda x: x.sum((2, 3), keepdim=True).expand(-1, -1, 4, 4).contiguous(),
    "squeezed": lambda x: F.adaptive_avg_pool2d(x, (1, 3)).squeeze(2).exp(),
    "chosen": lambda x: torch.where(x > 0.5, x, x * 2).clamp(0.1, 99),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_fields_after_functions_are_those_of_the_jacobian(name):
    """Without padding, so that every window lies within the image, and all entries count."""
    model = Apply(lambda self, x: FUNCTIONS[name](self.first(x)), first=conv(stride=1))
    row = layer_table(model, (10, 9, 2))[-1]
    assert row.receptive_field == largest_window(model, (10, 9, 2))


# Names, counts, and what is left of a model


@pytest.mark.parametrize("name", NETWORKS)
def test_counts_are_torchs(name):
    model = NETWORKS[name]
    table = layer_table(model, (96, 96, 2))
    with FlopCounterMode(display=False) as counter:
        output = model.eval()(torch.zeros(1, 2, 96, 96))
    assert table.multiply_adds == counter.get_total_flops() // 2
    assert table.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert table[-1].output_shape == (*output.shape[2:], output.shape[1])
    for row in table:
        assert eval(row.expression.replace("×", "*")) == row.parameters


def test_names_are_paths_and_functions_stand_beside_the_modules_of_their_level():
    table = layer_table(nn.Sequential(NETWORKS["residual"], nn.Flatten()), (8, 8, 2))
    assert [(row.name, row.kind) for row in table] == [
        ("Input", "Input"),
        ("0.conv1", "Conv2d"),
        ("0.norm1", "BatchNorm2d"),
        ("0.relu", "relu"),
        ("0.conv2", "Conv2d"),
        ("0.norm2", "BatchNorm2d"),
        ("0.shortcut.0", "Conv2d"),
        ("0.shortcut.1", "BatchNorm2d"),
        ("0.add", "add"),
        ("0.relu (2)", "relu"),
        ("1", "Flatten"),
    ]


def test_a_module_alone_makes_one_row():
    table = layer_table(nn.Conv2d(2, 3, 3, groups=1, bias=False), (8, 8, 2))
    assert [(row.name, row.expression) for row in table[1:]] == [("Conv2d", "3×3×2×3")]


def test_a_module_called_again_counts_its_parameters_once():
    shared = conv(padding=1)
    table = layer_table(nn.Sequential(shared, nn.ReLU(), shared), (8, 8, 2))
    assert [row.name for row in table[1:]] == ["0", "1", "0 (2)"]
    assert [row.parameters for row in table[1:]] == [38, 0, 0]
    assert table[1].multiply_adds == table[3].multiply_adds == 8 * 8 * 36
    assert table[3].receptive_field == (5, 5)


def test_tied_weights_count_once():
    model = nn.Sequential(conv(padding=1), conv(padding=1))
    model[1].weight = model[0].weight
    table = layer_table(model, (8, 8, 2))
    assert [row.parameters for row in table] == [0, 38, 2]


def test_parameters_without_use_get_the_last_row():
    model = Apply(lambda self, x: self.used(x), used=conv(), idle=nn.Linear(5, 4))
    table = layer_table(model, (8, 8, 2))
    assert [row.name for row in table[:-1]] == ["Input", "used"]
    assert (table[-1].parameters, table[-1].multiply_adds, table[-1].activations) == (24, 0, 0)
    assert table.parameters == 38 + 24


def test_a_parameter_outside_of_layers_counts_where_it_is_used():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = conv()
            self.scale = nn.Parameter(torch.ones(2, 1, 1))

        def forward(self, x):
            return self.conv(x) * self.scale.exp()

    table = layer_table(Scaled(), (8, 8, 2))
    assert [(row.name, row.parameters) for row in table[1:]] == [("conv", 38), ("mul", 2)]


def test_a_weight_that_is_itself_computed():
    layer = nn.utils.parametrizations.weight_norm(conv())
    table = layer_table(nn.Sequential(layer, nn.ReLU()), (8, 8, 2))
    assert [(row.name, row.kind) for row in table[1:]] == [("0", "Conv2d"), ("1", "ReLU")]
    assert table.parameters == sum(p.numel() for p in layer.parameters())


# Torch discourages the hook, in favour of the parametrization; models with it are still around.
@pytest.mark.filterwarnings("ignore:`?torch.nn.utils.weight_norm:FutureWarning")
@pytest.mark.filterwarnings("ignore:`?torch.nn.utils.weight_norm:DeprecationWarning")
def test_a_weight_that_a_hook_of_torchs_computes():
    model = nn.Sequential(nn.utils.weight_norm(conv()), conv(), nn.utils.spectral_norm(conv()))
    prune.l1_unstructured(model[1], "weight", 0.5)
    model.eval()
    table = layer_table(model, (8, 8, 2))
    assert [row.name for row in table[1:]] == ["0", "1", "2"]
    assert [row.parameters for row in table[1:]] == [36 + 2 + 2, 36 + 2, 36 + 2]
    model(torch.zeros(1, 2, 8, 8))  # it still computes


def test_a_parameter_can_be_what_a_module_is_given():
    model = Apply(
        lambda self, x: self.first(x) + self.line(self.query.expand(4, 3)).mean(0).view(2, 1, 1),
        first=conv(),
        line=nn.Linear(3, 2),
        query=nn.Parameter(torch.ones(3)),
    )
    table = layer_table(model, (8, 8, 2))
    assert [(row.name, row.parameters) for row in table[1:]] == [("first", 38), ("add", 3 + 6 + 2)]


def test_groups_and_transposed_weights_are_written_as_in_a_homework():
    model = nn.Sequential(
        nn.Conv2d(4, 6, (3, 1), groups=2), nn.ConvTranspose2d(6, 4, 2, groups=2, bias=False)
    )
    table = layer_table(model, (8, 8, 4))
    assert [row.expression for row in table[1:]] == ["3×1×2×6 + 6", "2×2×3×4"]


class Opaque(torch.autograd.Function):
    @staticmethod
    def forward(_ctx, x):
        return torch.from_numpy(x.numpy().copy()) if x.device.type == "cpu" else torch.empty_like(x)


@pytest.mark.parametrize(
    "unknown",
    [
        lambda _, x: torch.fft.fft2(x).real,
        lambda _, x: x.flip(2),
        lambda _, x: torch.einsum("nchw,ndhw->ncdh", x, x),
        lambda _, x: x @ x.transpose(2, 3),
        lambda _, x: x + x.transpose(2, 3),
        lambda _, x: torch.cat([x, x], 2),
        lambda _, x: torch.cat([x, x], axis=-1),
        lambda _, x: torch.cat([x[:, :, :2].flatten(2), x[:, :, 6:].flatten(2)], 2),
        lambda _, x: x.unfold(2, 2, 2),
        lambda _, x: x.reshape(1, 2, 32, 2),
        lambda _, x: Opaque.apply(x),
        lambda _, x: F.interpolate(x, scale_factor=1.3, mode="bilinear"),
        lambda _, x: F.conv2d(
            x, x[:, :, :3, :3].transpose(0, 1)[:1].expand(2, 2, 3, 3) * 0 + x.mean()
        ),
    ],
    ids=range(13),
)
def test_what_the_table_cannot_follow_is_unknown_and_the_rest_is_right(unknown):
    model = Apply(lambda self, x: unknown(self, self.first(x)), first=conv(padding=1))
    table = layer_table(model, (8, 8, 2))
    output = model(torch.zeros(1, 2, 8, 8))
    assert table[1].receptive_field == (3, 3)
    last = table[-1]
    assert (last.receptive_field, last.stride, last.offset) == (None, None, None)
    assert last.activations == output.numel()
    assert table.parameters == 38
    assert str(table)
    assert table.to_csv()
    later = layer_table(nn.Sequential(model, nn.Flatten(), nn.ReLU()), (8, 8, 2))
    assert later[-1].receptive_field is None


@pytest.mark.parametrize("way", ["slice", "view", "whole"])
def test_writing_into_a_tensor_is_noticed(way):
    def write(self, x):
        x = self.first(x)
        out = torch.zeros_like(x)
        if way == "slice":
            out[:, :1] = x[:, :1]
        elif way == "view":
            out[:, :1].copy_(x[:, :1])
        else:
            out += x
        return out * 1

    row = layer_table(Apply(write, first=conv()), (8, 8, 2))[-1]
    assert row.kind == "mul"
    assert row.receptive_field == ((3, 3) if way == "whole" else None)


def test_a_tensor_is_known_to_change_with_the_one_it_is_a_part_of():
    """By hand: the part holds the sum, which sees 5×5; ReLU leaves what each entry has seen."""

    def add_in_place(self, x):
        x = self.pointwise(x)
        part, flat = x[:, :1], x.view(1, 2, 64)
        flat.relu_()
        before = part * 1
        x += self.wide(x)
        return before, part * 1

    model = Apply(add_in_place, pointwise=conv(1), wide=conv(5, padding=2))
    before, after = (row for row in layer_table(model, (8, 8, 2)) if row.kind == "mul")
    assert before.receptive_field == (1, 1)
    assert after.receptive_field in (None, (5, 5))


@pytest.mark.parametrize(
    "arrange",
    [
        lambda x: x.flatten(2).permute(2, 0, 1),
        lambda x: x.permute(2, 3, 0, 1),
        lambda x: torch.stack([x, x]),
        lambda x: x.reshape(2, 4, 8, 2).transpose(0, 1),
        lambda x: x[0].reshape(2, 1, 8, 8),
        lambda x: x.sum(),
        lambda x: x.sum((1, 2, 3)),
    ],
    ids=range(7),
)
def test_wherever_the_batch_is_the_output_holds_as_many_numbers(arrange):
    model = Apply(lambda self, x: arrange(self.first(x)), first=conv(padding=1))
    assert layer_table(model, (8, 8, 2))[-1].activations == arrange(torch.zeros(1, 2, 8, 8)).numel()


def test_what_does_not_see_the_image_makes_no_row():
    def noise(self, x):
        mask = torch.rand(x.shape[2:]) > 0.5
        return self.first(x) + torch.ones_like(x).mean() + mask[:6, :6]

    table = layer_table(Apply(noise, first=conv()), (8, 8, 2))
    assert [row.kind for row in table] == ["Input", "Conv2d", "add", "add"]


def test_a_vision_transformer_has_its_shapes_and_counts():
    class Transformer(nn.Module):
        def __init__(self):
            super().__init__()
            self.patches = nn.Conv2d(3, 16, 4, stride=4)
            self.token = nn.Parameter(torch.zeros(1, 1, 16))
            self.block = nn.TransformerEncoderLayer(16, 4, batch_first=True)
            self.head = nn.Linear(16, 3)

        def forward(self, x):
            x = self.patches(x).flatten(2).transpose(1, 2)
            x = torch.cat([self.token.expand(len(x), -1, -1), x], 1)
            return self.head(self.block(x)[:, 0])

    model = Transformer()
    table = layer_table(model, (16, 16, 3))
    assert table.parameters == sum(p.numel() for p in model.parameters())
    shapes = {row.name: row.output_shape for row in table}
    assert shapes["patches"] == (4, 4, 16)
    assert shapes["block.linear1"] == (17, 2048)
    assert table[-1].output_shape == (3,)
    assert table[-1].receptive_field is None
    assert len({len(line) for line in csv.reader(io.StringIO(table.to_csv()))}) == 1


def test_the_model_stays_as_it_was():
    calls = []
    model = nn.Sequential(conv(), nn.BatchNorm2d(2), nn.Dropout(), nn.Flatten(), nn.Linear(72, 3))
    model[1].eval()
    model[0].register_forward_hook(lambda *_: calls.append(1))
    model[4].register_forward_pre_hook(lambda *_: calls.append(1))
    model[0].weight.requires_grad_(False)
    model.extra = torch.ones(3)
    before = copy.deepcopy(model.state_dict())
    states = [module.training for module in model.modules()]
    hooks = [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()]
    dice = torch.get_rng_state()

    layer_table(model, (8, 8, 2))

    assert calls == []
    assert [module.training for module in model.modules()] == states
    assert hooks == [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert [p.requires_grad for p in model.parameters()] == [False, *[True] * 5]
    assert all(p.grad is None and p.device.type == "cpu" for p in model.parameters())
    assert model.extra.device.type == "cpu"
    assert torch.equal(dice, torch.get_rng_state())
    assert torch.is_grad_enabled()
    model(torch.zeros(2, 2, 8, 8))
    assert calls == [1, 1]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_models_of_any_precision(dtype):
    model = nn.Sequential(conv(), nn.Flatten()).to(dtype)
    assert layer_table(model, (8, 8, 2))[-1].output_shape == (72,)


def test_a_model_whose_tensors_are_no_parameters():
    class Fixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("kernel", torch.ones(2, 2, 3, 3))
            self.mean = torch.ones(2, 1, 1)

        def forward(self, x):
            return F.conv2d(x - self.mean, self.kernel)

    table = layer_table(Fixed(), (8, 8, 2))
    assert [(row.kind, row.parameters) for row in table[1:]] == [("sub", 0), ("conv2d", 0)]
    assert table[-1].multiply_adds == 6 * 6 * 36


def test_tensors_from_elsewhere_than_the_model():
    means = [torch.ones(2, 1, 1)]
    model = Apply(
        lambda self, x: self.first(x - self.means[0] * 2) * torch.from_numpy(np.ones(1)) + means[0],
        first=conv(),
        means=[torch.ones(2, 1, 1)],
    )
    table = layer_table(model, (8, 8, 2))
    assert [row.kind for row in table] == ["Input", "sub", "Conv2d", "mul", "add"]
    assert table[-1].receptive_field == (3, 3)


def test_a_failure_that_the_model_catches_is_none():
    def careful(self, x):
        try:
            return self.wrong(x)
        except RuntimeError:
            return self.right(x)

    model = Apply(careful, wrong=nn.Sequential(conv(channels=3)), right=conv())
    table = layer_table(model, (8, 8, 2))
    assert [row.name for row in table[:3]] == ["Input", "right", "(not used)"]


def broken(_self, _x):
    raise RuntimeError


@pytest.mark.parametrize(
    "model, named",
    [
        (nn.Sequential(conv(channels=3)), ["'0'", "8×8×2", "channels must be 3"]),
        (nn.BatchNorm2d(3), ["'BatchNorm2d'", "8×8×2", "channels must be 3"]),
        (nn.Sequential(conv(), nn.Sequential(nn.ReLU(), conv(9))), ["'1.1'", "6×6×2"]),
        (nn.Sequential(nn.Flatten(), nn.Linear(100, 3)), ["'1'", "128", "entries must be 100"]),
        (Apply(lambda self, x: x + self.conv(x), conv=conv()), ["'add'", "8×8×2", "6×6×2"]),
        (Apply(lambda self, x: self.conv(x).view(5), conv=conv()), ["'view'", "6×6×2"]),
        (Apply(lambda self, x: self.conv(x).item(), conv=conv()), ["'item'", "6×6×2"]),
        (Apply(lambda self, x: x if (x > 0).any() else self.conv(x), conv=conv()), ["'bool'"]),
        (Apply(lambda self, x: self.missing(x)), ["'Apply'", "missing", "8×8×2"]),
        (nn.Sequential(Apply(broken)), ["'0'", "RuntimeError"]),
        (nn.Sequential(nn.LazyConv2d(3, 3)), ["0.weight"]),
        (Apply(broken, lock=threading.Lock()), ["model"]),
        (3, ["model_or_spec", "3"]),
        (nn.Conv2d, ["model_or_spec", "Conv2d"]),
    ],
    ids=range(14),
)
def test_a_model_that_cannot_be_followed_is_told_in_a_sentence(model, named):
    with pytest.raises(ValueError) as told:  # noqa: PT011 (the names follow)
        layer_table(model, (8, 8, 2))
    assert all(name in str(told.value) for name in named)
    assert "\n" not in str(told.value)
    assert "meta" not in str(told.value)
