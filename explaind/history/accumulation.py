"""What the gradient of the coming step is made of: seen at the output of the model, as it is made.

A loop may draw batches and leave them, add up the gradients of several, skip steps, scale the loss
and what came of it. What counts is what lies in `.grad` when the optimizer takes a step. A backward
pass is seen where it enters the model: at the output of the forward pass, together with the batch
that was drawn last. One that finds the gradients empty begins anew.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor, nn

from explaind.errors import RecordingError
from explaind.history.batches import Batch
from explaind.history.random_state import Draws, generator_state, training_modules
from explaind.trees import Outputs, detached, leaves

SCALING_TOLERANCE = 1e-5
"""Largest relative difference between a scaled gradient and the same times a number."""

KEPT = 64
"""Numbers of a gradient, at least, that are kept to see what a loop does with it."""

CLIP_ROUNDINGS = 4
"""Roundings within which a gradient was multiplied by the recorder's own clipping factor alone."""


@dataclass
class Part:
    """A forward pass, and what the loop's loss sent back to its output.

    Attributes:
        batch: the samples, as the loop was given them.
        output: what the model returned, without its graph.
        gradients: gradient by each of the leaves of the output; None where nothing came back.
        draws: state of the generators before what made the batch and the output drew from them.
        training: names of the modules in training mode, if the forward pass drew; else None.
        backward: numbers of the backward passes that reached the output.
        summed: whether they are those of several backward passes.
        loss_dtype: type of a loss that the model itself returned; None if it returned none.
    """

    batch: Batch
    output: Outputs
    gradients: list[Tensor | None]
    draws: Draws = field(default_factory=dict)
    training: list[str] | None = None
    backward: set[int] = field(default_factory=set)
    summed: bool = False
    loss_dtype: torch.dtype | None = None


@dataclass
class Accumulation:
    """Watches a model and its parameters while a loop accumulates the gradient of a step.

    Attributes:
        model: the model.
        parameters: the trained tensors by name.
        batch: the batch drawn last; None before there is one.
        parts: what the present gradient is the sum of.
        clip: factor it was clipped by through the recorder.
        autocast: type that the forward passes were computed in; None without autocast.
        loss_dtype: type of the losses that the model itself returned; None if it returned none.
    """

    model: nn.Module
    parameters: Mapping[str, nn.Parameter]
    batch: Batch | None = None
    parts: list[Part] = field(default_factory=list)
    clip: float = 1.0
    autocast: torch.dtype | None = None
    loss_dtype: torch.dtype | None = None
    _spent: bool = False  # a step was taken with the present gradients
    _left: dict[str, Tensor] = field(default_factory=dict)  # by the last backward pass
    _state: Tensor | None = None  # of the generators before the forward pass

    def watch(self) -> Callable[[], None]:
        """Begin to watch.

        Returns:
            A function that ends it.
        """
        handles = ExitStack()

        # a function, because a copy of the model (an average of it, say) copies bound methods whole
        def begun(module: nn.Module, _: object) -> None:
            if not torch.compiler.is_compiling() and module is self.model:
                self._state = generator_state(self._device)

        def seen(module: nn.Module, _: object, output: Outputs) -> None:
            if not torch.compiler.is_compiling() and module is self.model:
                self._see_forward(output)

        handles.callback(self.model.register_forward_pre_hook(begun, prepend=True).remove)
        handles.callback(self.model.register_forward_hook(seen).remove)
        for name, parameter in self.parameters.items():
            left = partial(_call_with_name, self._keep, name)
            handle = parameter.register_post_accumulate_grad_hook(left)  # type: ignore[no-untyped-call]
            handles.callback(handle.remove)
        return handles.close

    def clear(self, spent: bool = False) -> None:
        """Forget what was accumulated; the batch stays.

        Args:
            spent: whether a step was taken with it.
        """
        self.parts, self.clip, self._left = [], 1.0, {}
        self._spent = spent

    @contextmanager
    def paused(self) -> Iterator[None]:
        """See no forward pass within the block."""
        batch, self.batch = self.batch, None
        try:
            yield
        finally:
            self.batch = batch

    def computed_in(self) -> dict[str, str | None]:
        """Return types coarser than that of the parameters in which gradients were computed."""
        types = {"autocast": self.autocast, "loss_dtype": self.loss_dtype}
        finest = max(parameter.dtype.itemsize for parameter in self.parameters.values())
        return {
            name: str(kind).removeprefix("torch.") if kind and kind.itemsize < finest else None
            for name, kind in types.items()
        }

    @property
    def _device(self) -> torch.device:
        return next(iter(self.parameters.values())).device

    @property
    def empty(self) -> bool:
        """Whether no trained tensor has a gradient other than zero."""
        gradients = (parameter.grad for parameter in self.parameters.values())
        return all(gradient is None or _is_zero(gradient) for gradient in gradients)

    def kept(self) -> list[tuple[Tensor, Tensor]]:
        """Return some gradients, as the last backward pass left them and as they are now."""
        pairs = [(before, self.parameters[name].grad) for name, before in self._left.items()]
        return [(before, _values(now)) for before, now in pairs if now is not None]

    def scale(self, optimizer: torch.optim.Optimizer) -> float:
        """What the gradients were multiplied by since the last backward pass, but for `clip`.

        One tensor stands for all; a fused optimizer undoes the scale of a loss itself.

        Args:
            optimizer: the optimizer about to take its step.

        Returns:
            The factor: 1, that of `torch.nn.utils.clip_grad_norm_`, or what undoes that of a loss.

        Raises:
            RecordingError: if more was done than a multiplication.
        """
        undone = unscaling(optimizer)
        if not self._left:
            return undone
        kept, name = self.kept(), next(iter(self._left))
        # one that is not finite is refused with the step
        if not kept or not bool(kept[0][0].isfinite().all()) or torch.equal(*kept[0]):
            return undone / self.clip
        before, now = (gradient.double() for gradient in kept[0])
        factor = float((before * now).sum() / before.square().sum())
        error = float((now - factor * before).norm())
        if not error <= SCALING_TOLERANCE * float(now.norm()):
            raise RecordingError(
                f"The gradient of '{name}' was changed between backward and step. Expected it as"
                " backward left it, or scaled as a whole: clip with recorder.clip_grad_norm_,"
                " not value by value, and add no noise."
            )
        scale = factor / self.clip
        rounding = CLIP_ROUNDINGS * torch.finfo(self.parameters[name].dtype).eps
        return undone if abs(scale - 1.0) <= rounding else undone * scale

    def _see_forward(self, output: Outputs) -> None:
        """Wait for the gradient of an output."""
        tensors = leaves(output)
        # a number without a sample axis is made of outputs: a loss that the model itself returns
        waited_for = [
            isinstance(leaf, Tensor) and leaf.requires_grad and leaf.dim() > 0 for leaf in tensors
        ]
        if self.batch is None or not any(waited_for):
            return
        # with its graph it would hold itself alive: the graph keeps the hook, the hook this part
        part = Part(self.batch, detached(output), [None] * len(tensors), self.batch.draws)
        losses = [leaf for leaf in tensors if isinstance(leaf, Tensor) and not leaf.dim()]
        part.loss_dtype = next((leaf.dtype for leaf in losses if leaf.requires_grad), None)
        assert self._state is not None  # taken as the forward pass began
        if not torch.equal(self._state, generator_state(self._device)):
            part.draws = {**part.draws, "forward": self._state}
            part.training = training_modules(self.model)
        device = next(leaf.device.type for leaf in tensors if isinstance(leaf, Tensor))
        enabled = torch.is_autocast_enabled(device)
        autocast = torch.get_autocast_dtype(device) if enabled else None
        for place, leaf in enumerate(tensors):
            if waited_for[place]:
                leaf.register_hook(partial(self._see_backward, part, place, autocast))

    def _see_backward(
        self, part: Part, place: int, autocast: torch.dtype | None, gradient: Tensor
    ) -> None:
        """Take in what a backward pass sent to an output; nothing has reached the model yet.

        Args:
            part: the forward pass.
            place: number of the leaf of its output.
            autocast: type that it was computed in.
            gradient: gradient by that leaf.

        Raises:
            RecordingError: if it is added to a gradient that a step was taken with.
        """
        task = torch._C._current_graph_task_id()
        if not any(part is known for known in self.parts):
            # the losses of several forward passes may go backward as one sum
            together = any(task in known.backward for known in self.parts)
            if self.empty and not together:
                self.clear()
            elif self._spent:
                raise RecordingError(
                    "A backward pass adds to the gradient of the step before. Call"
                    " optimizer.zero_grad() between two steps."
                )
            self.parts.append(part)
            self.autocast = autocast or self.autocast
            self.loss_dtype = part.loss_dtype or self.loss_dtype
        part.backward.add(task)
        before = part.gradients[place]
        part.summed |= before is not None
        part.gradients[place] = gradient.detach() if before is None else before + gradient.detach()

    def _keep(self, name: str, parameter: Tensor) -> None:
        """Copy the gradient of the first tensors that are reached."""
        if name in self._left or sum(map(Tensor.numel, self._left.values())) < KEPT:
            assert parameter.grad is not None  # this is called where it was just accumulated
            if name in self._left or not _is_zero(parameter.grad):
                self._left[name] = _values(parameter.grad).detach().clone()


def unscaling(optimizer: torch.optim.Optimizer) -> float:
    """Return what a fused optimizer itself multiplies gradients by, of a scaled loss; 1 without."""
    loss_scale = getattr(optimizer, "grad_scale", None)
    return 1.0 if loss_scale is None else 1.0 / float(loss_scale)


def _call_with_name(function: Callable[[str, Tensor], None], name: str, parameter: Tensor) -> None:
    function(name, parameter)


def _values(gradient: Tensor) -> Tensor:
    return gradient.coalesce().values() if gradient.is_sparse else gradient


def _is_zero(gradient: Tensor) -> bool:
    return not bool(_values(gradient).any())
