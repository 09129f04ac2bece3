"""The path kernel computed forward in time, as published, for every supported optimizer.

The engine runs an adjoint backward in time; this oracle shares no code and no idea with it. It
carries one momentum buffer for every pair (step at which the gradient was taken, training sample)
through all later steps. At every step the parts of the parameter change must add up to the change
that ``torch.optim`` really made.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tests.oracles.dense_midpoint import Node, averaged_gradient, set_values
from tests.oracles.recorded_path import Path

OutputFunction = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Decomposition:
    """The explained outputs, taken apart. Positive numbers pushed the output up.

    ``influence_at`` is credited to the step at which the gradient was taken, ``influence_applied``
    and everything named ``step_*`` and ``parameter_*`` to the step at which the parameters moved.
    Penalty and weight decay of either kind are ``decay``; what gradients before a window went on
    doing in it is ``carry``.
    """

    influence_at: Float[Tensor, "step test output train tensor"]
    influence_applied: Float[Tensor, "step test output train tensor"]
    parameter_data: Float[Tensor, "step test output param"]
    parameter_decay: Float[Tensor, "step test output param"]
    step_data: Float[Tensor, "step test output tensor"]
    step_decay: Float[Tensor, "step test output tensor"]
    step_carry: Float[Tensor, "step test output tensor"]
    step_true: Float[Tensor, "step test output"]
    initial: Float[Tensor, "test output"]

    @property
    def influence(self) -> Float[Tensor, "test output train tensor"]:
        """Total influence of every training sample through every tensor."""
        return self.influence_at.sum(0)

    @property
    def decay(self) -> Float[Tensor, "test output"]:
        """Total effect of weight decay and penalty."""
        return self.step_decay.sum((0, -1))

    @property
    def step_residual(self) -> Float[Tensor, "step test output"]:
        """What the quadrature did not explain of each step."""
        explained = self.step_data + self.step_decay + self.step_carry
        return self.step_true - explained.sum(-1)

    @property
    def final(self) -> Float[Tensor, "test output"]:
        """The explained outputs at the end of training."""
        return self.initial + self.step_true.sum(0)


def explain(
    path: Path,
    functional: OutputFunction,
    x: Tensor,
    target: Tensor,
    nodes: Sequence[Node],
    since: int = 0,
) -> Decomposition:
    """Take the outputs ``functional(model(x), target)``, one or several per sample, apart.

    The momentum of every (gradient step, training sample) is carried forward in time: ``S x N x P``
    numbers. From step ``since`` on, what gradients before it do is ``carry``.
    """
    for module in path.model.modules():
        if isinstance(module, nn.Embedding):  # training left the row alone, outputs depend on it
            module.padding_idx = None
    changes = _changes(path, since)
    values = torch.stack(
        [_outputs_at(path, functional, x, target, theta) for theta in path.parameters]
    )
    outputs = [
        lambda x=x[i : i + 1], target=target[i : i + 1]: functional(path.model(x), target).flatten()
        for i in range(len(x))
    ]
    influence_at, influence_applied, step_data, step_decay, step_carry = [], [], [], [], []
    parameter_data, parameter_decay = [], []
    for step, (by_sample, decay, carry) in enumerate(changes):
        average = _average(path, step, outputs, nodes)
        parts = [
            torch.einsum("qop,sip->sqoi", average[..., span], by_sample[..., span])
            for span in path.tensors.values()
        ]
        by_tensor = torch.stack(parts, dim=-1)
        influence_at.append(by_tensor)
        influence_applied.append(by_tensor.sum(0))
        parameter_data.append(average * by_sample.sum((0, 1)))
        parameter_decay.append(average * decay)
        step_data.append(by_tensor.sum((0, 3)))
        for sums, change in ((step_decay, decay), (step_carry, carry)):
            parts = [average[..., span] @ change[span] for span in path.tensors.values()]
            sums.append(torch.stack(parts, dim=-1))
    return Decomposition(
        influence_at=torch.stack(influence_at).sum(0),
        influence_applied=torch.stack(influence_applied),
        parameter_data=torch.stack(parameter_data),
        parameter_decay=torch.stack(parameter_decay),
        step_data=torch.stack(step_data),
        step_decay=torch.stack(step_decay),
        step_carry=torch.stack(step_carry),
        step_true=values[1:] - values[:-1],
        initial=values[0],
    )


def _changes(path: Path, since: int) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Split every change: [gradient step, train, param], decay and penalty, gradients before."""
    shape = (len(path.steps), path.train_size, path.parameters[0].numel())
    momentum = torch.zeros(shape, dtype=torch.float64)
    decay_momentum = carried = torch.zeros(shape[-1], dtype=torch.float64)
    changes = []
    for index, step in enumerate(path.steps):
        rule, theta = step.map, path.parameters[index]
        if index == since:
            carried = momentum.sum((0, 1)) + decay_momentum
            momentum, decay_momentum = torch.zeros_like(momentum), torch.zeros_like(carried)
        fresh = torch.zeros(shape, dtype=torch.float64)
        for sample, gradient in zip(step.batch, step.sample_gradients, strict=True):
            fresh[index, sample] += gradient
        decay_fresh = step.penalty_gradient + rule.l2 * theta
        momentum = rule.mu * momentum + rule.nu * fresh
        decay_momentum = rule.mu * decay_momentum + rule.nu * decay_fresh
        carried = rule.mu * carried
        by_sample = -rule.preconditioner * (rule.alpha * momentum + rule.gamma * fresh)
        decay = -rule.preconditioner * (rule.alpha * decay_momentum + rule.gamma * decay_fresh)
        decay = decay - rule.decoupled_decay * theta
        carry = -rule.preconditioner * rule.alpha * carried
        true_change = path.parameters[index + 1] - theta
        torch.testing.assert_close(
            by_sample.sum((0, 1)) + decay + carry, true_change, rtol=1e-9, atol=1e-13
        )
        changes.append((by_sample, decay, carry))
    return changes


def _average(
    path: Path, step: int, outputs: Sequence[Callable[[], Tensor]], nodes: Sequence[Node]
) -> Float[Tensor, "test output param"]:
    """Averaged gradient of every explained output over one step, one sample at a time."""
    start, stop = path.parameters[step], path.parameters[step + 1]
    rows = [averaged_gradient(output, path.trained(), start, stop, nodes) for output in outputs]
    return torch.stack(rows)


def _outputs_at(
    path: Path, functional: OutputFunction, x: Tensor, target: Tensor, theta: Tensor
) -> Float[Tensor, "test output"]:
    set_values(path.trained(), theta)
    with torch.no_grad():
        return functional(path.model(x), target).reshape(len(x), -1)
