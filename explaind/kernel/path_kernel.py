"""The exact path kernel of a recorded run."""

import logging
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import nn

from explaind.errors import ConfigError
from explaind.history.guards import check_deterministic_mode, check_separable_loss
from explaind.history.history import History
from explaind.history.regularisation import RegularisationMotion
from explaind.history.replayer import TrainingSetup
from explaind.kernel.checks import (
    check_capture,
    check_first_step,
    check_functional,
    check_samples,
)
from explaind.kernel.collectors.output_arrays import DEFAULT_SLICES, Slices
from explaind.kernel.completeness import STEP_SUMS, close_account, step_sums
from explaind.kernel.contraction.precision import TOLERANCE, Contraction
from explaind.kernel.contraction.training_data import TrainingData
from explaind.kernel.contraction.training_side import TrainingSide
from explaind.kernel.explain import explain_steps
from explaind.kernel.functionals import (
    ModelFunction,
    OutputFunctional,
    all_outputs,
    find_functional,
)
from explaind.kernel.gradients.per_sample import PerSampleGradients
from explaind.kernel.nonsmooth.secant import RecordKinks
from explaind.kernel.parameter_influence import parameter_influence_of_steps
from explaind.kernel.query.derivative import AlongParts, Derivative, FullGradient
from explaind.kernel.query.quadrature import Quadrature
from explaind.kernel.query.queries import QuerySide
from explaind.kernel.reformulate import reformulate_steps
from explaind.kernel.result import (
    PARAMETER_INFLUENCE,
    build_dataset,
    build_reformulation,
    described,
)
from explaind.kernel.trajectory.segment import segment_of
from explaind.trees import Augmentation, LossFunction, Penalty, rows_of

logger = logging.getLogger(__name__)


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
        augment: the augmentation that the recorder was given, if any.
        components: component name by parameter tensor, in place of the recorded ones.
        quadrature: the quadrature rule.
        dtype: floating type of all computation; by default that of the recorded parameters.
        device: where to compute.
        contraction: how adjoint and gradients are multiplied; by default in full precision.
        config: if given, the stage configuration the store must have been made with.

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
        augment: Augmentation | None = None,
        components: Mapping[str, str] | None = None,
        quadrature: Quadrature | None = None,
        dtype: torch.dtype | None = None,
        device: str | torch.device = "cpu",
        contraction: Contraction | None = None,
        config: dict[str, Any] | None = None,
    ) -> None:
        history = History(Path(store), dtype, device, config, components)
        self._data = TrainingData(train_data, history.dtype, device, augment)
        setup = TrainingSetup(model, loss_fn, self._data.batch, penalty)
        self.history = history.replayed_with(setup)
        check_samples(self.history, self._data)
        check_deterministic_mode(model, self.history.steps)
        self._model, self._loss_fn, self._device = model, loss_fn, device
        self._constants = self.history.constants()
        self._quadrature = quadrature or Quadrature()
        self._decay = RegularisationMotion(self.history, penalty)
        gradients = PerSampleGradients(self._function(loss_fn), self.history.layout)
        self._training = TrainingSide(gradients, self._data, contraction=contraction)
        self._check(gradients)

    @torch.no_grad()
    def explain(
        self,
        x: Any,
        targets: Any,
        outputs: str | OutputFunctional = "target_logprob",
        *,
        intervals: int = 1,
        credit: str = "gradient_step",
        keep: Collection[str] = DEFAULT_SLICES,
        top: int = 10,
        train_samples: Collection[int] | None = None,
        segment: tuple[int, int] = (0, 1),
        block: int = 256,
    ) -> xr.Dataset:
        """Explain outputs of the trained model at some inputs.

        Args:
            x: inputs to explain, sample first.
            targets: their targets.
            outputs: what to explain: a name (`functionals.NAMED`) or a callable
                `(model output, targets) -> [sample] or [sample, output]`.
            intervals: number of equal training intervals that influence is summed over.
            credit: interval that influence is credited to: that of the step at which the gradient
                was computed, or those at which momentum applied it.
            keep: arrays to keep (`slices.SLICES`) beside totals per query and step.
            top: most helpful and most harmful training samples kept with "top" and "top_component".
            train_samples: training samples that the influence arrays keep; by default all.
            segment: `(k, n)` explains only part k of n of the steps. The arrays of all parts add
                up (`accumulate_kernel`); residuals are worked out and checked there.
            block: samples per forward pass on the query side.

        Returns:
            The arrays of `kernel.result.ARRAYS`: influence (positive = pushed the output up),
            decay, residual, all in the unit of the explained output.

        Raises:
            ConfigError: for an unknown functional, kept slice, credit, sample or segment.
            RecordingError: if the influence does not add up to the motion of the parameters.
        """
        chosen = None if train_samples is None else tuple(train_samples)
        slices = Slices(frozenset(keep), intervals, credit, top, chosen)
        if not len(torch.utils._pytree.tree_leaves(targets)[0]):
            raise ConfigError("Expected at least one sample to explain, got none.")
        name, functional = find_functional(outputs, self._loss_fn)
        side = self._explained(functional, x, targets, block)
        dtype, contraction = self.history.theta(0).dtype, self._training.contraction
        part = segment_of(self.history, *segment, TOLERANCE[dtype])
        found = explain_steps(self.history, self._decay, self._training, side, slices, part)
        arrays = {**found.arrays, **self._end_values(side)}
        arrays |= step_sums(arrays)
        attributes = {
            "functional": name,
            "quadrature_rule": self._rule,
            "credit": credit,
            "computed_dtype": _name_of(dtype),
            "recorded_dtype": _name_of(self.history.stored_dtype),
            "computed_device": torch.device(self._device).type,
            "precision": contraction.precision if contraction.reduced else _name_of(dtype),
            "precision_deviation": found.deviation,
            "train_samples": self._training.samples,
        }
        if "parameter" in keep:
            attributes["tensors"] = self.history.layout.to_json()
        if part.whole:
            dtypes = {_name_of(dtype), _name_of(self.history.stored_dtype)}
            closed, attributes["account_mismatch"] = close_account(arrays, dtypes)
            arrays = {key: a for key, a in arrays.items() if key not in STEP_SUMS} | closed
        labels = [name] if found.shape[1] == 1 else [str(k) for k in range(found.shape[1])]
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

    @torch.no_grad()
    def parameter_influence(
        self,
        x: Any,
        targets: Any,
        outputs: str | OutputFunctional = "all",
        *,
        block: int = 256,
    ) -> xr.Dataset:
        """Influence of all data through every single parameter; credits no single samples.

        Args:
            x: inputs, sample first.
            targets: their targets.
            outputs: what to explain, as in `explain`.
            block: samples per forward pass.

        Returns:
            `net` (positive = pushed the output up; opposite signs at different steps cancel) and
            `absolute` (they do not), `[test, output, param]`, in the unit of the output.

        Raises:
            ConfigError: for an unknown functional.
        """
        _, functional = find_functional(outputs, self._loss_fn)
        side = self._explained(functional, x, targets, block)
        arrays = parameter_influence_of_steps(self.history, self._decay, side)
        return xr.Dataset(
            {name: described(PARAMETER_INFLUENCE, name, values) for name, values in arrays.items()}
        )

    def _explained(
        self, functional: OutputFunctional, x: Any, targets: Any, block: int
    ) -> QuerySide:
        """The query side of an output functional, after its self-checks."""
        gradients = PerSampleGradients(self._function(functional), self.history.layout)
        x, y = self._data.convert(x), self._data.convert(targets)
        params = self.history.layout.unflatten(self.history.theta(0))
        check_functional(gradients.function, params, *_few(x, y))
        check_capture(gradients, self.history.theta(0), *_few(x, y))
        return self._query_side(FullGradient(gradients), x, y, block)

    def _end_values(self, side: QuerySide) -> dict[str, np.ndarray]:
        steps = self.history.steps
        ends = {"initial_output": self.history.theta(0), "final_output": self.history.theta(steps)}
        return {name: side.values(theta).double().cpu().numpy() for name, theta in ends.items()}

    def _function(self, functional: OutputFunctional) -> ModelFunction:
        return ModelFunction(self._model, self._constants, functional)

    def _query_side(self, derivative: Derivative, x: Any, y: Any, block: int) -> QuerySide:
        """The query side with its quadrature decided by the calls that the model makes."""
        params = self.history.layout.unflatten(self.history.theta(0))
        with RecordKinks() as mode:
            derivative.function(params, *_few(x, y))
        if mode.untreated:
            logger.warning("left to the plain rule (no secant slopes): %s", sorted(mode.untreated))
        quadrature = self._quadrature.resolved(bool(mode.kinks))
        self._rule = quadrature.rule
        return QuerySide(derivative, quadrature, x, y, block)

    def _check(self, gradients: PerSampleGradients) -> None:
        """Refuse a loss or model that the recorded path does not follow from."""
        x, y = self._data.fetch(self.history.batch(0)[:3], 0)
        params = self.history.layout.unflatten(self.history.theta(0))
        forward = ModelFunction(self._model, self._constants, lambda output, _: output)
        check_separable_loss(lambda inputs: forward(params, inputs, None), self._loss_fn, x, y)
        check_capture(gradients, self.history.theta(0), x, y)
        check_first_step(self.history, self._training, self._decay)


def _few(x: Any, y: Any) -> tuple[Any, Any]:
    """A few samples for the self-checks."""
    return rows_of(x, 0, 3), rows_of(y, 0, 3)


def _name_of(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
