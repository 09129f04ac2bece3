"""Optimizers that keep their learning rate and weight decay of every step.

They are torch's own, so a scheduler takes them as they are; `optimizer.optimizer`, where the
published classes hold torch's, is the same object.
"""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from explaind.compat.log import Log, check_options

IMPLIED = ("decoupled_weight_decay",)
"""Options that torch adds to those of AdamW, which has no such argument."""


class _OptimizerPath(torch.optim.Optimizer):
    """What both have beside torch's optimizer."""

    _kind: type[torch.optim.Optimizer]
    _log: Log

    @property
    def checkpoints(self) -> list[dict[str, Any]]:
        """`lr` and `weight_decay` of the first group, before the first and after each step."""
        return self._log.entries

    @property
    def optimizer(self) -> "_OptimizerPath":
        """The optimizer that a scheduler is given."""
        return self

    def log_checkpoint(self) -> None:
        """Keep the options of the step just taken; call it before a scheduler changes them."""
        first = self.param_groups[0]
        self._log.append({name: float(first[name]) for name in ("lr", "weight_decay")})

    def save_checkpoints(self) -> None:
        """Write the history to its file."""
        self._log.save()

    def rebuilt(self, model: nn.Module) -> torch.optim.Optimizer:
        """Return torch's optimizer without a past, with these options, for another module."""
        options = {name: value for name, value in self.defaults.items() if name not in IMPLIED}
        return self._kind(model.parameters(), **options)

    def _open(
        self, checkpoints: list[dict[str, Any]] | None, path: str | Path | None, overwrite: bool
    ) -> None:
        self._log = Log(path, overwrite, checkpoints)
        if not self._log.entries:
            self.log_checkpoint()


class AdamWOptimizerPath(_OptimizerPath, torch.optim.AdamW):
    """`torch.optim.AdamW` over all parameters of a model, with the published defaults.

    Args:
        model: the model, a `ModelPath` or what is inside.
        lr: learning rate.
        betas: decay of the first and second moment.
        eps: added to the root of the second moment.
        weight_decay: decoupled decay.
        amsgrad: divide by the largest second moment so far.
        checkpoints: a history to go by in place of a file.
        checkpoint_path: file of the history, which is read if it exists.
        overwrite: begin a new history where there is a file.
        options: further options of the published class, which change nothing here.
    """

    _kind = torch.optim.AdamW

    def __init__(
        self,
        model: nn.Module,
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.1,
        amsgrad: bool = False,
        checkpoints: list[dict[str, Any]] | None = None,
        checkpoint_path: str | Path | None = None,
        overwrite: bool = False,
        **options: object,
    ) -> None:
        unneeded = ("track_lr", "track_weight_decay", "cast_to_float16", "device")
        check_options("AdamWOptimizerPath", options, unneeded)
        torch.optim.AdamW.__init__(self, model.parameters(), lr, betas, eps, weight_decay, amsgrad)
        self._open(checkpoints, checkpoint_path, overwrite)


class SGDOptimizerPath(_OptimizerPath, torch.optim.SGD):
    """`torch.optim.SGD` over all parameters of a model, with the published defaults.

    Args:
        model: the model, a `ModelPath` or what is inside.
        lr: learning rate.
        weight_decay: decay that is added to the gradient.
        momentum: how much of the direction before is kept.
        dampening: share of a gradient that is left out.
        nesterov: Nesterov's momentum.
        checkpoints: a history to go by in place of a file.
        checkpoint_path: file of the history, which is read if it exists.
        overwrite: begin a new history where there is a file.
        options: further options of the published class, which change nothing here.
    """

    _kind = torch.optim.SGD

    def __init__(
        self,
        model: nn.Module,
        lr: float = 0.01,
        weight_decay: float = 0.0001,
        momentum: float = 0.9,
        dampening: float = 0.0,
        nesterov: bool = False,
        checkpoints: list[dict[str, Any]] | None = None,
        checkpoint_path: str | Path | None = None,
        overwrite: bool = False,
        **options: object,
    ) -> None:
        unneeded = (
            "track_lr",
            "track_weight_decay",
            "buffer_on_cpu",
            "buffer_float16",
            "buffer_device_mapping",
            "device",
        )
        check_options("SGDOptimizerPath", options, unneeded)
        torch.optim.SGD.__init__(
            self, model.parameters(), lr, momentum, dampening, weight_decay, nesterov
        )
        self._open(checkpoints, checkpoint_path, overwrite)
