"""Where an encoder's training stands after an epoch, in one file that it goes on from.

Plain arrays, so nothing is ever unpickled.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from explaind.files import replacing

Weights = dict[str, Tensor]

ORIGIN, CURVES = "origin", "curves"
PARTS = ("network", "best", "optimizer")


@dataclass
class EncoderState:
    """Where a training stands after an epoch.

    Attributes:
        curves: what is measured after each epoch, by name.
        network: weights, and buffers as those of batch norm.
        best: those of the epoch with the lowest validation loss.
        optimizer: its tensors, as `parameter number/name`.
    """

    curves: dict[str, list[float]] = field(default_factory=dict)
    network: Weights = field(default_factory=dict)
    best: Weights = field(default_factory=dict)
    optimizer: Weights = field(default_factory=dict)

    @property
    def epochs(self) -> int:
        """Epochs that are finished."""
        return len(next(iter(self.curves.values()), []))

    def shortened(self, epochs: int) -> "EncoderState":
        """Return what is known after fewer epochs, where something else restores the weights."""
        return EncoderState({name: curve[:epochs] for name, curve in self.curves.items()})

    def note(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Take over network and optimizer as they are after an epoch."""
        self.network = _copied(network.state_dict())
        tensors = optimizer.state_dict()["state"]
        self.optimizer = _copied(
            {f"{number}/{name}": t for number, of in tensors.items() for name, t in of.items()}
        )

    def restore(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Give network and optimizer what `note` took of them; a training that begins has none."""
        if not self.network:
            return
        network.load_state_dict(self.network)
        nested: dict[int, Weights] = {}
        for key, tensor in self.optimizer.items():
            number, _, name = key.partition("/")
            nested.setdefault(int(number), {})[name] = tensor
        optimizer.load_state_dict(optimizer.state_dict() | {"state": nested})

    def save(self, path: Path, origin: Mapping[str, Any]) -> None:
        """Write it to a file, atomically.

        Args:
            path: the file.
            origin: what the training is made with, JSON only.
        """
        arrays = {
            f"{part}/{name}": tensor.cpu().numpy()
            for part in PARTS
            for name, tensor in getattr(self, part).items()
        }
        texts = {ORIGIN: _text(origin), CURVES: _text(self.curves)}
        arrays |= {name: np.array(text) for name, text in texts.items()}
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path, origin: Mapping[str, Any]) -> "EncoderState":
        """Read the file of a training of the same origin.

        Args:
            path: the file.
            origin: what the training is made with.

        Returns:
            The state; that of a training that begins if there is none, or one of another origin.
        """
        if not path.is_file():
            return cls()
        with np.load(path, allow_pickle=False) as file:
            if str(file[ORIGIN]) != _text(origin):
                return cls()
            parts: dict[str, Weights] = {part: {} for part in PARTS}
            for name in set(file.files) - {ORIGIN, CURVES}:
                part, _, key = name.partition("/")
                parts[part][key] = torch.from_numpy(file[name])
            return cls(json.loads(str(file[CURVES])), **parts)


def _copied(tensors: Mapping[str, Tensor | None]) -> Weights:
    # None: a momentum that there is not yet
    return {name: tensor.detach().clone() for name, tensor in tensors.items() if tensor is not None}


def _text(content: Mapping[str, Any]) -> str:
    return json.dumps(dict(content), sort_keys=True)
