"""How a network is trained: all that the memory of a training step depends on but the network."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from convbook._arguments import as_flag, as_integer

if TYPE_CHECKING:
    from torch import nn

    Optimizer = str | Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "momentum": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}
IMPLEMENTATIONS = ("foreach", "fused", "for-loop")
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class Setting:
    """What `convbook.memory.predict` and `measure` take besides the network.

    Attributes
    ----------
    input_shape
        (height, width, channels) of an image.
    batch_size
        Images of one step of the optimizer.
    optimizer
        ``"sgd"``, ``"momentum"`` (SGD with a momentum of 0.9), ``"adam"``, ``"adamw"``, or a
        function of the parameters that returns a torch optimizer.
    steps
        Steps that are followed. Momentum and Adam have their full size from the second on.
    implementation
        Of a named optimizer: ``"foreach"`` (torch's default on a GPU: one operation on all tensors
        at a time, which needs copies), ``"fused"`` (one kernel for the whole step, in place) or
        ``"for-loop"`` (one tensor after the other).
    precision
        ``"float32"``, or ``"bfloat16"``: torch's autocast, weights and optimizer in float32.
    channels_last
        Whether images and kernels lie in memory with their channels last.
    checkpoint
        Whether each block of the network keeps its input alone, and is computed again in the
        backward pass.
    accumulate
        Into how many micro-batches a step's batch is divided, one after the other.
    """

    input_shape: tuple[int, int, int]
    batch_size: int
    optimizer: Optimizer = "sgd"
    steps: int = 3
    implementation: str = "foreach"
    precision: str = "float32"
    channels_last: bool = False
    checkpoint: bool = False
    accumulate: int = 1

    def __post_init__(self) -> None:
        """Refuse what is not valid."""
        shape = tuple(self.input_shape) if isinstance(self.input_shape, list | tuple) else ()
        if len(shape) != 3:
            raise ValueError(
                f"input_shape is {self.input_shape!r}; it must be (height, width, channels)"
            )
        for length in shape:
            as_integer("input_shape", length, least=1)
        as_integer("batch_size", self.batch_size, least=1)
        as_integer("steps", self.steps, least=1)
        as_integer("accumulate", self.accumulate, least=1)
        if self.batch_size % self.accumulate:
            raise ValueError(
                f"accumulate is {self.accumulate}; it must divide the batch_size, which is "
                f"{self.batch_size}"
            )
        for name in ("channels_last", "checkpoint"):
            as_flag(name, getattr(self, name))
        _one_of("implementation", self.implementation, IMPLEMENTATIONS)
        _one_of("precision", self.precision, PRECISIONS)
        if not callable(self.optimizer):
            _one_of("optimizer", self.optimizer, tuple(OPTIMIZERS))

    def make_optimizer(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """The optimizer of these parameters; those that are frozen are left out.

        Raises
        ------
        ValueError
            If all are frozen, or a user's function returns no optimizer.
        """
        trained = [parameter for parameter in parameters if parameter.requires_grad]
        if not trained:
            raise ValueError("no parameter of the model requires a gradient; nothing is trained")
        if not isinstance(self.optimizer, str):
            made: object = self.optimizer(trained)
            if not isinstance(made, torch.optim.Optimizer):
                raise ValueError(
                    f"optimizer returned a {type(made).__name__}; it must be a function of the "
                    "parameters that returns a torch.optim.Optimizer"
                )
            return made
        # Said aloud, since torch's own choice depends on the device: foreach on a GPU alone.
        options: dict[str, bool | float] = {
            "foreach": self.implementation == "foreach",
            "fused": self.implementation == "fused",
            "lr": 1e-3,
        }
        if self.optimizer == "momentum":
            options["momentum"] = 0.9
        return OPTIMIZERS[self.optimizer](trained, **options)


def _one_of(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} is {value!r}; it can be {', '.join(map(repr, choices))}")
