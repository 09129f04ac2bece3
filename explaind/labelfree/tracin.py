"""TracIn: gradient dot products along a recorded training."""

import copy
from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from explaind.errors import ConfigError
from explaind.history.replay.history import History
from explaind.history.wrappers import computed_tensors
from explaind.labelfree.loss_gradients import LossGradients
from explaind.trees import Inputs, LossFunction, Targets


class TracIn:
    """TracIn (Pruthi et al., 2020) of the encoder's parameters, over checkpoints of a history.

        score(x, x_n) = sum over checkpoints s of <grad L(x), eta_s grad L(x_n)> at theta_s

    with the recorded learning rate `eta_s`, of every tensor. Positive: steps on the training sample
    lowered the loss of the explained one, to first order and as plain gradient descent; the path
    kernel is what the optimizer really did.

    Args:
        history: the recorded training of the model.
        model: the model.
        loss_fn: per-sample losses of its output.
        train: inputs and targets of the training samples.
        checkpoints: number of checkpoints, evenly over the training; the last one is of its end.
        encoder: name of the module that is explained.

    Raises:
        ConfigError: for more checkpoints than steps, or parameters that were not trained.
    """

    def __init__(
        self,
        history: History,
        model: nn.Module,
        loss_fn: LossFunction,
        train: tuple[Inputs, Targets],
        checkpoints: int = 10,
        encoder: str = "encoder",
    ) -> None:
        if not 1 <= checkpoints <= history.steps:
            raise ConfigError(
                f"checkpoints: expected 1 to {history.steps}, the number of recorded steps, got"
                f" {checkpoints}."
            )
        self._history, self._loss_fn = history, loss_fn
        self._model = copy.deepcopy(model, computed_tensors(model))
        self._train, self._checkpoints, self._encoder = train, checkpoints, encoder
        recorded = {slot.name for slot in history.layout.slots}
        own = LossGradients(model, loss_fn, encoder).layout
        if not recorded.issuperset(slot.name for slot in own.slots):
            raise ConfigError(
                f"encoder: expected parameters that the history has, {sorted(recorded)}, got those"
                f" of {encoder!r}. Take the model that was recorded."
            )

    def scores(self, x: Inputs, targets: Targets) -> Float[np.ndarray, "test train"]:
        """Score all training samples by what their steps did to minus the loss of some inputs.

        Args:
            x: inputs to explain.
            targets: what their loss compares the outputs with.

        Returns:
            The scores, in the unit of the loss, for each time that a sample is in a batch by
            itself.
        """
        total = None
        for gradients, theta, rates in self._at_checkpoints():
            test = rates * gradients.all_at(theta, x, targets)
            part = torch.cat(
                [test @ g.T for _, g in gradients.at(theta, *self._train)], dim=1
            ).double()
            total = part if total is None else total + part
        assert total is not None  # there is at least one checkpoint
        scores: np.ndarray = total.cpu().numpy()
        return scores

    def _at_checkpoints(
        self,
    ) -> Iterator[tuple[LossGradients, Float[Tensor, " param"], Float[Tensor, " param"]]]:
        """The gradients, the encoder's parameters and their learning rates at each checkpoint.

        Yields:
            Them, with the decoder of the checkpoint.
        """
        history = self._history
        points = np.linspace(0, history.steps, self._checkpoints + 1).round().astype(int)[1:]
        for point in points.tolist():
            values = history.layout.unflatten(history.theta(point))
            self._model.load_state_dict({**self._model.state_dict(), **values})
            gradients = LossGradients(self._model, self._loss_fn, self._encoder)
            rate = history.coefficient("learning_rate", min(point, history.steps - 1))
            rates = history.layout.unflatten(torch.as_tensor(rate).expand(history.layout.size))
            yield gradients, gradients.theta, gradients.layout.flatten(rates).to(gradients.theta)
