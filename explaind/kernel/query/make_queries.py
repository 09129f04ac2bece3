"""Queries of a recorded run: samples and what is explained of them, after their self-checks."""

import logging
from functools import partial
from typing import Any

from torch import nn

from explaind.errors import ConfigError
from explaind.history.replay.history import History
from explaind.kernel.checks.gradients import (
    check_capture,
    check_explained,
    check_functional,
    naming_samples,
)
from explaind.kernel.class_scores import check_all_classes
from explaind.kernel.contraction.training_data import TrainingData
from explaind.kernel.functionals import (
    Functional,
    ModelFunction,
    OutputFunction,
    whole_output,
)
from explaind.kernel.gradients.fallback import Fallback
from explaind.kernel.gradients.per_sample import PerSampleGradients
from explaind.kernel.gradients.stacked import stacked_passes
from explaind.kernel.query.applicable import along_parts
from explaind.kernel.query.derivative import Derivative, FullGradient
from explaind.kernel.query.kinks import find_ops, quadrature_for
from explaind.kernel.query.quadrature import Quadrature
from explaind.kernel.query.queries import Queries
from explaind.kernel.query.stacked_steps import NODES, StackedSteps
from explaind.kernel.query.whole_tables import with_whole_tables
from explaind.kernel.samples import check_like_training, given_samples
from explaind.trees import Forward, Inputs, Targets, batch_size, collated, leaves, rows_of

logger = logging.getLogger(__name__)


class MakeQueries:
    """Makes the queries of a run.

    Args:
        history: the recorded path.
        data: the training samples, which those to explain must be like.
        model: the module that was trained.
        forward: calls it.
        quadrature: the rule, perhaps `auto`.
        known: the fallback that the loss takes, which the log has named.
    """

    def __init__(
        self,
        history: History,
        data: TrainingData,
        model: nn.Module,
        forward: Forward,
        quadrature: Quadrature,
        known: Fallback,
    ) -> None:
        self._history, self._data, self._quadrature = history, data, quadrature
        self._model, self._forward = model, with_whole_tables(forward)
        # a model that was trained at random is explained without chance
        self._mode = None if history.training_modules is None else ()
        self._constants, self._known = history.constants(), known
        self._params = history.layout.unflatten(history.initial)
        self._fallbacks: list[tuple[Any, Fallback]] = []  # by kind of output and sample

    def of_functional(
        self, functional: Functional, x: Inputs, targets: Targets, block: int
    ) -> Queries:
        """Return queries that average full gradients.

        What cannot be explained is a `ConfigError` or an `UnsupportedError`.

        Args:
            functional: what is explained.
            x: inputs, as a user gives them (`kernel.samples`).
            targets: their targets.
            block: samples per forward pass.

        Returns:
            The queries.
        """
        function, x, y = self._checked(functional, x, targets, block)
        gradients = PerSampleGradients(function, self._history.layout)
        with naming_samples((x, y)):
            check_functional(function, self._params, *_few(x, y))
        # found out once: it may take as long as some steps
        sample = leaves(collated(rows_of((x, y), 0, 1)))
        kind = functional, [(leaf.shape[1:], leaf.dtype) for leaf in sample]
        fallback = next((found for of, found in self._fallbacks if of == kind), None)
        if fallback is None:
            fallback = check_capture(gradients, self._history.initial, *_few(x, y))
            if fallback.names and fallback != self._known:
                logger.info("explained outputs: %s", fallback)
            self._fallbacks.append((kind, fallback))
        queries = self._full(gradients.with_fallback(fallback), x, y, block)
        check_explained(queries.values(self._history.initial), functional.name)
        return queries

    def along_steps(
        self, functional: Functional, x: Inputs, targets: Targets, block: int
    ) -> Queries:
        """Return queries that average derivatives along the parts of the step.

        What cannot be rebuilt is a `ConfigError`.

        Args:
            functional: what is rebuilt.
            x: inputs, as a user gives them.
            targets: their targets.
            block: samples per forward pass.

        Returns:
            The queries.
        """
        function, x, y = self._checked(functional, x, targets, block)
        layout, theta = self._history.layout, self._history.initial
        with naming_samples((x, y)):
            along = along_parts(function, layout, theta, *_few(x, y))
        quadrature, sample_first = self._integrated(along, x, y)
        return Queries(along, quadrature, x, y, block, sample_first)

    def _checked(
        self, functional: Functional, x: Inputs, targets: Targets, block: int
    ) -> tuple[ModelFunction, Inputs, Targets]:
        """The functional as a function of the parameters, and samples that it can be taken of."""
        if block < 1:
            raise ConfigError(f"block: expected at least 1 sample per forward pass, got {block}.")
        x, y = self._given(x, targets, like_training=functional.forward is None)
        if functional.of_classes:
            forward = partial(self._function(whole_output), self._params)
            with naming_samples((x, y)):
                check_all_classes(forward, x, y, block)
        return self._function(functional.function, functional.forward), x, y

    def _given(self, x: Inputs, targets: Targets, *, like_training: bool) -> tuple[Inputs, Targets]:
        """Samples to explain as tensors, where they are needed."""
        data = self._data
        concatenated = data.concatenated and like_training
        x, y = given_samples(x, targets, data.collate, concatenated)
        if like_training:
            check_like_training(x, data.batch(self._history.batch(0)[:1], 0)[0])
        return data.convert(x), data.convert(y)

    def _full(self, gradients: PerSampleGradients, x: Inputs, y: Targets, block: int) -> Queries:
        """Queries that average full gradients, at several steps at once where that pays."""
        derivative, samples = FullGradient(gradients), batch_size(x)
        quadrature, sample_first = self._integrated(derivative, x, y)
        stacked, nodes = None, quadrature.counts()[0] * len(quadrature.unit_nodes())
        if sample_first and samples <= block and nodes <= NODES:
            theta, secant = self._history.initial, quadrature.rule == "secant"
            passes = stacked_passes(gradients, theta, x, y, recording=secant)
            if passes is not None:
                stacked = StackedSteps(passes, gradients.layout, quadrature, x, y)
        return Queries(derivative, quadrature, x, y, block, sample_first, stacked)

    def _integrated(self, derivative: Derivative, x: Inputs, y: Targets) -> tuple[Quadrature, bool]:
        """The quadrature, decided by the ops of the model, and whether they are sample first."""
        ops = find_ops(derivative.function, self._params, x, y)
        return quadrature_for(ops, self._quadrature), ops.sample_first

    def _function(self, function: OutputFunction, forward: Forward | None = None) -> ModelFunction:
        called = self._forward if forward is None else with_whole_tables(forward)
        return ModelFunction(self._model, self._constants, function, called, self._mode)


def _few(x: Inputs, y: Targets) -> tuple[Inputs, Targets]:
    """A few samples for the self-checks."""
    return rows_of(x, 0, 3), rows_of(y, 0, 3)
