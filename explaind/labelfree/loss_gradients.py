"""Gradients of the loss of every sample, by the parameters of the encoder only."""

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn

from explaind.errors import ConfigError
from explaind.history.layout import ParameterLayout
from explaind.kernel.checks.gradients import check_capture
from explaind.kernel.functionals import ModelFunction, whole_output
from explaind.kernel.gradients.per_sample import PerSampleGradients
from explaind.trees import Inputs, LossFunction, Targets, batch_size, rows_of

BLOCK = 64
"""Samples of one backward pass."""


class LossGradients:
    """The losses of a model in evaluation mode, as functions of the parameters of its encoder.

    The decoder, or the head, stays as it was trained: what is explained is the encoder.

    Args:
        model: the trained model, encoder and all.
        loss_fn: per-sample losses of its output.
        encoder: name of the module in it that is explained.

    Attributes:
        layout: the parameters of the encoder.
        theta: their values.

    Raises:
        ConfigError: if there are no parameters of that name.
    """

    def __init__(self, model: nn.Module, loss_fn: LossFunction, encoder: str = "encoder") -> None:
        named = dict(model.named_parameters())
        own = {name: p for name, p in named.items() if name.startswith(f"{encoder}.")}
        if not own:
            raise ConfigError(
                f"encoder: expected the name of a module with parameters, of"
                f" {[name for name, _ in model.named_children()]}, got {encoder!r}."
            )
        self.layout = ParameterLayout.of(model, torch.optim.SGD(own.values()))
        self.theta = self.layout.flatten(own)
        model.eval()
        rest = {name: p.detach() for name, p in named.items() if name not in own}
        constants = {**rest, **dict(model.named_buffers())}
        self.outputs = ModelFunction(model, constants, whole_output)
        self.loss_fn = loss_fn
        self._gradients = PerSampleGradients(ModelFunction(model, constants, loss_fn), self.layout)
        self._checked = False

    def at(
        self, theta: Float[Tensor, " param"], x: Inputs, y: Targets
    ) -> Iterator[tuple[slice, Float[Tensor, "batch param"]]]:
        """Yield the gradients of all samples, in blocks.

        Args:
            theta: parameters of the encoder.
            x: inputs.
            y: what the loss compares the outputs with.

        Yields:
            Which samples, and their gradients.
        """
        if not self._checked:  # which tensors need the fallback does not depend on the samples
            few = rows_of(x, 0, 3), rows_of(y, 0, 3)
            fallback = check_capture(self._gradients, theta, *few)
            self._gradients, self._checked = self._gradients.with_fallback(fallback), True
        for start in range(0, batch_size(x), BLOCK):
            rows = slice(start, min(start + BLOCK, batch_size(x)))
            found = theta.new_empty(rows.stop - rows.start, len(theta))
            batch = rows_of(x, rows.start, rows.stop), rows_of(y, rows.start, rows.stop)
            for columns, inside, gradient in self._gradients(theta, *batch):
                found[inside, columns] = gradient[:, 0]
            yield rows, found

    def all_at(
        self, theta: Float[Tensor, " param"], x: Inputs, y: Targets
    ) -> Float[Tensor, "sample param"]:
        """Return the gradients of all samples at once."""
        return torch.cat([gradients for _, gradients in self.at(theta, x, y)])


Curvature = Callable[[Tensor, Targets, Tensor], Tensor]
"""`(output, target, tangent) -> H tangent`, with H the curvature of the loss in its output; all of
the shape of the output, and every sample by itself."""


def loss_curvature(loss_fn: LossFunction) -> Curvature:
    """Return the second derivative of a loss by its output, times a tangent.

    Args:
        loss_fn: per-sample losses, convex in the output (squared errors, cross-entropy).

    Returns:
        The function.
    """

    def curvature(output: Tensor, target: Targets, tangent: Tensor) -> Tensor:
        def slope(at: Tensor) -> Tensor:
            gradient: Tensor = torch.func.grad(lambda own: loss_fn(own, target).sum())(at)
            return gradient

        product: Tensor = torch.func.vjp(slope, output)[1](tangent)[0]  # H is symmetric
        return product

    return curvature


def laplace_curvature(output: Tensor, _: Targets, tangent: Tensor) -> Tensor:
    """Return the curvature of a mean absolute error, times a tangent.

    Its second derivative is 0 wherever it exists. As the negative log-likelihood of Laplace's
    distribution it has a Fisher information, though: 1 over the squared number of outputs.

    Args:
        output: outputs of a model, sample first.
        _: targets, not used.
        tangent: of the shape of the output.

    Returns:
        The product.
    """
    return tangent / output[0].numel() ** 2
