"""The configurations whose memory the book predicts, and measures where there is a GPU."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from convbook import models
from convbook._arguments import as_flag, as_integer
from convbook.memory.measuring import measure
from convbook.memory.predicting import predict
from convbook.memory.report import Report
from convbook.memory.setting import Setting

NETWORKS = ("resnet10", "resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
STEMS = ("imagenet", "small")
SETTINGS = tuple(field.name for field in dataclasses.fields(Setting))


@dataclass(frozen=True)
class Case:
    """A network and how it is trained; JSON can hold it.

    Attributes
    ----------
    network
        Its name in ``convbook.models``, one of `NETWORKS`.
    num_classes, width, stem
        Of the network.
    frozen
        Whether all but the last linear layer keep their weights, and get no gradient.
    input_shape, batch_size, optimizer, steps, implementation, precision, channels_last, checkpoint, accumulate
        As `convbook.memory.setting.Setting` has them; the optimizer by its name.

    Raises
    ------
    ValueError
        If one of them is not valid.
    """  # noqa: E501

    network: str
    input_shape: tuple[int, int, int] = (224, 224, 3)
    batch_size: int = 8
    optimizer: str = "sgd"
    steps: int = 3
    implementation: str = "foreach"
    precision: str = "float32"
    channels_last: bool = False
    checkpoint: bool = False
    accumulate: int = 1
    num_classes: int = 10
    width: int = 64
    stem: str = "imagenet"
    frozen: bool = False

    def __post_init__(self) -> None:
        """Refuse what is not valid."""
        for name, choices in (("network", NETWORKS), ("stem", STEMS)):
            if getattr(self, name) not in choices:
                known = ", ".join(map(repr, choices))
                raise ValueError(f"{name} is {getattr(self, name)!r}; it can be {known}")
        as_integer("num_classes", self.num_classes, least=1)
        as_integer("width", self.width, least=1)
        as_flag("frozen", self.frozen)
        if not isinstance(self.optimizer, str):
            raise ValueError(f"optimizer is {self.optimizer!r}; in a case it must be a name")
        setting = self.setting()
        object.__setattr__(self, "input_shape", tuple(setting.input_shape))  # JSON has lists

    def setting(self) -> Setting:
        """How the network is trained."""
        return Setting(**{name: getattr(self, name) for name in SETTINGS})

    def __str__(self) -> str:
        """All that differs from the plain step, such as ``resnet50, 224×224, batch 8, adam``."""
        height, width, _ = self.input_shape
        parts = [self.network, f"{height}×{width}", f"batch {self.batch_size}", self.optimizer]
        plain = {field.name: field.default for field in dataclasses.fields(self)}
        told = {
            "implementation": self.implementation,
            "precision": self.precision,
            "channels_last": "channels last",
            "checkpoint": "checkpoint",
            "accumulate": f"accumulate {self.accumulate}",
            "stem": f"{self.stem} stem",
            "frozen": "frozen",
            "width": f"width {self.width}",
            "num_classes": f"{self.num_classes} classes",
            "steps": f"{self.steps} steps",
        }
        parts += [text for name, text in told.items() if getattr(self, name) != plain[name]]
        return ", ".join(parts)


def to_json(case: Case) -> dict[str, Any]:
    """What JSON holds of a case: all its fields."""
    return {**dataclasses.asdict(case), "input_shape": list(case.input_shape)}


def from_json(fields: Mapping[str, Any]) -> Case:
    """The case that `to_json` wrote down.

    Raises
    ------
    ValueError
        If a field is unknown or not valid.
    """
    known = {field.name for field in dataclasses.fields(Case)}
    if unknown := sorted(fields.keys() - known):
        raise ValueError(f"a case has no field {unknown[0]!r}; it has {', '.join(sorted(known))}")
    if "network" not in fields:
        raise ValueError(f"a case must name its network, one of {', '.join(NETWORKS)}")
    return Case(**fields)


def build(case: Case) -> nn.Module:
    """The network of a case on the meta device, where it has shapes and no weights."""
    with torch.device("meta"):
        model: nn.Module = getattr(models, case.network)(
            case.num_classes, width=case.width, stem=case.stem
        )
    if case.frozen:
        last = [module for module in model.modules() if isinstance(module, nn.Linear)][-1]
        model.requires_grad_(False)
        last.requires_grad_(True)
    return model


def predict_case(
    case: Case, capability: tuple[int, int] | None = None, capacity: int | None = None
) -> Report:
    """`convbook.memory.predict` for a case, in bytes."""
    setting = vars(case.setting())
    return predict(build(case), **setting, capability=capability, capacity=capacity)


def measure_case(case: Case, device: str | None = None, timed: bool = True) -> Report:
    """`convbook.memory.measure` for a case: bytes, and the seconds of a step if ``timed``."""
    return measure(build(case), **vars(case.setting()), device=device, timed=timed)


def remedies(base: Case) -> dict[str, Case]:
    """What helps where memory does not suffice, each alone, with the case itself first.

    Raises
    ------
    ValueError
        If 4 does not divide the batch size, or the images have a side of a single pixel.
    """
    height, width, channels = base.input_shape
    half = (height // 2, width // 2, channels)
    return {
        "as it is": base,
        "bfloat16": replace(base, precision="bfloat16"),
        "channels last": replace(base, channels_last=True),
        "bfloat16, channels last": replace(base, precision="bfloat16", channels_last=True),
        "checkpoint": replace(base, checkpoint=True),
        "accumulate 4": replace(base, accumulate=4),
        "half the side": replace(base, input_shape=half),
        "small stem, 32×32": replace(base, input_shape=(32, 32, channels), stem="small"),
        "frozen": replace(base, frozen=True),
        "sgd": replace(base, optimizer="sgd"),
    }


# Homework 7b: the optimizers, and for Adam the ways to take its step.
OPTIMIZERS = (
    *(Case("resnet152", optimizer=name) for name in ("sgd", "momentum", "adam", "adamw")),
    *(Case("resnet152", optimizer="adam", implementation=how) for how in ("fused", "for-loop")),
)
# Homework 7c: the batch size.
BATCHES = tuple(
    Case("resnet18", batch_size=batch, optimizer="momentum") for batch in (4, 16, 64, 256, 1024)
)
REMEDIES = remedies(Case("resnet152", batch_size=32, optimizer="adam"))
REMEDIES_50 = remedies(Case("resnet50", batch_size=64, optimizer="adam"))
# Small enough for a processor, whose times stand in the chapter.
REMEDIES_SMALL = {
    name: case
    for name, case in remedies(
        Case("resnet18", (96, 96, 3), batch_size=32, optimizer="momentum", width=32)
    ).items()
    if case.input_shape == (96, 96, 3)
}
DEPTHS = tuple(
    Case(name, batch_size=16, optimizer="momentum")
    for name in ("resnet34", "resnet50", "resnet101")
)
CASES = (*OPTIMIZERS, *BATCHES, *DEPTHS, *REMEDIES.values(), *REMEDIES_50.values())
# Those whose memory over time is kept, too.
TIMELINES = frozenset(OPTIMIZERS[:3])
# Whose largest batch is searched for: homework 7c first, then what takes longer.
LARGEST = (
    Case("resnet18", batch_size=1, optimizer="momentum"),
    Case("resnet152", batch_size=1, optimizer="adam"),
    Case("resnet152", batch_size=1, optimizer="adam", precision="bfloat16", channels_last=True),
)
