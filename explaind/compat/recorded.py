"""A history store made of the three logs of the published wrappers."""

import copy
import itertools
import math
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from torch import Tensor, nn

from explaind.compat.data_path import DataPath, LoggedSamples
from explaind.compat.losses import TrainingLoss
from explaind.compat.model_path import ModelPath
from explaind.compat.optimizer_paths import AdamWOptimizerPath, SGDOptimizerPath
from explaind.errors import RecordingError
from explaind.history.recording.recorder import record
from explaind.history.wrappers import computed_tensors

STEP_TOLERANCE = 0.1
"""Largest difference between a step taken again and the logged one, relative to the step; rounding
of small gradients makes steps of Adam differ."""

ROUNDING = 1e-6
"""What parameters may differ by beside, relative to themselves."""

LOGGED_OPTIONS = ("lr", "weight_decay")
"""Options of the optimizer that are logged; the published AdamW logs them only if told to."""


def record_logs(
    store: Path,
    model: ModelPath,
    optimizer: AdamWOptimizerPath | SGDOptimizerPath,
    data: DataPath,
    loss: TrainingLoss,
) -> None:
    """Take every logged step again, from the logged parameters, and record it as logged.

    The steps themselves are taken for what no log holds (momentum, moments, weights of samples),
    and to see that the logs are those of this loss and this optimizer.

    Args:
        store: folder of the history store to create.
        model: parameters by step.
        optimizer: options by step.
        data: batches by step.
        loss: the loss trained with.

    Raises:
        RecordingError: if the logs do not fit each other, or a step comes out otherwise.
    """
    steps = len(data.checkpoints)
    lengths = {"model": len(model.checkpoints), "optimizer": len(optimizer.checkpoints)}
    if set(lengths.values()) != {steps + 1}:
        raise RecordingError(
            f"Expected {steps + 1} entries of model and optimizer for {steps} batches, got"
            f" {lengths}. Call log_checkpoint() of both once after every step, and"
            " get_batch(batch, log=False) where no step follows."
        )
    network = copy.deepcopy(model.model, computed_tensors(model.model))
    network.load_state_dict(model.checkpoints[0])
    device = next(network.parameters()).device
    again, samples = optimizer.rebuilt(network), LoggedSamples(data)
    handle = again.register_step_post_hook(_end_as_logged(network, model))  # before the recorder
    augment = samples.as_seen if samples.augmented else None
    with record(
        network, again, loss.per_sample, store, augment=augment, penalty=loss.penalty
    ) as recorder:
        for logged, options in zip(data.checkpoints, optimizer.checkpoints[1:], strict=True):
            for group in again.param_groups:
                group.update({name: options[name] for name in LOGGED_OPTIONS if name in options})
            index = logged["indices"]
            x = torch.stack([samples.first(i) for i in index.tolist()])
            batch = recorder.step_of(index, x.to(device), logged["y"].to(device))
            again.zero_grad()
            objective = loss.total(network(batch.x), batch.y)
            if loss.penalty is not None:
                objective = objective + loss.penalty(dict(network.named_parameters()))
            objective.backward()  # type: ignore[no-untyped-call]
            again.step()
    handle.remove()


def _end_as_logged(network: nn.Module, model: ModelPath) -> Callable[..., None]:
    """Return a hook that ends each step at the logged parameters.

    Args:
        network: the module that takes the steps.
        model: the logged parameters.

    Returns:
        The hook; it refuses a step that came out otherwise.
    """
    steps = itertools.count()

    @torch.no_grad()
    def replace(*_: object) -> None:
        step = next(steps)
        before, after = model.checkpoints[step], model.checkpoints[step + 1]
        values = {name: value.detach().cpu() for name, value in network.named_parameters()}
        size = _norm(after[name] - before[name] for name in values)
        error = _norm(values[name] - after[name] for name in values)
        if not error <= STEP_TOLERANCE * size + ROUNDING * _norm(after[name] for name in values):
            raise RecordingError(
                f"Step {step} taken again ends elsewhere than the logged one (difference"
                f" {error:.2e}, length of the step {size:.2e}). Give the loss and the options"
                " trained with, log before a scheduler steps, and do not clip gradients; for any"
                " other loop, record with explaind.record."
            )
        network.load_state_dict(after)

    return replace


def _norm(tensors: Iterable[Tensor]) -> float:
    """L2 norm of all tensors together."""
    return math.sqrt(sum(float(tensor.double().square().sum()) for tensor in tensors))
