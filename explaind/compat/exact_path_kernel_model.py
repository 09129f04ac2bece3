"""The outputs of a model rebuilt from its path kernel, with the results of the published class."""

import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from explaind.compat.data_path import DataPath, LoggedSamples
from explaind.compat.log import check_options
from explaind.compat.losses import TrainingLoss
from explaind.compat.model_path import ModelPath
from explaind.compat.optimizer_paths import AdamWOptimizerPath, SGDOptimizerPath
from explaind.compat.recorded import record_logs
from explaind.errors import ConfigError
from explaind.kernel.path_kernel import PathKernel
from explaind.kernel.query.quadrature import Quadrature

UNNEEDED = (
    "train_set_size",
    "features_to_cpu",
    "early_integral_eps",
    "early_steps",
    "inference_batch_size",
    "grad_scaling",
)

ByTensor = dict[str, Tensor]
Prediction = tuple[Tensor, Tensor, ByTensor | None, Tensor | None, dict[str, Any]]


class ExactPathKernelModel:
    """Explains every output of a model whose training was logged (mathematics, 1-5).

        f(x; theta_S) = f(x; theta_0) + sum_tensors sum_i kernel + regularisation + residual

    Args:
        model: parameters of every step.
        optimizer: options of every step.
        loss_fn: the loss trained with, see `losses.TrainingLoss`. One that does not fit the logged
            steps is refused (`RecordingError`).
        data_path: batches of every step.
        integral_eps: `1 / integral_eps` midpoints in every step, the published rule; None = the
            rule of `PathKernel`, which is more exact and faster.
        evaluate_predictions: return what is compared with the true outputs of every step.
        keep_param_wise_kernel: return the influence through every single parameter.
        param_wise_kernel_keep_out_dims: with its sign for every output; otherwise absolute values
            of each step, summed over outputs.
        store: folder of the history store to make of the logs, for `explaind.PathKernel`; by
            default a temporary one.
        device: where to compute; by default where the model is.
        options: further options of the published class, which change nothing here.

    Attributes:
        kernel: the path kernel, for whatever else it explains.

    Raises:
        ConfigError: for an interval of snapshots, which are not kept here.
    """

    def __init__(
        self,
        model: ModelPath,
        optimizer: AdamWOptimizerPath | SGDOptimizerPath,
        loss_fn: nn.Module,
        data_path: DataPath,
        integral_eps: float | None = None,
        evaluate_predictions: bool = True,
        keep_param_wise_kernel: bool = False,
        param_wise_kernel_keep_out_dims: bool = False,
        store: str | Path | None = None,
        device: str | torch.device | None = None,
        **options: object,
    ) -> None:
        if "kernel_store_interval" in options:
            raise ConfigError(
                "kernel_store_interval: snapshots are not kept; expected no interval. For influence"
                " by training interval call .kernel.explain(x, outputs='all', intervals=...)."
            )
        check_options("ExactPathKernelModel", options, UNNEEDED)
        if store is None:
            folder = tempfile.mkdtemp()
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            store = Path(folder) / "history.zarr"
        loss, samples = TrainingLoss.of(loss_fn), LoggedSamples(data_path)
        record_logs(Path(store), model, optimizer, data_path, loss)
        self.kernel = PathKernel(
            store,
            model.model,
            loss.per_sample,
            samples,
            penalty=loss.penalty,
            augment=samples.as_seen if samples.augmented else None,
            components={name: name for name, _ in model.model.named_parameters()},
            quadrature=_quadrature(integral_eps),
            device=device or next(model.parameters()).device,
        )
        self._evaluates = evaluate_predictions
        self._by_parameter = keep_param_wise_kernel
        self._signed = param_wise_kernel_keep_out_dims

    def predict(
        self,
        X_test: Tensor,  # noqa: N803 (published names)
        y_test: Tensor | None = None,
        is_train: bool = False,
        keep_kernel_matrices: bool = False,
    ) -> Prediction:
        """Rebuild the outputs at some inputs.

        Args:
            X_test: inputs, sample first.
            y_test: no effect: every output is explained.
            is_train: no effect: training samples are explained like any others.
            keep_kernel_matrices: return the influence of every training sample.

        Returns:
            Rebuilt and initial output, `[test, output]`; the kernel by tensor,
            `[test, 1, output, train]`, with rates and weights in it (summed over tensors and
            training samples it is the part of the data); the part of regularisation,
            `[test, output]`; and the evaluation by name.
        """
        keep = ("component",) if keep_kernel_matrices else ()
        explained = self.kernel.explain(X_test, None, "all", keep=keep)
        history = self.kernel.history
        rebuilt = explained.initial_output + explained.data + explained.decay
        matrices, decay = None, None
        if keep_kernel_matrices:
            by_tensor = explained.influence_by_component
            matrices = {
                str(name): self._tensor(by_tensor.sel(component=name).values[:, None])
                for name in by_tensor.component.values
            }
            decay = self._tensor(explained.decay.values)
        evaluation: dict[str, Any] = (
            _evaluation(explained, history.dtype) if self._evaluates else {}
        )
        if self._by_parameter:
            evaluation["param_kernel"] = self._parameter_kernel(X_test)
        outputs = self._tensor(rebuilt.values), self._tensor(explained.initial_output.values)
        return *outputs, matrices, decay, evaluation

    def _parameter_kernel(self, x: Tensor) -> ByTensor:
        """Part of the data through every parameter, by tensor."""
        influence = self.kernel.parameter_influence(x, None)
        values = influence.net if self._signed else influence.absolute.sum("output")
        parts = {
            slot.name: values.isel(param=slice(slot.start, slot.stop)).values
            for slot in self.kernel.history.layout.slots
        }
        return {
            name: self._tensor(part[:, :, None] if self._signed else part)
            for name, part in parts.items()
        }

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(values).to(self.kernel.history.device, self.kernel.history.dtype)


def _quadrature(eps: float | None) -> Quadrature | None:
    """Return the published rule; None without a number.

    Args:
        eps: one over the number of midpoints.

    Returns:
        The rule.

    Raises:
        ConfigError: for a number that is no share of a step.
    """
    if eps is None:
        return None
    if not 0 < eps <= 1:
        raise ConfigError(f"integral_eps: expected a number in (0, 1], got {eps}.")
    return Quadrature("midpoint", subintervals=int(1 / eps), tolerance=None)


def _evaluation(explained: xr.Dataset, dtype: torch.dtype) -> dict[str, list[Any]]:
    """What the published class compares in every step, one entry for each."""
    true, data, decay = (explained[f"step_{part}"].values for part in ("true", "data", "decay"))
    outputs = {
        "ground_truth_step": true,
        "predicted_step": data + decay,
        "regularization_term": decay,
    }
    residual = np.abs(true - data - decay)
    drift = np.abs((true - data - decay).cumsum(0))
    numbers = {
        "step_l1_norm": np.abs(data).sum((1, 2)),
        "step_l2_norm": np.sqrt(np.square(data).sum((1, 2))),
        "regularization_term_l1_norm": np.abs(decay).sum((1, 2)),
        "regularization_term_l2_norm": np.sqrt(np.square(decay).sum((1, 2))),
        "predictions_mean_delta": drift.mean((1, 2)),
        "predictions_max_delta": drift.max((1, 2)),
        "step_mean_delta": residual.mean((1, 2)),
        "step_max_delta": residual.max((1, 2)),
    }
    tensors = {name: list(torch.from_numpy(value).to(dtype)) for name, value in outputs.items()}
    return tensors | {name: value.tolist() for name, value in numbers.items()}
