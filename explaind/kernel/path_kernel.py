"""The exact path kernel of a recorded run."""

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float
from torch import Tensor, nn

from explaind.choices import SAMPLES_PER_PASS
from explaind.errors import ConfigError
from explaind.history.batches import Collate
from explaind.history.replay.history import History
from explaind.history.replay.regularisation import RegularisationMotion
from explaind.history.replay.replayer import TrainingSetup
from explaind.history.wrappers import unwrapped
from explaind.kernel.checks.gradients import checked_gradients
from explaind.kernel.checks.run import (
    check_first_step,
    check_penalty,
    check_random,
    check_samples,
    compare_values,
)
from explaind.kernel.collectors.output_arrays import DEFAULT_ARRAYS, OutputArrays
from explaind.kernel.collectors.training_axis import SampleSelection
from explaind.kernel.contraction.precision import Contraction
from explaind.kernel.contraction.training_data import TrainingData
from explaind.kernel.contraction.training_side import TrainingSide
from explaind.kernel.explain import explain_steps
from explaind.kernel.explained import explained_dataset
from explaind.kernel.functionals import (
    ModelFunction,
    OutputFunction,
    find_functional,
)
from explaind.kernel.one_step import explain_one_step
from explaind.kernel.parts import PartLosses, explain_parts
from explaind.kernel.query.make_queries import MakeQueries
from explaind.kernel.query.quadrature import Quadrature
from explaind.kernel.reformulate import (
    parameter_influence_of_intervals,
    parameter_influence_of_steps,
    reformulate_steps,
)
from explaind.kernel.result import (
    build_one_step,
    build_parameter_influence,
    build_parts,
    build_reformulation,
)
from explaind.kernel.trajectory.adjoint import MomentumAdjoint
from explaind.kernel.trajectory.intervals import FORGOTTEN, interval_bounds, segment_of
from explaind.trees import Augmentation, Data, Forward, Inputs, LossFunction, Penalty, Targets, call

logger = logging.getLogger(__name__)


class PathKernel:
    """Outputs of a trained model as sums over samples, components, steps (mathematics, 1-4).

        h(x; theta_S) = h(x; theta_0) + sum_i influence_i(x) + regularisation(x) + residual(x)

    A recording that began with momentum has one part more, `carry`: that of gradients before it.

    Args:
        store: sealed history store made by `explaind.record`.
        model: the module that was trained, one around it, or the one inside. Its trained values,
            frozen parameters and buffers are taken from the store; the module is not changed. Its
            attribute `output_unit` is the unit of its outputs, "nat" of log-probabilities; without
            one they are pure numbers, "1".
        loss_fn: the training loss, `(model output, targets) -> per-sample losses`.
        train_data: `(x, y)` tensors or arrays, or `x` alone if it is its own target; a map-style
            dataset or the loader trained with, in the order of the recorded indices.
        penalty: explicit regulariser of the loop's loss, `(parameters by name) -> scalar`; its
            share is reported as regularisation (`decay`).
        augment: the augmentation that the recorder was given, if any.
        components: component name by parameter tensor, in place of the recorded ones.
        quadrature: the quadrature rule.
        dtype: floating type of all computation; by default that of the recorded parameters.
        device: where to compute.
        contraction: how adjoint and gradients are multiplied; by default in full precision.
        collate_fn: makes a batch of items of the dataset; by default the loader's, or torch's.
        forward: the function that the recorder was given, if any.
        config: if given, the stage configuration the store must have been made with.

    Attributes:
        history: the recorded path.
        data: the training samples.
        output_unit: unit of the model's outputs.

    Raises:
        StoreError: if the store cannot be used.
        UnsupportedError: if the loss is not separable, or random numbers were not recorded.
        RecordingError: if the recorded path does not follow from the loss and the data.
    """

    @torch.inference_mode(mode=False)
    def __init__(
        self,
        store: str | Path,
        model: nn.Module,
        loss_fn: LossFunction,
        train_data: Data,
        *,
        penalty: Penalty | None = None,
        augment: Augmentation | None = None,
        components: Mapping[str, str] | None = None,
        quadrature: Quadrature | None = None,
        dtype: torch.dtype | None = None,
        device: str | torch.device = "cpu",
        contraction: Contraction | None = None,
        collate_fn: Collate | None = None,
        forward: Forward = call,
        config: dict[str, Any] | None = None,
    ) -> None:
        history = History(Path(store).absolute(), dtype, device, config, components)
        collated = collate_fn, history.concatenated
        self.data = TrainingData(train_data, history.dtype, device, augment, *collated)
        model = unwrapped(model)
        setup = TrainingSetup(model, loss_fn, self.data.batch, penalty, forward)
        self.history = history.with_setup(setup)
        check_random(self.history, model, device)
        compare_values(self.history, model)
        check_samples(self.history, self.data)
        check_penalty(self.history, penalty)
        self._loss_fn, self.output_unit = loss_fn, str(getattr(model, "output_unit", "1"))
        self._regularisation = RegularisationMotion(self.history, penalty)
        constants, mode = self.history.constants(), self.history.training_modules
        self._losses = ModelFunction(model, constants, loss_fn, forward, mode)
        gradients = checked_gradients(self.history, self._losses, loss_fn, self.data)
        self._queries = MakeQueries(
            self.history,
            self.data,
            model,
            forward,
            quadrature or Quadrature(),
            gradients.fallback,
        )
        self._training = TrainingSide(gradients, self.data, contraction=contraction)
        check_first_step(self.history, self._training, self._regularisation)

    @torch.inference_mode(mode=False)
    @torch.no_grad()
    def explain(
        self,
        x: Inputs,
        targets: Targets = None,
        outputs: str | OutputFunction = "target_logprob",
        *,
        intervals: int = 1,
        credit: str = "gradient_step",
        keep: Collection[str] = DEFAULT_ARRAYS,
        top: int = 10,
        train_samples: Collection[int] | None = None,
        groups: Sequence[str | int] | None = None,
        segment: tuple[int, int] = (0, 1),
        block: int = SAMPLES_PER_PASS,
    ) -> xr.Dataset:
        """Explain outputs of the trained model at some inputs.

        Arguments and samples that cannot be explained raise a `ConfigError`, influence that does
        not add up to the motion of the parameters a `RecordingError`.

        Args:
            x: inputs to explain, sample first: tensors, arrays, trees of them; or a dataset or
                loader of `(x, y)`.
            targets: their targets; None if the functional needs none, or `x` has them.
            outputs: what to explain: a name (`functionals.NAMED`) or a callable
                `(model output, targets) -> [sample] or [sample, output]`.
            intervals: number of equal training intervals that influence is summed over.
            credit: interval that influence is credited to: that of the step at which the gradient
                was computed, or those at which momentum applied it.
            keep: array(s) to keep (`choices.OUTPUT_ARRAYS`) beside totals per query and step.
            top: most helpful and most harmful training samples kept with "top" and "top_component".
            train_samples: training samples that the influence arrays keep; by default all.
            groups: group label of every training sample (class, language, source). The influence
                arrays are then summed by group while they are accumulated, with a dimension `group`
                in place of `train`: memory `Q x groups`.
            segment: `(k, n)` explains only part k of n of the steps. The arrays of all parts add
                up (`accumulate_kernel`); residuals are worked out and checked there.
            block: samples per forward pass on the query side.

        Returns:
            The arrays of `kernel.result.ARRAYS`: influence (positive = pushed the output up),
            regularisation (`decay`), `carry`, residual, all in the unit of the explained output.
        """
        chosen = None if train_samples is None else tuple(train_samples)
        labels = None if groups is None else tuple(groups)
        names = frozenset([keep] if isinstance(keep, str) else keep)
        kept = OutputArrays(names, intervals, credit, top, chosen, labels)
        functional = find_functional(outputs, self._loss_fn, self.output_unit)
        queries = self._queries.of_functional(functional, x, targets, block)
        history = self.history
        part = segment_of(history, *segment, FORGOTTEN[history.dtype])
        bounds = interval_bounds(history.steps, intervals) if kept.splits_adjoint else None
        explanation = explain_steps(
            history,
            self._regularisation,
            self._training,
            queries,
            MomentumAdjoint(history, bounds, FORGOTTEN[history.dtype]),
            kept,
            part,
        )
        return explained_dataset(
            explanation, history, self._training, queries, functional, kept, part.whole
        )

    def scores(
        self,
        x: Inputs,
        targets: Targets,
        outputs: str | OutputFunction = "target_logprob",
        *,
        block: int = SAMPLES_PER_PASS,
    ) -> Float[np.ndarray, "test train"]:
        """Influence of all training samples on one output of some inputs (`kernel.attributor`).

        Args:
            x: inputs to explain, sample first.
            targets: their targets.
            outputs: what to explain, as in `explain`; one number per sample.
            block: samples per forward pass on the query side.

        Returns:
            The influence, positive = pushed the output up, in the unit of the output.

        Raises:
            ConfigError: for a functional of several outputs.
        """
        influence = self.explain(x, targets, outputs, keep=("influence",), block=block)["influence"]
        if influence.sizes["output"] != 1:
            raise ConfigError(
                f"outputs: expected one explained output per sample, got"
                f" {influence.sizes['output']}. Use `explain` for several."
            )
        scores: np.ndarray = influence.values[:, 0]
        return scores

    @torch.inference_mode(mode=False)
    @torch.no_grad()
    def reformulate(
        self,
        x: Inputs,
        targets: Targets,
        outputs: str | OutputFunction = "all",
        *,
        block: int = SAMPLES_PER_PASS,
    ) -> xr.Dataset:
        """Rebuild outputs of the trained model; credits no single samples (mathematics, 5).

        Args:
            x: inputs, sample first.
            targets: their targets.
            outputs: what to rebuild, as in `explain`.
            block: samples per forward pass.

        Returns:
            `initial`, `data`, `decay`, `carry`, `residual`, `true` and `reformulated` (initial +
            parts), `[test, class]`; per step the mean absolute change, parts, residual, `[step]`.
        """
        functional = find_functional(outputs, self._loss_fn, self.output_unit)
        queries = self._queries.along_steps(functional, x, targets, block)
        arrays = reformulate_steps(self.history, self._regularisation, queries)
        return build_reformulation(arrays, functional.unit)

    @torch.inference_mode(mode=False)
    @torch.no_grad()
    def parameter_influence(
        self,
        x: Inputs,
        targets: Targets,
        outputs: str | OutputFunction = "all",
        *,
        block: int = SAMPLES_PER_PASS,
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
        """
        functional = find_functional(outputs, self._loss_fn, self.output_unit)
        queries = self._queries.of_functional(functional, x, targets, block)
        arrays = parameter_influence_of_steps(self.history, self._regularisation, queries)
        return build_parameter_influence(arrays, functional.unit)

    @torch.inference_mode(mode=False)
    @torch.no_grad()
    def parameter_influence_by_interval(
        self,
        x: Inputs,
        targets: Targets,
        outputs: str | OutputFunction = "target_logprob",
        *,
        intervals: int = 1,
        parts: Sequence[str] = ("data",),
        block: int = SAMPLES_PER_PASS,
    ) -> Iterator[tuple[int, Float[Tensor, "part test output param"]]]:
        """Influence of all data through every single parameter, interval by interval.

        Args:
            x: inputs, sample first.
            targets: their targets.
            outputs: what to explain, as in `explain`.
            intervals: number of equal training intervals.
            parts: what is added up: `data`, and `decay` (what regularisation did) likewise.
            block: samples per forward pass, whose gradients are in memory.

        Yields:
            The number of an interval, the last one first, and what its steps did (application step,
            positive = pushed the output up); overwritten when the next one is asked for.
        """
        functional = find_functional(outputs, self._loss_fn, self.output_unit)
        yield from parameter_influence_of_intervals(
            self.history,
            self._regularisation,
            self._queries.of_functional(functional, x, targets, block),
            interval_bounds(self.history.steps, intervals),
            parts,
        )

    @torch.inference_mode(mode=False)
    @torch.no_grad()
    def explain_step(
        self,
        x: Inputs,
        targets: Targets,
        step: int,
        outputs: str | OutputFunction = "target_logprob",
        *,
        credit: str = "gradient_step",
        block: int = SAMPLES_PER_PASS,
    ) -> xr.DataArray:
        """Influence of every training sample in one step (`kernel.one_step`).

        Args:
            x: inputs, sample first.
            targets: their targets.
            step: the step.
            outputs: what to explain, as in `explain`.
            credit: what of that step, one of `choices.STEP_CREDITS` (`kernel.one_step`).
            block: samples per forward pass.

        Returns:
            `[component, test, output, train]`, positive = pushed the output up, in the unit of the
            output; those of all steps add up to `influence_by_component`. What gradients before the
            recording did in the step is `step_carry_by_component` of `explain`.
        """
        functional = find_functional(outputs, self._loss_fn, self.output_unit)
        queries = self._queries.of_functional(functional, x, targets, block)
        sides = self.history, self._regularisation, self._training, queries
        influence = explain_one_step(*sides, step, credit)
        return build_one_step(influence, credit, self.history.layout.components, functional.unit)

    @torch.inference_mode(mode=False)
    @torch.no_grad()
    def explain_parts(
        self,
        x: Inputs,
        targets: Targets,
        part_losses: LossFunction,
        train_samples: Collection[int],
        outputs: str | OutputFunction = "target_logprob",
        *,
        block: int = SAMPLES_PER_PASS,
    ) -> xr.Dataset:
        """Influence of the parts of some training samples, of tokens say (mathematics, 10).

        Args:
            x: inputs, sample first.
            targets: their targets.
            part_losses: what the training loss is the sum of, with all weights:
                `(model output, targets) -> [batch, part]`. It is compared with the loss.
            train_samples: the training samples.
            outputs: what to explain, as in `explain`.
            block: samples per forward pass on the query side.

        Returns:
            `influence_by_part`, `[test, output, train, part]`, positive = pushed the output up, in
            the unit of the output. Its sum over the parts is the influence of the sample.
        """
        functional = find_functional(outputs, self._loss_fn, self.output_unit)
        queries = self._queries.of_functional(functional, x, targets, block)
        axis = SampleSelection(self._training.samples, tuple(train_samples))
        parts = PartLosses(self.history, self.data, self._losses, part_losses)
        sides = self.history, self._regularisation, queries
        values = explain_parts(*sides, parts, axis).cpu().numpy()
        return build_parts({"influence_by_part": values, **axis.arrays()}, functional.unit)
