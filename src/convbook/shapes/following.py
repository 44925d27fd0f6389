"""Follow one image through a ``torch.nn.Module``: its calls, and what their results have seen.

Nothing is computed. The module is copied without its weights (onto torch's "meta" device, where
tensors have a shape and no entries), and the copy is run once. Hooks on its modules say where the
run is; a ``TorchFunctionMode`` sees every function of torch's, and carries along what the entries
of each tensor have seen of the image; torch's own ``FlopCounterMode`` counts the multiply-adds.
"""

from __future__ import annotations

import copy
import dataclasses
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.parametrize import type_before_parametrizations
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode

from convbook.shapes.fields import Field
from convbook.shapes.functions import (
    ARRANGING,
    CREATING,
    changes_its_input,
    plain_name,
    seen_by_result,
)
from convbook.shapes.known import Known
from convbook.shapes.seen import Seen, Shape


@dataclass
class Step:
    """A call of a module or of a function; the calls inside it in the order of the run."""

    path: str
    kind: str
    module: torch.nn.Module | None = None  # None: a function
    name: str = ""  # the path, with a number where it is called again
    given: list[Shape] = dataclasses.field(default_factory=list)  # shapes as in a table of layers
    steps: list[Step] = dataclasses.field(default_factory=list)
    shape: Shape = ()  # of its result, likewise
    field: Field | None = None  # of its result; None: unknown
    sees_image: bool = False  # whether its result depends on the image at all
    shown: bool = True  # False where it only hands on what it got
    tensors: list[Shape] = dataclasses.field(default_factory=list)  # parameters first used here
    multiply_adds: int = 0


def follow(model: torch.nn.Module, image_shape: tuple[int, int, int]) -> tuple[Step, list[Shape]]:
    """Run a copy of a module on an image of (height, width, channels).

    Returns
    -------
    root, unused
        The model's own call, with all others inside; and the shapes of parameters without use.

    Raises
    ------
    ValueError
        If the module cannot be copied, or cannot be run on such an image; it names the layer.
    """
    try:
        ghost = _without_weights(model)
        follower = _Follower(ghost)
    except Exception as error:
        raise ValueError(f"the model cannot be followed: {_first_line(error)}") from None
    height, width, channels = image_shape
    types = [p.dtype for p in ghost.parameters() if p.is_floating_point()]
    dtype = types[0] if types else torch.get_default_dtype()
    image = torch.empty(1, channels, height, width, dtype=dtype, device="meta")
    follower.known.note(image, Seen(Field.of_image(height, width), "..hw"))
    with warnings.catch_warnings(), torch.no_grad(), torch.device("meta"):
        warnings.simplefilter("ignore")  # torch remarks on speed here, and nothing is computed
        try:
            with follower.counter, follower:
                ghost(image)
        except Exception as error:
            raise ValueError(follower.complaint(error)) from None
    unused = [p for p in ghost.parameters() if id(p) not in follower.used]
    return follower.stack[0].steps[0], [tuple(p.shape) for p in unused]


def _without_weights(model: torch.nn.Module) -> torch.nn.Module:
    """A copy whose tensors have no entries, in evaluation mode and without the user's hooks."""
    memo: dict[int, Any] = {}  # what deepcopy then takes for copies
    for name, parameter in model.named_parameters():
        if torch.nn.parameter.is_lazy(parameter):
            raise ValueError(f"its parameter {name!r} has no shape before a first run")
        # Without gradients, since the counter of multiply-adds stumbles over those of parameters
        # that a module is given as its input.
        empty = torch.empty_like(parameter, device="meta")
        memo[id(parameter)] = torch.nn.Parameter(empty, requires_grad=False)
    hooks = {name for name in vars(torch.nn.Module()) if "_hooks" in name}
    for module in model.modules():
        for name, value in {**vars(module), **module._buffers}.items():
            if isinstance(value, Tensor):
                memo[id(value)] = torch.empty_like(value, device="meta")
            elif name in hooks and isinstance(value, dict):
                # Torch's own make weights, as those of pruning do. They hold no tensors.
                kept = {key: hook for key, hook in value.items() if _is_torchs_hook(hook)}
                memo[id(value)] = type(value)(kept)
    return copy.deepcopy(model, memo).eval()


def _is_torchs_hook(hook: Any) -> bool:
    return type(hook).__module__.startswith("torch.nn.utils.")


class _Follower(TorchFunctionMode):
    """Records the steps of a run."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.counter = FlopCounterMode(display=False)
        self.known = Known(model)
        self.used: set[int] = set()  # parameters, by id
        self.names: Counter[str] = Counter()
        self.stack = [Step("", "")]  # the modules that are running, the outermost first
        self.failed: Step | None = None  # the innermost, as long as the model has not recovered
        for path, module in model.named_modules():
            module.register_forward_pre_hook(partial(self._enter, path), with_kwargs=True)
            module.register_forward_hook(self._leave, always_call=True)

    def complaint(self, error: Exception) -> str:
        """What to tell of a run that stopped."""
        step = self.failed or Step("", "model")
        shapes = " and ".join("×".join(map(str, shape)) or "a number" for shape in step.given)
        reason = _first_line(error)
        names = ("in_channels", "in_features", "num_features")
        takes = next((n for name in names if (n := getattr(step.module, name, None))), None)
        given = step.given[0][-1:] if step.given and is_torchs(step.module) else (takes,)
        if takes and given != (takes,):
            what = "entries" if len(step.given[0]) == 1 else "channels"
            reason = f"the number of {what} must be {takes}"
        elif "meta" in reason:  # as torch calls tensors without entries
            reason = "it asks for the entries of a tensor, and only shapes are followed"
        where = step.path or step.kind
        return f"layer {where!r}, whose input is {shapes or 'nothing'}: {reason}"

    def _enter(
        self, path: str, module: torch.nn.Module, args: Any, kwargs: Mapping[str, Any]
    ) -> None:
        step = Step(path, type_before_parametrizations(module).__name__, module)
        step.given = [self.known.shape(tensor) for tensor in _tensors_in([args, kwargs])]
        self.stack.append(step)

    def _leave(self, module: torch.nn.Module, _args: Any, output: Any) -> None:
        step = self.stack.pop()
        if output is None and sys.exc_info()[0] is not None:
            # A layer of torch's fails as a whole; elsewhere it is the function inside that fails.
            inside = self.failed and self.failed.module is None
            if self.failed is None or (inside and is_torchs(module) and not _has_modules(step)):
                self.failed = step
            return
        self.failed = None
        self._describe(step, output)
        step.name = self._numbered(step.path)
        self.stack[-1].steps.append(step)

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        kwargs, name, parent = kwargs or {}, plain_name(func), self.stack[-1]
        step = Step(f"{parent.path}.{name}".lstrip("."), name)
        writes = changes_its_input(func, kwargs)
        given = list(_tensors_in([args, kwargs]))
        if not writes and 0 < sum(tensor.is_meta for tensor in given) < len(given):
            # Tensors from elsewhere than the model's parameters and buffers still have entries.
            args, kwargs = self._on_meta(args), self._on_meta(kwargs)
            given = list(_tensors_in([args, kwargs]))
        seen_before = self.known.seen(given[0]) if given else None
        step.given = [self.known.shape(tensor) for tensor in given]
        before = self.counter.get_total_flops()
        try:
            result = func(*args, **kwargs)
        except Exception:
            self.failed = step
            raise
        self.failed = None

        made = [args[0]] if name == "setitem" else list(_tensors_in(result))
        if made:
            self._note_results(name, args, kwargs, given, made)
            self._describe(step, made)
            if writes and step.sees_image:
                seen_after = self.known.seen(made[0])
                if seen_after is None or seen_after != seen_before:
                    self.known.forget_those_beside(made[0])
            step.tensors = self._first_used(name, args, kwargs, given)
            step.multiply_adds = (self.counter.get_total_flops() - before) // 2
            if name in ARRANGING:
                step.shown = len(made) == 1 and step.shape not in step.given
            if step.shown and step.sees_image:
                step.name = self._numbered(step.path)
            parent.steps.append(step)
        return result

    def _on_meta(self, value: Any) -> Any:
        """What a function is given, with tensors that all are without entries."""
        if isinstance(value, Tensor) and not value.is_meta:
            empty = torch.empty_like(value, device="meta")
            self.known.note_constant(empty)
            return empty
        if isinstance(value, dict):
            return {key: self._on_meta(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            items = map(self._on_meta, value)
            return list(items) if isinstance(value, list) else tuple(items)
        return value

    def _note_results(
        self,
        name: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        given: Sequence[Tensor],
        made: Sequence[Tensor],
    ) -> None:
        """Keep what the results of a function have seen."""
        inputs = [tensor for tensor in given if self.known.sees_image(tensor)]
        seen = [(tensor, seen) for tensor in inputs if (seen := self.known.seen(tensor))]
        for tensor in made:
            if not inputs or name in CREATING:
                self.known.note_constant(tensor)
            elif len(seen) < len(inputs):
                self.known.note(tensor, None)
            else:
                shape = tuple(tensor.shape)
                self.known.note(tensor, seen_by_result(name, args, kwargs, seen, shape))

    def _describe(self, step: Step, result: Any) -> None:
        """Fill in a step's result, the first where there are several."""
        for tensor in _tensors_in(result):
            step.shape, step.sees_image = self.known.shape(tensor), self.known.sees_image(tensor)
            seen = self.known.seen(tensor)
            step.field = seen.field if seen else None
            return

    def _first_used(
        self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], given: Sequence[Tensor]
    ) -> list[Shape]:
        """The shapes of parameters that no step before has used; of weights, as one writes them."""
        weight = kwargs.get("weight", args[1] if len(args) > 1 else None)
        shapes = []
        for tensor in given:
            if isinstance(tensor, torch.nn.Parameter) and id(tensor) not in self.used:
                self.used.add(id(tensor))
                groups = kwargs.get("groups", args[6] if len(args) > 6 else 1)
                shapes.append(_written(name if tensor is weight else "", tensor, groups))
        return shapes

    def _numbered(self, path: str) -> str:
        self.names[path] += 1
        return path if self.names[path] == 1 else f"{path} ({self.names[path]})"


def is_torchs(module: torch.nn.Module | None) -> bool:
    """Whether a module is of a class of torch's own."""
    return module is not None and type_before_parametrizations(module).__module__.startswith(
        "torch.nn."
    )


def _has_modules(step: Step) -> bool:
    return any(inner.module is not None for inner in step.steps)


def _written(function: str, weight: Tensor, groups: int) -> Shape:
    """The shape of a weight as a homework has it: kernel × channels × filters, inputs × outputs."""
    shape = tuple(weight.shape)
    if function.startswith("conv_transpose"):
        return (*shape[2:], shape[0] // groups, shape[1] * groups)
    if function.startswith("conv"):
        return (*shape[2:], shape[1], shape[0])
    return shape[::-1] if function == "linear" else shape


def _tensors_in(value: Any) -> Iterator[Tensor]:
    """The tensors in what a function takes or gives."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        yield from _tensors_in(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors_in(item)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__).rstrip(".")
