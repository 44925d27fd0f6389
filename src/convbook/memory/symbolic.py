"""A training step without numbers: every tensor's storage is followed, none is filled.

The model runs on torch's meta device, whose tensors have shapes and no memory. Each operation's
results pass through a dispatch mode, which writes down every new storage, and, by a weak reference,
when the last tensor that lies in it is gone.
"""

# torch's modes have no types.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn
from torch._prims_common import suggest_memory_format
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter, tree_map

from convbook.memory.log import Log
from convbook.memory.setting import Setting
from convbook.memory.step import train, without_weights

MATRIX_PRODUCTS = {"addmm", "mm", "bmm", "baddbmm", "addmv", "mv", "dot"}


def trace(model: nn.Module, setting: Setting, workspace: int = 0) -> Log:
    """What training the model allocates and releases, in order.

    ``workspace`` are bytes that stay taken from the first matrix product on, and as many again from
    the first one of a backward pass on.
    """
    recorder = SymbolicRecorder(workspace)
    casting = MetaAutocast if setting.precision == "bfloat16" else contextlib.nullcontext
    twin = without_weights(model, setting, again=casting)
    with _fused_on_meta(), recorder:
        # What `model.to(device)` does: tensor by tensor, in this order.
        twin._apply(torch.empty_like)
        if setting.channels_last:
            twin = twin.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        train(twin, setting, recorder, "meta", casting())
    return recorder.log


class SymbolicRecorder(TorchDispatchMode):
    """Follows the storages of meta tensors."""

    def __init__(self, workspace: int = 0) -> None:
        super().__init__()
        self.log = Log()
        self._workspace = workspace
        self._set_aside: set[int] = set()
        self._phase = "setup"
        self._alive: dict[int, weakref.ref[torch.UntypedStorage]] = {}

    def mark(self, phase: str) -> None:
        """From here on the step is in this phase."""
        self._phase = phase
        self.log.mark(phase)

    def name(self, kind: str, tensors: Iterable[Tensor]) -> None:
        """The memory in which these tensors now lie is of this kind."""
        # Adam's step counters stay on the CPU.
        storages = [tensor.untyped_storage() for tensor in tensors if tensor.is_meta]
        self.log.name(kind, {storage._cdata: storage.nbytes() for storage in storages})

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: Any = (),
        kwargs: Any = None,
    ) -> Any:
        """Run the operation, and follow the storages of what it returns."""
        name = func.overloadpacket.__name__
        if name.startswith("_fused_"):
            return None  # in place, without scratch; meta has no kernel for it
        if name in MATRIX_PRODUCTS:
            self._set_workspace_aside()
        result = func(*args, **(kwargs or {}))
        if name in ("convolution", "convolution_backward"):
            result = _arranged(result, args)
        for value in tree_iter(result):
            if isinstance(value, Tensor) and value.is_meta:
                self._follow(value.untyped_storage())
        return result

    def _set_workspace_aside(self) -> None:
        """For the first matrix product of the thread that runs the phase.

        On a GPU the backward pass runs in a thread of its own, with a handle of its own.
        """
        key = -2 if self._phase == "backward" else -1
        if self._workspace and key not in self._set_aside:
            self.log.allocate(key, self._workspace)
            self.log.name("workspace", {key: self._workspace})
            self._set_aside.add(key)

    def _follow(self, storage: torch.UntypedStorage) -> None:
        key = storage._cdata
        if key in self._alive:
            return
        self.log.allocate(key, storage.nbytes())

        def gone(_reference: object) -> None:
            del self._alive[key]
            self.log.release(key)

        self._alive[key] = weakref.ref(storage, gone)


def _arranged(result: Any, args: Sequence[Any]) -> Any:
    """A convolution's results in the order that a device gives them in memory.

    With the channels last if the images or the kernels have them so; torch's own rule for the meta
    device overlooks it. A later layer that needs another order makes a copy.
    """
    given = [value for value in args[:3] if isinstance(value, Tensor) and value.dim() == 4]
    if all(suggest_memory_format(value) != torch.channels_last for value in given):
        return result

    def last(value: Any) -> Any:
        is_image = isinstance(value, Tensor) and value.dim() == 4
        return value.to(memory_format=torch.channels_last) if is_image else value

    return tree_map(last, result)


class MetaAutocast(TorchFunctionMode):
    """torch's autocast to bfloat16 for meta tensors, which the true one does not know.

    Convolutions and matrix products get bfloat16, the loss float32; a weight is cast once and its
    copy kept until the context ends.

    References
    ----------
    "Autocast Op Reference" in the documentation of ``torch.amp``.
    """

    LOWER = frozenset({
        torch.conv1d, torch.conv2d, torch.conv3d, torch.conv_transpose1d, torch.conv_transpose2d,
        torch.conv_transpose3d, torch.nn.functional.linear, torch.matmul, Tensor.matmul,
        Tensor.__matmul__, torch.mm, torch.bmm, torch.addmm, torch.baddbmm, torch.einsum,
    })  # fmt: skip
    FULL = frozenset({
        torch.nn.functional.cross_entropy, torch.nn.functional.nll_loss, torch.softmax,
        torch.nn.functional.softmax, torch.nn.functional.log_softmax, torch.log_softmax,
        torch.nn.functional.mse_loss, torch.exp, torch.log, torch.pow, torch.sum, torch.prod,
    })  # fmt: skip

    def __enter__(self) -> Any:
        """Begin with no weights cast."""
        self._cast: dict[int, Tensor] = {}
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        """Forget the copies of the weights."""
        super().__exit__(*error)
        self._cast.clear()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Cast the arguments as torch's autocast would."""
        kwargs = kwargs or {}
        if func in self.LOWER:
            return func(*map(self._lower, args), **{k: self._lower(v) for k, v in kwargs.items()})
        if func in self.FULL:
            return func(*map(_full, args), **{k: _full(v) for k, v in kwargs.items()})
        return func(*args, **kwargs)

    def _lower(self, value: Any) -> Any:
        if not isinstance(value, Tensor) or value.dtype != torch.float32:
            return value
        if not (value.is_leaf and value.requires_grad):
            return value.to(torch.bfloat16)
        if id(value) not in self._cast:
            self._cast[id(value)] = value.to(torch.bfloat16)
        return self._cast[id(value)]


def _full(value: Any) -> Any:
    is_low = isinstance(value, Tensor) and value.dtype == torch.bfloat16
    return value.float() if is_low else value


@contextlib.contextmanager
def _fused_on_meta() -> Iterator[None]:
    """Let fused optimizers accept meta parameters; `SymbolicRecorder` stands in for the kernel."""
    from torch.optim import optimizer

    name = "_get_fused_kernels_supported_devices"
    known = getattr(optimizer, name)()
    with mock.patch.object(optimizer, name, return_value=[*known, "meta"]):
        yield
