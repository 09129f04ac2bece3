"""The exact path kernel of a recorded run."""

import logging
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from explaind.errors import ConfigError
from explaind.history.decay import DecayMotion, Penalty
from explaind.history.guards import (
    LossFunction,
    check_deterministic_mode,
    check_separable_loss,
    rows_of,
)
from explaind.history.history import History
from explaind.kernel.derivative import AlongParts, Derivative, FullGradient
from explaind.kernel.explain import explain_steps
from explaind.kernel.functionals import (
    ModelFunction,
    OutputFunctional,
    all_outputs,
    find_functional,
)
from explaind.kernel.guards import (
    check_capture,
    check_first_step,
    check_functional,
    check_samples,
)
from explaind.kernel.per_sample import PerSampleGradients
from explaind.kernel.quadrature import Quadrature
from explaind.kernel.query import QuerySide
from explaind.kernel.reformulate import reformulate_steps
from explaind.kernel.result import build_dataset, build_reformulation
from explaind.kernel.secant import RecordKinks
from explaind.kernel.training_data import TrainingData
from explaind.kernel.training_side import TrainingSide

logger = logging.getLogger(__name__)

KEEP = ("component", "interval")


class PathKernel:
    """Outputs of a trained model as sums over samples, components, steps (mathematics, 1-4).

        h(x; theta_S) = h(x; theta_0) + sum_i influence_i(x) + decay(x) + residual(x)

    Args:
        store: sealed history store made by `explaind.record`.
        model: the module that was trained. Its trained values, frozen parameters and buffers are
            taken from the store; the module is not changed.
        loss_fn: the training loss, `(model output, targets) -> per-sample losses`.
        train_data: `(x, y)` tensors or a map-style dataset, in the order of the recorded indices.
        penalty: explicit regulariser of the loop's loss, `(parameters by name) -> scalar`; its
            share is reported as decay.
        components: component name by parameter tensor, in place of the recorded ones.
        quadrature: the quadrature rule.
        dtype: floating type of all computation; by default that of the recorded parameters.
        device: where to compute.

    Raises:
        StoreError: if the store cannot be used.
        UnsupportedError: if the model is random or the loss not separable.
        RecordingError: if the recorded path does not follow from the loss and the data.
    """

    def __init__(
        self,
        store: str | Path,
        model: nn.Module,
        loss_fn: LossFunction,
        train_data: Any,
        *,
        penalty: Penalty | None = None,
        components: Mapping[str, str] | None = None,
        quadrature: Quadrature | None = None,
        dtype: torch.dtype | None = None,
        device: str | torch.device = "cpu",
        config: dict[str, Any] | None = None,
    ) -> None:
        history = History(Path(store), device=device, config=config)
        dtype = dtype or history.stored_dtype
        self.history = History(Path(store), dtype=dtype, device=device, config=config)
        if components:
            self.history.layout = self.history.layout.with_components(components)
        check_deterministic_mode(model, self.history.steps)
        self._model, self._loss_fn, self._device = model, loss_fn, device
        self._constants = self.history.constants()
        self._data = TrainingData(train_data, dtype, device)
        self._quadrature = quadrature or Quadrature()
        self._decay = DecayMotion(self.history, penalty)
        gradients = PerSampleGradients(self._function(loss_fn), self.history.layout)
        self._training = TrainingSide(gradients, self._data)
        self._check(gradients)

    @torch.no_grad()
    def explain(
        self,
        x: Any,
        targets: Any,
        outputs: str | OutputFunctional = "target_logprob",
        *,
        intervals: int = 1,
        keep: Collection[str] = KEEP,
        block: int = 256,
    ) -> xr.Dataset:
        """Explain outputs of the trained model at some inputs.

        Args:
            x: inputs to explain, sample first.
            targets: their targets.
            outputs: what to explain: a name (`functionals.NAMED`) or a callable
                `(model output, targets) -> [sample] or [sample, output]`.
            intervals: number of equal training intervals that influence is summed over.
            keep: further influence arrays to keep: "component", "interval".
            block: samples per forward pass on the query side.

        Returns:
            The arrays of `kernel.result.ARRAYS`: influence (positive = pushed the output up),
            decay, residual, all in the unit of the explained output.

        Raises:
            ConfigError: for an unknown functional or kept slice.
            RecordingError: if the influence does not add up to the motion of the parameters.
        """
        unknown = sorted(set(keep) - set(KEEP))
        if unknown:
            raise ConfigError(f"keep: unknown {unknown}, expected some of {KEEP}.")
        if intervals < 1 or not len(torch.utils._pytree.tree_leaves(targets)[0]):
            raise ConfigError(
                f"Expected at least one sample and one interval, got intervals={intervals}."
            )
        name, functional = find_functional(outputs, self._loss_fn)
        gradients = PerSampleGradients(self._function(functional), self.history.layout)
        x, y = self._data.convert(x), self._data.convert(targets)
        params = self.history.layout.unflatten(self._theta(0))
        check_functional(gradients.function, params, *_few(x, y))
        check_capture(gradients, self._theta(0), *_few(x, y))
        side = self._query_side(FullGradient(gradients), x, y, block)
        found = explain_steps(
            self.history, self._decay, self._training, side, intervals, "interval" in keep
        )
        labels = [name] if found.shape[1] == 1 else [str(k) for k in range(found.shape[1])]
        attributes = {
            "functional": name,
            "quadrature_rule": self._rule,
            "credit": "influence is credited to the step at which the gradient was computed",
            "account_mismatch": found.mismatch,
            "computed_dtype": str(self._theta(0).dtype),
        }
        arrays = found.arrays(keep) | self._end_values(side)
        change = arrays["final_output"] - arrays["initial_output"]
        arrays["residual"] = change - arrays["data"] - arrays["decay"]
        arrays["rounding"] = arrays["residual"] - arrays["step_residual"].sum(0)
        return build_dataset(arrays, self.history.layout.components, labels, attributes)

    @torch.no_grad()
    def reformulate(self, x: Any, targets: Any, *, block: int = 256) -> xr.Dataset:
        """Rebuild all outputs of the trained model; credits no single samples (mathematics, 5).

        Args:
            x: inputs, sample first.
            targets: their targets.
            block: samples per forward pass.

        Returns:
            `initial`, `data`, `decay`, `residual`, `true` and `reformulated` (initial + data +
            decay), `[test, class]`; per step the mean absolute change, parts and residual,
            `[step]`.
        """
        function = self._function(all_outputs)
        x, y = self._data.convert(x), self._data.convert(targets)
        side = self._query_side(AlongParts(function, self.history.layout), x, y, block)
        arrays = reformulate_steps(self.history, self._decay, side)
        ends = self._end_values(side)
        arrays |= {"initial": ends["initial_output"], "true": ends["final_output"]}
        return build_reformulation(arrays)

    def _end_values(self, side: QuerySide) -> dict[str, np.ndarray]:
        steps = self.history.steps
        ends = {"initial_output": self._theta(0), "final_output": self._theta(steps)}
        return {name: side.values(theta).double().cpu().numpy() for name, theta in ends.items()}

    def _theta(self, point: int) -> Tensor:
        """Parameters at a point of the path."""
        start = max(0, point - 1)
        return self.history.read(start, start + 1).theta(point)

    def _function(self, functional: OutputFunctional) -> ModelFunction:
        return ModelFunction(self._model, self._constants, functional)

    def _query_side(self, derivative: Derivative, x: Any, y: Any, block: int) -> QuerySide:
        """The query side with its quadrature decided by the calls that the model makes."""
        params = self.history.layout.unflatten(self._theta(0))
        with RecordKinks() as mode:
            derivative.function(params, *_few(x, y))
        if mode.untreated:
            logger.warning("left to the plain rule (no secant slopes): %s", sorted(mode.untreated))
        quadrature = self._quadrature.resolved(bool(mode.kinks))
        self._rule = quadrature.rule
        return QuerySide(derivative, quadrature, x, y, block)

    def _check(self, gradients: PerSampleGradients) -> None:
        """Refuse a loss, model or data that the recorded path does not follow from."""
        check_samples(self.history, self._data)
        x, y = self._data.fetch(self.history.batch(0)[:3])
        params = self.history.layout.unflatten(self._theta(0))
        forward = ModelFunction(self._model, self._constants, lambda output, _: output)
        check_separable_loss(lambda inputs: forward(params, inputs, None), self._loss_fn, x, y)
        check_capture(gradients, self._theta(0), x, y)
        check_first_step(self.history, self._training, self._decay)


def _few(x: Any, y: Any) -> tuple[Any, Any]:
    """A few samples for the self-checks."""
    return rows_of(x, 0, 3), rows_of(y, 0, 3)
