"""The table behind the page's memory calculator: many predictions, exact, with what fits where.

The page looks its numbers up and computes none. ``table()`` takes about a minute of one core;
`convbook.memory.sharing` says why not half an hour.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from convbook import parallel
from convbook.memory.cases import Case, build
from convbook.memory.records import Record
from convbook.memory.report import Report
from convbook.memory.sharing import Step, optimizer_logs, steps_of
from convbook.memory.step import PHASES

if TYPE_CHECKING:
    from jaxtyping import Int

GB = 10**9


@dataclass(frozen=True)
class Image:
    """The side of a square colour image in pixels, and the stem of the network that sees it."""

    side: int
    stem: str


@dataclass(frozen=True)
class Gpu:
    """A GPU and its memory, in bytes."""

    name: str
    bytes: int


@dataclass(frozen=True)
class Grid:
    """All that the table combines; each field is an axis."""

    networks: tuple[str, ...] = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
    images: tuple[Image, ...] = (
        Image(32, "small"),
        Image(64, "small"),
        Image(96, "imagenet"),
        Image(224, "imagenet"),
        Image(384, "imagenet"),
    )
    optimizers: tuple[str, ...] = ("sgd", "momentum", "adam")
    precisions: tuple[str, ...] = ("float32", "bfloat16")
    batches: tuple[int, ...] = tuple(2**n for n in range(11))

    def case(self, at: Sequence[int]) -> Case:
        """The case at these indices of the axes, in their order."""
        network, image, optimizer, precision, batch = at
        side = self.images[image].side
        return Case(
            self.networks[network],
            (side, side, 3),
            self.batches[batch],
            self.optimizers[optimizer],
            precision=self.precisions[precision],
            stem=self.images[image].stem,
        )


# The data sheets' gigabytes, as 10⁹ bytes: NVIDIA's product pages of the GeForce cards, and its
# data sheets "T4 Tensor Core GPU", "A100 Tensor Core GPU", "L40S GPU", "H100 Tensor Core GPU" and
# "H200 Tensor Core GPU". A card may have up to 7 % more, where its maker's gigabyte is 2³⁰ bytes,
# or slightly less, where it keeps some for itself; `torch.cuda.mem_get_info` tells.
GPUS = (
    Gpu("GeForce RTX 4060", 8 * GB),
    Gpu("GeForce RTX 4070", 12 * GB),
    Gpu("T4", 16 * GB),
    Gpu("GeForce RTX 4090", 24 * GB),
    Gpu("GeForce RTX 5090", 32 * GB),
    Gpu("A100 40GB", 40 * GB),
    Gpu("L40S", 48 * GB),
    Gpu("H100", 80 * GB),
    Gpu("H200", 141 * GB),
)

AXES = ("networks", "images", "optimizers", "precisions", "batches")
# The axes that each column depends on: a number stands in the file once, which keeps it small.
COLUMNS: dict[str, tuple[str, ...]] = {
    "parameters": ("networks", "images"),
    "buffers": ("networks", "images"),
    "gradients": ("networks", "images"),
    "optimizer_state": ("networks", "images", "optimizers"),
    "inputs": ("images", "batches"),
    "activations": ("networks", "images", "precisions", "batches"),
    "gradients_at_peak": AXES,
    "activations_at_peak": AXES,
    "temporaries_at_peak": AXES,
    "peak": AXES,
    "peak_phase": AXES,
    "reserved": AXES,
    "just_so": AXES,
}
# A column's numbers are multiples of it: the allocator's rounding, and that of its segments.
UNITS = {"peak": 512, "reserved": 2**21}


def table(
    records: Iterable[Record] = (), grid: Grid | None = None, gpus: tuple[Gpu, ...] = GPUS
) -> dict[str, Any]:
    """All predictions of a grid, as `convbook.publish.data_file` takes them.

    Parameters
    ----------
    records
        Whose readings of the grid's cases are part of the table, where a GPU took them.
    grid
        What to combine; all that the page offers, unless given.
    gpus
        For which to find out what fits; 31 at most.

    Returns
    -------
    table
        The axes by their names; ``gpus``; ``phases``; ``axes`` and ``columns``: of each column the
        axes it depends on, and its numbers, the last axis fastest, in bytes over ``units``, where
        that names the column. ``_at_peak`` is what is held when most is requested; parameters,
        buffers, optimizer state and inputs are all there then. ``peak_phase`` is an index of
        ``phases``. ``just_so`` has bit n set where the step fits into GPU n although ``reserved``
        is more than that has, since cached memory is given back. ``readings`` lists what GPUs
        measured: ``at`` are indices of the axes.
    """
    grid = grid or Grid()
    jobs = [
        {"network": network, "stem": stem, "grid": grid, "gpus": gpus}
        for network in reversed(grid.networks)  # long ones first
        for stem in dict.fromkeys(image.stem for image in grid.images)
    ]
    found: dict[tuple[int, ...], dict[str, int]] = {}
    for cells in parallel.run(predicted, jobs):
        found |= cells
    return {
        **{axis: list(getattr(grid, axis)) for axis in AXES if axis != "images"},
        "images": [{"side": image.side, "stem": image.stem} for image in grid.images],
        "gpus": [{"name": gpu.name, "bytes": gpu.bytes} for gpu in gpus],
        "phases": list(PHASES),
        "axes": {name: list(axes) for name, axes in COLUMNS.items()},
        "units": UNITS,
        "columns": {name: _column(name, found, grid) for name in COLUMNS},
        "readings": readings(records, grid),
    }


def predicted(
    network: str, stem: str, grid: Grid, gpus: tuple[Gpu, ...]
) -> dict[tuple[int, ...], dict[str, int]]:
    """The cells of one network with one stem: by their indices, the bytes in each column."""
    model = build(Case(network, stem=stem))
    own = optimizer_logs(model, grid.optimizers)
    cells: dict[tuple[int, ...], dict[str, int]] = {}
    for p, precision in enumerate(grid.precisions):
        steps = steps_of(model, precision, own)
        for (i, image), (o, name), (b, batch) in itertools.product(
            enumerate(grid.images), enumerate(grid.optimizers), enumerate(grid.batches)
        ):
            if image.stem == stem:
                at = grid.networks.index(network), i, o, p, b
                cells[at] = _cell(steps[name], batch, image.side, gpus)
    return cells


def readings(records: Iterable[Record], grid: Grid) -> list[dict[str, Any]]:
    """What GPUs measured of the grid's cases, the newest record first: bytes, device and day."""
    shape = [range(len(getattr(grid, axis))) for axis in AXES]
    places = {grid.case(at): at for at in itertools.product(*shape)}
    return [
        {
            "at": list(places[reading.case]),
            "device": record.device["name"],
            "measured_on": reading.measured_on,
            "peak": reading.report.peak,
            "reserved": reading.report.reserved,
            "out_of_memory": reading.report.out_of_memory is not None,
        }
        for record in records
        if record.capability is not None
        for reading in record.memory
        if reading.case in places
    ]


def _cell(step: Step, batch: int, side: int, gpus: tuple[Gpu, ...]) -> dict[str, int]:
    report = step.predict(batch, side)
    _check(report)
    assert report.reserved is not None
    just_so = sum(
        1 << n
        for n, gpu in enumerate(gpus)
        if report.peak <= gpu.bytes < report.reserved and step.fits(batch, side, gpu.bytes)
    )
    return {
        "parameters": report.parameters,
        "buffers": report.buffers,
        "gradients": report.gradients,
        "optimizer_state": report.optimizer_state,
        "inputs": report.inputs,
        "activations": report.activations,
        "gradients_at_peak": report.at_peak["gradients"],
        "activations_at_peak": report.at_peak["activations"],
        "temporaries_at_peak": report.at_peak["temporaries"],
        "peak": report.peak,
        "peak_phase": PHASES.index(report.peak_phase),
        "reserved": report.reserved,
        "just_so": just_so,
    }


def _check(report: Report) -> None:
    """What the table says once must hold: all of these kinds are there at the peak."""
    for kind in ("parameters", "buffers", "optimizer_state", "inputs"):
        if report.at_peak[kind] != getattr(report, kind):
            raise ValueError(
                f"at the peak {report.at_peak[kind]:,} bytes of {kind} are held, of "
                f"{getattr(report, kind):,}; the table has one number for both"
            )


def _column(name: str, cells: dict[tuple[int, ...], dict[str, int]], grid: Grid) -> list[int]:
    """A column's numbers, in its unit, over the axes that it depends on."""
    shape = [len(getattr(grid, axis)) for axis in AXES]
    values = np.empty(shape, dtype=np.int64)
    for at, cell in cells.items():
        values[at] = cell[name]
    others = tuple(n for n, axis in enumerate(AXES) if axis not in COLUMNS[name])
    least: Int[np.ndarray, " ..."] = values.min(axis=others)
    unit = UNITS.get(name, 1)
    if (least != values.max(axis=others)).any() or (least % unit).any():
        raise ValueError(
            f"{name} is no multiple of {unit}, or depends on other axes than "
            f"{', '.join(COLUMNS[name])}"
        )
    flat: list[int] = (least // unit).ravel().tolist()
    assert len(flat) == math.prod(least.shape)
    return flat
