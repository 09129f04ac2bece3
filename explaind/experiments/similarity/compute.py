"""Gram matrices of parameter-wise influence, added up while the history is walked through."""

import logging
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float
from torch import Tensor

from explaind.data.load import LoadedDataset
from explaind.errors import ConfigError, PlanError
from explaind.experiments.job import Job
from explaind.experiments.similarity.cosines import FUNCTIONALS
from explaind.experiments.similarity.settings import SimilaritySettings
from explaind.experiments.similarity.sizes import interval_count, needed_bytes, stored_bytes
from explaind.history.layout import ParameterLayout
from explaind.kernel.functionals import target_logprob
from explaind.kernel.trajectory.intervals import interval_bounds
from explaind.plan.machine import GIGABYTE, free_bytes, peak_bytes

logger = logging.getLogger(__name__)

UNIT = "unit of the functional"
SQUARED = f"{UNIT}, squared"

ARRAYS = {
    "gram": (("functional", "tensor", "sample", "other"), SQUARED, "inner products, whole run"),
    "gram_by_interval": (
        ("interval", "functional", "tensor", "sample", "other"),
        SQUARED,
        "inner products of what each interval did",
    ),
    "data": (("functional", "sample"), UNIT, "sum over the parameters: the data part"),
    "training": (("sample",), "1", "1 = of the training split, 0 = of the validation split"),
    "index": (("sample",), "1", "row of its split"),
    "target": (("sample",), "1", "target class"),
    "interval_start": (("interval",), "step", "first step of the interval"),
    "interval_stop": (("interval",), "step", "one past the last step of the interval"),
}
"""Name -> (dimensions, unit, description) of every array of the store."""


@dataclass(frozen=True)
class Chosen:
    """The samples that are compared, validation samples first.

    Attributes:
        x: inputs.
        y: targets.
        training: whether each is a training sample.
        index: row of its split.
    """

    x: Tensor
    y: Tensor
    training: np.ndarray
    index: np.ndarray


def compute(job: Job[SimilaritySettings]) -> xr.Dataset:
    """Compare samples by their parameter-wise influence.

    The vector of a sample is `U_I(x) = sum_{s in I} abar_s(x) * (data part of Delta_s)`, one number
    for each parameter (mathematics, section 5), for each of `FUNCTIONALS`. Never more than those of
    one interval and their sum are in memory; the store has only inner products between samples.

    Args:
        job: the experiment.

    Returns:
        The arrays of `ARRAYS`; the attribute `tensors` maps ranges of parameters to tensors, in the
        order of the dimension `tensor`.
    """
    settings, kernel = job.settings, job.kernel
    chosen, layout = choose_samples(job.data, settings, job.name), kernel.history.layout
    device = torch.device(kernel.history.device)
    steps, tensors = kernel.history.steps, len(layout.slots)
    itemsize = kernel.history.dtype.itemsize
    needed = needed_bytes(settings, steps, tensors, layout.size, itemsize)
    stored = stored_bytes(settings, steps, tensors)
    logger.info("needs %.2f GB, and %.2f GB on disk", needed / GIGABYTE, stored / GIGABYTE)
    check_memory(needed, free_bytes(device), job.name)
    intervals = interval_count(settings, steps)
    bounds = interval_bounds(steps, intervals)
    whole: Tensor | None = None
    by_interval: list[np.ndarray] = []
    for _, (sums,) in kernel.parameter_influence_by_interval(
        chosen.x,
        chosen.y,
        output_sum_and_target,
        intervals=intervals,
        block=settings.block,
    ):
        by_interval.insert(0, gram_matrices(sums, layout))  # the last interval comes first
        whole = sums.clone() if whole is None else whole.add_(sums)
    assert whole is not None  # a run has at least one step
    logger.info("peak memory %.2f GB", peak_bytes(device) / GIGABYTE)
    return _described(
        {
            "gram": gram_matrices(whole, layout),
            "gram_by_interval": np.stack(by_interval),
            "data": whole.double().sum(-1).T.cpu().numpy(),
            "training": chosen.training.astype(np.uint8),
            "index": chosen.index,
            "target": chosen.y.numpy(),
            "interval_start": bounds[:-1],
            "interval_stop": bounds[1:],
        },
        layout,
        kernel.output_unit,
    )


def output_sum_and_target(output: Tensor, target: Tensor) -> Float[Tensor, "sample functional"]:
    """Return the explained outputs, in the order of `FUNCTIONALS`."""
    return torch.stack([output.flatten(1).sum(1), target_logprob(output, target)], 1)


def choose_samples(data: LoadedDataset, settings: SimilaritySettings, experiment: str) -> Chosen:
    """Choose the first samples of both splits; the splits are in random order.

    Args:
        data: the dataset.
        settings: how many.
        experiment: name of the experiment, for the message.

    Returns:
        The samples.

    Raises:
        ConfigError: if a split has fewer.
    """
    sizes = {"samples": len(data.y_validation), "train_samples": len(data.y_train)}
    for key, size in sizes.items():
        if getattr(settings, key) > size:
            raise ConfigError(
                f"experiments.{experiment}.{key}: expected at most {size}, the size of the split,"
                f" got {getattr(settings, key)}; lower it"
            )
    validation, train = settings.samples, settings.train_samples
    return Chosen(
        x=torch.cat([data.x_validation[:validation], data.x_train[:train]]),
        y=torch.cat([data.y_validation[:validation], data.y_train[:train]]),
        training=np.repeat([False, True], [validation, train]),
        index=np.concatenate([np.arange(validation), np.arange(train)]),
    )


def check_memory(needed: int, free: int, experiment: str) -> None:
    """Refuse work that does not fit, before it begins.

    Args:
        needed: bytes needed.
        free: bytes free.
        experiment: name of the experiment, for the message.

    Raises:
        PlanError: if it does not fit.
    """
    if needed > free:
        raise PlanError(
            f"experiments.{experiment}: expected to need at most {free / GIGABYTE:.2f} GB, which"
            f" are free, got {needed / GIGABYTE:.2f} GB; lower samples, train_samples or block"
        )


def gram_matrices(
    sums: Float[Tensor, "sample functional param"], layout: ParameterLayout
) -> Float[np.ndarray, "functional tensor sample sample"]:
    """Return the inner products between all samples over each parameter tensor.

    Args:
        sums: the vectors of the samples.
        layout: the parameter tensors.

    Returns:
        The inner products, float32.
    """
    shape = (sums.shape[1], len(layout.slots), len(sums), len(sums))
    products = np.empty(shape, dtype=np.float32)
    for functional, vectors in enumerate(sums.unbind(1)):
        for number, slot in enumerate(layout.slots):
            part = vectors[:, slot.start : slot.stop]
            products[functional, number] = (part @ part.T).cpu().numpy()
    return products


def _described(arrays: dict[str, np.ndarray], layout: ParameterLayout, unit: str) -> xr.Dataset:
    """The dataset of the store; a sum of outputs has the unit of the outputs."""
    variables = {}
    for name, values in arrays.items():
        dims, units, description = ARRAYS[name]
        variables[name] = (dims, values, {"units": units, "description": description})
    return xr.Dataset(
        variables,
        coords={"functional": list(FUNCTIONALS), "tensor": [slot.name for slot in layout.slots]},
        attrs={
            "tensors": layout.to_json(),
            "functional_units": dict(zip(FUNCTIONALS, (unit, "nat"), strict=True)),
        },
    )
