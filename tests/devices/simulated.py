"""A simulated accelerator: its tensors hold real data and refuse to mix with tensors of the CPU.

A tensor in the wrong place is found without a GPU, and what crosses between host and device is
counted. Everything is computed by the CPU, so that results must equal those of the CPU bit for bit.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.utils import backend_registration
from torch.utils._python_dispatch import TorchDispatchMode

NAME = "sim"
AVAILABLE = hasattr(backend_registration, "_setup_privateuseone_for_python_backend")
READ = {"aten::_local_scalar_dense", "aten::nonzero", "aten::equal", "aten::is_nonzero"}
"""What makes the host wait for a number or for a shape that depends on values."""

INDEXED = {"aten::index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_"}
"""Operations that copy an index of the CPU to the device, as a GPU does."""


class Traffic(Counter[str]):
    """What crossed between host and device: copies `to_host`, `to_device`, and scalar `reads`."""


class SimulatedTensor(Tensor):
    """A tensor that says that it is on the device; its data is a tensor of the CPU."""

    _data: Tensor

    @staticmethod
    def __new__(cls, data: Tensor) -> "SimulatedTensor":
        """Wrap data."""
        made = Tensor._make_wrapper_subclass(
            cls,
            data.shape,
            strides=data.stride(),
            storage_offset=data.storage_offset(),
            dtype=data.dtype,
            device=torch.device(NAME, 0),
        )
        made._data = data
        return made

    @classmethod
    def __torch_dispatch__(
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Refuse: outside of the mode nothing is known of the device."""
        raise RuntimeError(f"{func.name()}: a tensor of the device outside of `simulated_device`.")

    @property
    def data(self) -> Tensor:
        """The tensor without its history; setting it replaces the values, as pruning does."""
        return self.detach()

    @data.setter
    def data(self, other: "SimulatedTensor") -> None:
        self._data = other._data

    def tolist(self) -> Any:
        """Return the values, read at once."""
        return self.cpu().tolist()


class SimulatedDevice(TorchDispatchMode):
    """Runs every operation; those on tensors of the device, on their data.

    Args:
        traffic: where to count what crosses.
    """

    def __init__(self, traffic: Traffic) -> None:
        super().__init__()
        self._traffic = traffic

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run one operation."""
        kwargs = kwargs or {}
        name = func.name().partition(".")[0]
        device = kwargs.get("device")
        tensors = list(_tensors((args, tuple(kwargs.values()))))
        there = [isinstance(tensor, SimulatedTensor) for tensor in tensors]
        if name == "aten::copy_":
            return self._copied_into(*args[:2])
        if name == "aten::_to_copy":
            return self._copied(func, args[0], kwargs)
        asked = torch.device(device).type == NAME if device is not None else any(there)
        if not asked and not any(there):
            return func(*args, **kwargs)
        self._cross(name, args, tensors, there)
        if device is not None:
            kwargs = {**kwargs, "device": "cpu"}
        result = func(*_data(args), **{key: _data(value) for key, value in kwargs.items()})
        if not asked or name == "aten::_local_scalar_dense":
            return result
        known = {id(t._data): t for t in tensors if isinstance(t, SimulatedTensor)}
        return _wrapped(result, known)

    def _cross(
        self, name: str, args: tuple[Any, ...], tensors: list[Tensor], there: list[bool]
    ) -> None:
        """Count what an operation reads or copies, and refuse tensors in the wrong place."""
        if name in READ or (name == "aten::index" and _by_mask(args[1])):
            self._traffic["reads"] += 1
        if name in INDEXED and there[0]:
            self._traffic["to_device"] += there.count(False)
        else:
            _refuse_mixed(name, tensors, there)

    def _copied_into(self, target: Tensor, source: Tensor) -> Tensor:
        self._count(isinstance(source, SimulatedTensor), isinstance(target, SimulatedTensor))
        _data(target).copy_(_data(source))
        return target

    def _copied(
        self, func: Callable[..., Tensor], source: Tensor, kwargs: dict[str, Any]
    ) -> Tensor:
        was = isinstance(source, SimulatedTensor)
        device = kwargs.get("device")
        will = was if device is None else torch.device(device).type == NAME
        self._count(was, will)
        others = {key: value for key, value in kwargs.items() if key != "device"}
        copied = func(_data(source), **others)
        return SimulatedTensor(copied) if will else copied

    def _count(self, was: bool, will: bool) -> None:
        if was != will:
            self._traffic["to_device" if will else "to_host"] += 1


def _tensors(value: Any) -> Iterator[Tensor]:
    """All tensors in nested arguments; `torch.utils._pytree` takes ten times as long."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from _tensors(part)


def _data(value: Any) -> Any:
    """The arguments with the data in place of tensors of the device."""
    if isinstance(value, SimulatedTensor):
        return value._data
    return type(value)(map(_data, value)) if isinstance(value, (tuple, list)) else value


def _wrapped(result: Any, known: dict[int, "SimulatedTensor"]) -> Any:
    """The result with tensors of the device in place of data; known ones stay the same object."""
    if isinstance(result, Tensor):
        return known[id(result)] if id(result) in known else SimulatedTensor(result)
    if isinstance(result, (tuple, list)):
        return type(result)(_wrapped(part, known) for part in result)
    return result


def _by_mask(index: Any) -> bool:
    """Whether the shape of what is indexed depends on values."""
    return any(part is not None and part.dtype == torch.bool for part in index)


def _refuse_mixed(name: str, tensors: list[Tensor], there: list[bool]) -> None:
    """Numbers of the CPU (no dimensions) may take part, as on a GPU."""
    for tensor, is_there in zip(tensors, there, strict=True):
        if not is_there and tensor.dim() > 0:
            shapes = [tuple(tensor.shape) for tensor in tensors]
            raise RuntimeError(f"{name}: tensors of the device and of the CPU, shapes {shapes}.")


@cache
def register_backend() -> None:
    """Give the private backend of torch its name, before the process differentiates anything.

    Nothing happens where this version of torch does not make backends in Python.
    """
    if AVAILABLE:
        backend_registration._setup_privateuseone_for_python_backend(NAME)


@contextmanager
def simulated_device() -> Iterator[Traffic]:
    """Make the device `sim` work in this thread and in those started inside the block.

    Yields:
        What has crossed so far.
    """
    register_backend()
    traffic = Traffic()
    run = threading.Thread.run

    def run_with_device(thread: threading.Thread) -> None:
        with SimulatedDevice(traffic):  # modes belong to a thread
            run(thread)

    threading.Thread.run = run_with_device  # type: ignore[method-assign]
    try:
        with SimulatedDevice(traffic):
            yield traffic
    finally:
        threading.Thread.run = run  # type: ignore[method-assign]
