"""``convbook memory``: what training a network takes of a GPU's memory, predicted without one."""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
from typing import TYPE_CHECKING, Any

from convbook.commands.networks import (
    MODELS,
    Shape,
    add_network,
    check_name,
    image_of,
    imported,
    known,
)

if TYPE_CHECKING:
    import torch

    from convbook.memory import Report

UNITS = {"GB": 10**9, "MB": 10**6, "GiB": 2**30, "MiB": 2**20, "B": 1}


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the subcommand."""
    parser.description = (
        "Memory of a training step on a GPU, predicted without one: parameters, gradients, "
        "optimizer state, activations, the peak, and what torch's allocator reserves."
    )
    parser.epilog = (
        "For instance: convbook memory resnet152 --batch-size 64 --optimizer adam --gpu-memory 16GB"
    )
    add_network(parser)
    number: dict[str, Any] = {"type": int, "metavar": "N"}
    parser.add_argument("--batch-size", **number, help="images of a step")
    parser.add_argument(
        "--optimizer", default="sgd", choices=("sgd", "momentum", "adam", "adamw"),
        help="sgd unless given; momentum is SGD with it",
    )  # fmt: skip
    parser.add_argument(
        "--implementation", default="foreach", choices=("foreach", "fused", "for-loop"),
        help="of the optimizer; foreach, torch's choice on a GPU, unless given",
    )  # fmt: skip
    parser.add_argument(
        "--precision", default="float32", choices=("float32", "bfloat16"),
        help="bfloat16 is torch's autocast; float32 unless given",
    )  # fmt: skip
    parser.add_argument("--channels-last", action="store_true", help="channels last in memory")
    parser.add_argument("--checkpoint", action="store_true", help="compute the blocks again")
    parser.add_argument("--accumulate", default=1, **number, help="micro-batches of a step")
    parser.add_argument("--classes", **number, help="of a named model, in place of its own number")
    parser.add_argument("--stem", choices=("imagenet", "small"), help="of a residual network")
    parser.add_argument(
        "--capability", type=_capability, metavar="8.0",
        help="compute capability of the GPU, to count what torch sets aside for cuBLAS",
    )  # fmt: skip
    parser.add_argument(
        "--gpu-memory", type=_size, metavar="16GB", help="whether it fits; in GB, GiB, MB or MiB"
    )
    parser.add_argument(
        "--largest", action="store_true", help="the largest batch that fits into --gpu-memory"
    )
    parser.add_argument("--json", action="store_true", help="all in bytes, as JSON")


def answer(options: argparse.Namespace) -> str:
    """What the step takes, and whether that fits.

    Raises
    ------
    ValueError
        If an option is not valid, the network is unknown, or it cannot be trained on such images.
    """
    if options.largest and options.gpu_memory is None:
        raise ValueError("--largest needs --gpu-memory, such as 16GB")
    if options.batch_size is None and not options.largest:
        raise ValueError("--batch-size is missing; give a number, or --largest with --gpu-memory")
    name = " ".join(options.network)
    shape = image_of(name, options.input)
    model = _model(name, shape, options)
    from convbook.memory import largest_batch, predict

    how: dict[str, Any] = {
        "optimizer": options.optimizer,
        "implementation": options.implementation,
        "precision": options.precision,
        "channels_last": options.channels_last,
        "checkpoint": options.checkpoint,
        "accumulate": options.accumulate,
        "capability": options.capability,
    }
    memory: int | None = options.gpu_memory
    report = fits = largest = None
    if options.batch_size is not None:
        report = predict(model, shape, options.batch_size, **how)
        if memory is not None:
            # The allocator gives cached segments back before it fails: so it may fit all the same.
            tried = predict(model, shape, options.batch_size, capacity=memory, **how)
            fits = tried.out_of_memory is None
    if memory is not None and (options.largest or fits is False):
        largest = largest_batch(model, shape, memory, **how)
        if report is None and largest:
            report = predict(model, shape, largest, capacity=memory, **how)
    batch: int = options.batch_size or largest or 0
    if options.json:
        return _as_json(name, shape, batch, how, report, memory, fits, largest)
    lines = []
    if report is not None:
        lines += [_title(name, shape, batch, how), "", *_table(report)]
    if memory is not None:
        lines += ["", *_verdict(report, memory, fits, largest)]
    return "\n".join(lines).lstrip("\n")


def _model(name: str, shape: Shape, options: argparse.Namespace) -> torch.nn.Module:
    chosen: dict[str, object] = {}
    if options.classes is not None:
        chosen["num_classes"] = options.classes
    if options.stem is not None:
        chosen["stem"] = options.stem
    if name not in MODELS:
        if chosen:
            raise ValueError(
                f"--classes and --stem are for the models with a name; {name!r} is none"
            )
        if ":" in name:
            return imported(name)
        check_name(name)
        import torch

        from convbook.models import from_spec

        with torch.device("meta"):
            return from_spec(name, shape)
    if options.stem is not None and not name.startswith("resnet"):
        raise ValueError(f"--stem is for residual networks; {name} is none")
    return known(name, **chosen)


def _title(name: str, shape: Shape, batch: int, how: dict[str, Any]) -> str:
    height, width, channels = shape
    parts = [name, f"{batch:,} images of {height}×{width}×{channels}"]
    parts += [f"{how['optimizer']} ({how['implementation']})", how["precision"]]
    parts += [
        text
        for option, text in (("channels_last", "channels last"), ("checkpoint", "checkpoints"))
        if how[option]
    ]
    if how["accumulate"] > 1:
        parts.append(f"{how['accumulate']} micro-batches")
    return ", ".join(parts)


def _table(report: Report) -> list[str]:
    from convbook.memory.report import UNKNOWN, amount

    rows = [row for row in report.rows() if row[1] != UNKNOWN]  # which only a device can tell
    if report.workspace_estimate is not None:
        rows.append(("workspace of cuBLAS, within", amount(report.workspace_estimate)))
    return [f"{name:<28} {size:>12}" for name, size in rows]


def _verdict(
    report: Report | None, memory: int, fits: bool | None, largest: int | None
) -> list[str]:
    """Whether it fits, in sentences."""
    from convbook.memory.report import amount

    lines = []
    if fits is False and report is not None:
        lines.append(
            f"It does not fit into {amount(memory)}: torch would reserve {amount(report.reserved)}."
        )
    elif fits and report is not None:
        lines.append(_left(report, memory))
    if largest == 0:
        lines.append(f"Not even the smallest batch fits into {amount(memory)}.")
    elif largest is not None:
        lines.append(f"The largest batch that fits into {amount(memory)} is {largest:,}.")
    if fits is not True:
        lines.append(
            "The CUDA context and cuDNN's scratch, which only the device can tell, come on top."
        )
    return lines


def _left(report: Report, memory: int) -> str:
    from convbook.memory.report import amount

    spare = memory - (report.reserved or 0)
    if spare < 0:
        return (
            f"It fits into {amount(memory)} just so, since torch gives cached memory back; "
            "nothing is left for the CUDA context and cuDNN's scratch."
        )
    return (
        f"It fits into {amount(memory)}: {amount(spare)} are left for the CUDA context and cuDNN's "
        "scratch, which only the device can tell."
    )


def _as_json(
    name: str,
    shape: Shape,
    batch: int,
    how: dict[str, Any],
    report: Report | None,
    memory: int | None,
    fits: bool | None,
    largest: int | None,
) -> str:
    content: dict[str, Any] = {
        "network": name,
        "input_shape": shape,
        "batch_size": batch or None,
        **how,
    }
    if report is not None:
        fields = dataclasses.asdict(dataclasses.replace(report, timeline=None))
        left_out = ("timeline", "seconds", "device", "out_of_memory")
        content["memory"] = {key: value for key, value in fields.items() if key not in left_out}
    if memory is not None:
        content |= {"gpu_memory": memory, "fits": fits, "largest_batch": largest}
    return json.dumps(content, indent=1)


def _size(text: str) -> int:
    """Bytes, of 16GB and the like; 16gb and 16 GB are the same."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]+)", text.strip().lower())
    units = {unit.lower(): size for unit, size in UNITS.items()}
    if found is None or found[2] not in units or not float(found[1]):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no size of memory; write it as 16GB or 16GiB"
        )
    return max(1, int(float(found[1]) * units[found[2]]))


def _capability(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)\.(\d+)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no compute capability; write it as 8.0")
    return int(found[1]), int(found[2])
