"""What is known of the tensors of a run."""

from __future__ import annotations

import torch
from torch import Tensor

from convbook.shapes.seen import Seen, Shape


class Known:
    """What each tensor of a run has seen of the image, by identity."""

    def __init__(self, model: torch.nn.Module) -> None:
        # With the tensors themselves, so that no other one gets the id of one that is gone. One in
        # neither has come from outside of torch's functions: it may have seen anything.
        self._seen: dict[int, tuple[Tensor, Seen | None]] = {}
        self._constant: dict[int, Tensor] = {}
        for module in model.modules():
            for value in {**vars(module), **module._parameters, **module._buffers}.values():
                if isinstance(value, Tensor):
                    self._constant[id(value)] = value

    def note(self, tensor: Tensor, seen: Seen | None) -> None:
        """It has seen so much, or it is not known how much."""
        self._constant.pop(id(tensor), None)
        self._seen[id(tensor)] = (tensor, seen)

    def note_constant(self, tensor: Tensor) -> None:
        """It does not depend on the image."""
        self._constant[id(tensor)] = tensor

    def forget_those_beside(self, tensor: Tensor) -> None:
        """What shares memory with it may have changed: it has been written into."""
        whole = tensor if tensor._base is None else tensor._base
        for other in [*self._constant.values(), *(other for other, _ in self._seen.values())]:
            if other is not tensor and (other is whole or other._base is whole):
                self.note(other, None)

    def sees_image(self, tensor: Tensor) -> bool:
        """Whether it depends on the image. One with entries does not: the image has none."""
        if not tensor.is_meta or id(tensor) in self._constant:
            return False
        return id(tensor) in self._seen or tensor.ndim > 0

    def seen(self, tensor: Tensor) -> Seen | None:
        """What it has seen, if that is known."""
        return self._seen.get(id(tensor), (tensor, None))[1]

    def shape(self, tensor: Tensor) -> Shape:
        """Its shape as a table of layers has it: (height, width, channels), or (n,)."""
        shape, seen = tuple(tensor.shape), self.seen(tensor)
        layout = seen.layout if seen else ""
        sides = [layout.index(letter) for letter in "hw"] if {"h", "w"} <= set(layout) else []
        rest = [axis for axis in range(len(shape)) if axis not in sides]
        # The batch is of one image. Its axis is the first, unless the model has moved it.
        batch = next((axis for axis in rest if shape[axis] == 1), None) if len(rest) > 1 else None
        sizes = [shape[axis] for axis in [*sides, *rest] if axis != batch]
        if not sides and batch == 0 and len(shape) == 4:  # channels come before rows and columns
            sizes = [*sizes[1:], sizes[0]]
        return tuple(sizes)
