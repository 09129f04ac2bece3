"""Modules in wrappers: the module itself, and what the recorded tensors are called in it."""

from collections.abc import Iterable, Iterator, Mapping

import torch
from torch import Tensor, nn

from explaind.errors import ConfigError, UnsupportedError
from explaind.history.layout import ParameterLayout

Shapes = dict[str, tuple[int, ...]]

WRAPPERS = (
    nn.DataParallel,
    nn.parallel.DistributedDataParallel,
    torch.optim.swa_utils.AveragedModel,
)
"""Modules around a module, `module`, that only say how it is run; the last one averages its values,
which the recorded ones replace."""

COMPILED = "_orig_mod"
PARTS = frozenset({COMPILED, "_checkpoint_wrapped_module"})
"""What wrappers of modules inside of the model put into its names."""

SHOWN = 3
"""Names that a message lists."""


def unwrapped(model: nn.Module) -> nn.Module:
    """Return the module inside of `torch.compile`, `DataParallel` and their like.

    Args:
        model: any module.

    Returns:
        The innermost one.
    """
    while True:
        inner = getattr(model, COMPILED, None)
        if isinstance(inner, nn.Module):
            model = inner
        elif isinstance(model, WRAPPERS):
            model = model.module
        else:
            return model


def unwrapped_optimizer(optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
    """Return the optimizer inside of one that takes its steps, as Accelerate's does."""
    inner = getattr(optimizer, "optimizer", None)
    return inner if isinstance(inner, torch.optim.Optimizer) else optimizer


def computed_tensors(model: nn.Module) -> dict[int, Tensor]:
    """Tensors that layers hold, and compute anew whenever they are called.

    Pruning and the older weight normalisation keep a weight so. It has a graph behind it, with
    which torch copies no tensor.

    Args:
        model: any module.

    Returns:
        Their values by identity, the `memo` with which `copy.deepcopy` takes the module.
    """
    held = (value for module in model.modules() for value in vars(module).values())
    return {
        id(value): value.detach().clone()
        for value in held
        if isinstance(value, Tensor) and not value.is_leaf
    }


def is_compiled(module: nn.Module) -> bool:
    """Return whether calls of a module go through `torch.compile`."""
    return hasattr(module, COMPILED) or module._compiled_call_impl is not None


def check_replayable(model: nn.Module, every: int) -> None:
    """Refuse compiled code in a checkpointed history, whose steps are taken again without it.

    Args:
        model: the model as it is trained.
        every: checkpoint interval, in steps.

    Raises:
        UnsupportedError: if the steps would come out otherwise.
    """
    if every > 1 and any(is_compiled(module) for module in model.modules()):
        raise UnsupportedError(
            f"every={every}: a checkpointed history repeats its steps bit for bit, which compiled"
            " code and the module it was made from do not. Expected a full history (every=1), or"
            " the module without torch.compile."
        )


def names_in(
    model: nn.Module, layout: ParameterLayout, constants: Mapping[str, Tensor]
) -> dict[str, str]:
    """Find what the recorded tensors are called in a module.

    It may hold the recorded module (its names then have a prefix), or be one that the recorded
    module holds (they then lack one); a LightningModule and its network, say.

    Args:
        model: the module given to explain with.
        layout: the recorded trained tensors.
        constants: the recorded frozen parameters and buffers by name.

    Returns:
        The module's own name by recorded name.

    Raises:
        ConfigError: if the module has not all of the trained tensors, or parameters beyond those
            recorded, or others shapes.
    """
    trained: Shapes = {slot.name: slot.shape for slot in layout.slots}
    recorded = trained | {name: tuple(tensor.shape) for name, tensor in constants.items()}
    parameters: Shapes = {name: tuple(p.shape) for name, p in model.named_parameters()}
    own = parameters | {name: tuple(b.shape) for name, b in model.named_buffers()}
    plain = {_plain(name): name for name in recorded}
    for added, lacking in _prefixes(_plain(next(iter(trained), "")), own):
        stands_for = {
            name: plain.get(lacking + _plain(name).removeprefix(added))
            for name in own
            if _plain(name).startswith(added)
        }
        found = {old: name for name, old in stands_for.items() if old is not None}
        if trained.keys() <= found.keys() and parameters.keys() <= set(found.values()):
            _check_shapes({name: (own[name], recorded[old]) for old, name in found.items()})
            return found
    raise ConfigError(
        "model: its parameters are not those recorded. Missing:"
        f" {_some(trained.keys() - parameters.keys())}; not recorded:"
        f" {_some(parameters.keys() - recorded.keys())}. Give the model that was trained, or a"
        " module around it without parameters of its own."
    )


def _check_shapes(shapes: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]]) -> None:
    """Refuse other shapes than the recorded ones.

    Args:
        shapes: shape and recorded shape by name.

    Raises:
        ConfigError: naming the first tensor that differs.
    """
    for name, (shape, recorded) in shapes.items():
        if shape != recorded:
            raise ConfigError(
                f"model: '{name}' has shape {shape}, expected {recorded} as recorded. Give the"
                " model that was trained."
            )


def _prefixes(first: str, own: Iterable[str]) -> Iterator[tuple[str, str]]:
    """What the module's names may have in front, and what they may lack, told by one tensor."""
    yield "", ""
    names = {_plain(name) for name in own}
    for name in sorted(names, key=len):
        if name.endswith(f".{first}"):
            yield name.removesuffix(first), ""
    parts = first.split(".")
    for start in range(1, len(parts)):
        if (inner := ".".join(parts[start:])) in names:
            yield "", first.removesuffix(inner)


def _plain(name: str) -> str:
    return ".".join(part for part in name.split(".") if part not in PARTS)


def _some(names: Iterable[str]) -> str:
    listed = sorted(names)
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return f"{listed[:SHOWN]}{more}" if listed else "none"
