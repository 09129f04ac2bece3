"""How the trained tensors of a model lie in one flat parameter vector."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from explaind.errors import ConfigError, RecordingError


@dataclass(frozen=True)
class TensorSlot:
    """The place of one parameter tensor in the flat vector.

    Attributes:
        name: name in `model.named_parameters()`.
        start: first position in the flat vector.
        stop: one past the last position.
        shape: shape of the tensor.
        component: the named group of tensors it is reported with.
        group: index of its optimizer parameter group.
    """

    name: str
    start: int
    stop: int
    shape: tuple[int, ...]
    component: str
    group: int

    @property
    def entries(self) -> int:
        """Length of the first dimension; 1 of a scalar."""
        return self.shape[0] if self.shape else 1

    @property
    def entry_size(self) -> int:
        """Numbers of one entry of the first dimension."""
        return (self.stop - self.start) // max(1, self.entries)


@dataclass(frozen=True)
class ParameterLayout:
    """All trained tensors, in the order of `model.named_parameters()`.

    Attributes:
        slots: one entry per tensor, adjacent and in order.
    """

    slots: tuple[TensorSlot, ...]

    @classmethod
    def of(
        cls,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        components: Mapping[str, str] | None = None,
    ) -> "ParameterLayout":
        """Lay out the tensors that the optimizer trains.

        Frozen parameters, parameters unknown to the optimizer and buffers are left out: they are
        constants of the run. A tied tensor has one slot, under its first name.

        Args:
            model: the model.
            optimizer: its optimizer.
            components: component of each tensor by name; by default the module the tensor belongs
                to.

        Returns:
            The layout.

        Raises:
            RecordingError: if the optimizer holds a tensor that the model has not, or `components`
                names an unknown tensor.
        """
        group_of = {
            id(parameter): number
            for number, group in enumerate(optimizer.param_groups)
            for parameter in group["params"]
        }
        named = list(model.named_parameters())
        strangers = group_of.keys() - {id(parameter) for _, parameter in named}
        if strangers:
            raise RecordingError(
                f"The optimizer holds {len(strangers)} tensor(s) that are not parameters of"
                " the model."
                " Build the optimizer from model.parameters()."
            )
        slots: list[TensorSlot] = []
        for name, parameter in named:
            if not parameter.requires_grad or id(parameter) not in group_of:
                continue
            start = slots[-1].stop if slots else 0
            slots.append(
                TensorSlot(
                    name=name,
                    start=start,
                    stop=start + parameter.numel(),
                    shape=tuple(parameter.shape),
                    component=name.rpartition(".")[0] or name,
                    group=group_of[id(parameter)],
                )
            )
        return cls(tuple(slots)).with_components(components or {})

    def renamed(self, names: Mapping[str, str]) -> "ParameterLayout":
        """Return the same layout with other names of the tensors, given by their present ones."""
        return ParameterLayout(tuple(replace(slot, name=names[slot.name]) for slot in self.slots))

    @classmethod
    def from_json(cls, rows: Sequence[Mapping[str, Any]]) -> "ParameterLayout":
        """Return the layout that the attributes of a store describe."""
        return cls(tuple(TensorSlot(**{**row, "shape": tuple(row["shape"])}) for row in rows))

    def to_json(self) -> list[dict[str, Any]]:
        """Return the layout as JSON, for the attributes of a store."""
        return [{**asdict(slot), "shape": list(slot.shape)} for slot in self.slots]

    def with_components(self, components: Mapping[str, str]) -> "ParameterLayout":
        """The same layout with other component names for some tensors.

        Args:
            components: component by tensor name.

        Returns:
            The new layout.

        Raises:
            RecordingError: if a name is not a trained tensor.
        """
        unknown = sorted(components.keys() - {slot.name for slot in self.slots})
        if unknown:
            raise RecordingError(
                f"components names {unknown}, which are not trained tensors. Expected names from"
                f" {[slot.name for slot in self.slots]}."
            )
        return ParameterLayout(
            tuple(
                replace(slot, component=components.get(slot.name, slot.component))
                for slot in self.slots
            )
        )

    @property
    def size(self) -> int:
        """Number of scalar parameters, `P`."""
        return self.slots[-1].stop if self.slots else 0

    @property
    def components(self) -> tuple[str, ...]:
        """Component names in order of first appearance."""
        return tuple(dict.fromkeys(slot.component for slot in self.slots))

    def component_ranges(self) -> dict[str, list[tuple[int, int]]]:
        """Return the ranges `[start, stop)` of each component, adjacent ones merged."""
        ranges: dict[str, list[tuple[int, int]]] = {name: [] for name in self.components}
        for slot in self.slots:
            own = ranges[slot.component]
            if own and own[-1][1] == slot.start:
                own[-1] = (own[-1][0], slot.stop)
            else:
                own.append((slot.start, slot.stop))
        return ranges

    def mask(self, components: Collection[str]) -> Bool[Tensor, " param"]:
        """Return which parameters belong to some components.

        Args:
            components: names of components.

        Returns:
            True for theirs.

        Raises:
            ConfigError: if a name is not that of a component.
        """
        unknown = sorted(set(components) - set(self.components))
        if unknown:
            raise ConfigError(
                f"components: expected some of {', '.join(self.components)}, got {unknown[0]!r};"
                " correct it"
            )
        mask = torch.zeros(self.size, dtype=torch.bool)
        for slot in self.slots:
            mask[slot.start : slot.stop] = slot.component in components
        return mask

    def flatten(
        self, tensors: Mapping[str, Tensor], into: Float[Tensor, " param"] | None = None
    ) -> Float[Tensor, " param"]:
        """Copy named tensors into one flat vector.

        Args:
            tensors: the tensors.
            into: a vector to overwrite; memory that was used before is written several times as
                fast as new memory.

        Returns:
            The vector.
        """
        with torch.no_grad():
            return torch.cat([tensors[slot.name].reshape(-1) for slot in self.slots], out=into)

    def unflatten(self, vector: Float[Tensor, " param"]) -> dict[str, Tensor]:
        """Return views of a flat vector as named tensors."""
        pieces = vector.split_with_sizes([slot.stop - slot.start for slot in self.slots])
        return {
            slot.name: piece.view(slot.shape)
            for slot, piece in zip(self.slots, pieces, strict=True)
        }

    def leaves(self, vector: Float[Tensor, " param"]) -> dict[str, Tensor]:
        """Return copies of a flat vector's tensors, each a leaf of its own to differentiate by.

        With the vector as the only leaf, autograd would add up vectors of the full length, one for
        every tensor.
        """
        tensors = self.unflatten(vector).items()
        return {name: tensor.detach().clone().requires_grad_(True) for name, tensor in tensors}

    @torch.enable_grad()
    def gradient(
        self, function: Callable[[dict[str, Tensor]], Tensor], vector: Float[Tensor, " param"]
    ) -> Float[Tensor, " param"]:
        """Return the gradient of a number by a flat vector.

        Args:
            function: the number as a function of the named tensors.
            vector: where to differentiate.

        Returns:
            The gradient, 0 for tensors that the function does not use.
        """
        leaves = self.leaves(vector)
        by_tensor = torch.autograd.grad(
            function(leaves), list(leaves.values()), materialize_grads=True
        )
        return self.flatten(dict(zip(leaves, by_tensor, strict=True)))
