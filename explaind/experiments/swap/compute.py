"""The network at every stage of its training, with components of the trained one."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float, Int
from torch import Tensor
from torch.func import functional_call

from explaind.experiments.component_sets import set_name
from explaind.experiments.job import Job
from explaind.experiments.pruning.metrics import output_metrics
from explaind.experiments.swap.settings import SwapSettings
from explaind.log import progress
from explaind.training.metrics import BLOCK, SPLITS

MEASURES = {
    "accuracy": ("1", "fraction of the samples whose class is predicted"),
    "agreement": ("1", "fraction of those with the same predicted class as by the trained network"),
    "kl": ("nat", "KL(trained network || this network), mean over the samples"),
}
"""Unit and meaning of what is measured of every network."""


def compute(job: Job[SwapSettings]) -> xr.Dataset:
    """Replace every set of components in every checkpoint, and test the networks that result.

    Args:
        job: the experiment.

    Returns:
        The arrays `MEASURES` `[split, swapped, checkpoint]`, `taken` `[swapped, component]` and
        `step` `[checkpoint]`; of the validation split `confusion` `[moment, swapped, true,
        predicted]` and `confusion_step` `[moment]`.
    """
    settings, history = job.settings, job.kernel.history
    components = history.layout.components
    sets = swapped_sets(components, settings.sets)
    points = [*range(0, history.steps, settings.every), history.steps]
    moments = [round(moment * history.steps) for moment in settings.confusion]
    hybrids = Hybrids(job, sets)
    measured = np.stack([hybrids.measured(point) for point in progress(points, "swap")], axis=-1)
    confusion = np.stack([hybrids.confusion(point) for point in moments])
    taken = np.array([[name in chosen for name in components] for chosen in sets])
    arrays = {
        name: _array(("split", "swapped", "checkpoint"), values, *MEASURES[name])
        for name, values in zip(MEASURES, measured, strict=True)
    }
    return xr.Dataset(
        {
            **arrays,
            "taken": _array(("swapped", "component"), taken, "1", "taken from the trained network"),
            "step": _array(("checkpoint",), np.array(points), "1", "step of the checkpoint"),
            "confusion": _array(
                ("moment", "swapped", "true", "predicted"),
                confusion,
                "1",
                "validation samples by true and predicted class",
            ),
            "confusion_step": _array(("moment",), np.array(moments), "1", "step of the checkpoint"),
        },
        coords={
            "split": list(SPLITS),
            "swapped": [set_name(chosen, components) for chosen in sets],
            "component": list(components),
        },
    )


def swapped_sets(
    components: Sequence[str], listed: Sequence[Sequence[str]]
) -> list[tuple[str, ...]]:
    """List the sets of components that are swapped in.

    Args:
        components: all components of the network.
        listed: sets asked for.

    Returns:
        No component, the sets asked for, every single component, and all but each; each set once.
    """
    singles = [(name,) for name in components]
    complements = [tuple(n for n in components if n != name) for name in components]
    unique: dict[frozenset[str], tuple[str, ...]] = {}
    for chosen in ((), *listed, *singles, *complements):
        unique.setdefault(frozenset(chosen), tuple(chosen))
    return list(unique.values())


class Hybrids:
    """Networks of a run with some components as they were at a step, the others as at its end.

    Args:
        job: the experiment; a name that is not that of a component is a `ConfigError`.
        sets: the components that are taken from the end, one network for each set.
    """

    def __init__(self, job: Job[SwapSettings], sets: Sequence[Sequence[str]]) -> None:
        self._history, self._model = job.kernel.history, job.trained_model()
        self._final, layout = self._theta(self._history.steps), self._history.layout
        device = self._final.device
        self._masks = [layout.mask(chosen).to(device) for chosen in sets]
        data = job.data.to(device)
        self._splits = ((data.x_train, data.y_train), (data.x_validation, data.y_validation))
        self._references = [self._outputs(self._final, x) for x, _ in self._splits]
        self._classes = job.data.classes

    def measured(self, step: int) -> Float[np.ndarray, "measure split swapped"]:
        """Return the `MEASURES` of the networks with what is not swapped in as at a step."""
        numbers = [
            [
                list(output_metrics(self._outputs(theta, x), reference, y).values())
                for theta in self._parameters(step)
            ]
            for (x, y), reference in zip(self._splits, self._references, strict=True)
        ]
        return np.moveaxis(np.array(numbers), -1, 0)

    def confusion(self, step: int) -> Int[np.ndarray, "swapped true predicted"]:
        """Return the numbers of validation samples by true and predicted class."""
        (x, y), classes = self._splits[SPLITS.index("validation")], self._classes
        counts = [
            torch.bincount(classes * y + self._outputs(theta, x).argmax(1), minlength=classes**2)
            for theta in self._parameters(step)
        ]
        return torch.stack(counts).view(-1, classes, classes).int().cpu().numpy()

    def _parameters(self, step: int) -> Iterator[Float[Tensor, " param"]]:
        theta = self._theta(step)
        for mask in self._masks:
            yield torch.where(mask, self._final, theta)

    def _theta(self, step: int) -> Float[Tensor, " param"]:
        return self._history.theta(step).to(self._history.stored_dtype)  # as they were trained

    @torch.no_grad()
    def _outputs(self, theta: Float[Tensor, " param"], x: Tensor) -> Float[Tensor, "sample class"]:
        tensors = self._history.layout.unflatten(theta)
        blocks = torch.split(x, BLOCK)
        return torch.cat([functional_call(self._model, tensors, (rows,)) for rows in blocks])


def _array(
    dims: tuple[str, ...], values: np.ndarray, units: str, description: str
) -> tuple[tuple[str, ...], np.ndarray, dict[str, str]]:
    return dims, values, {"units": units, "description": description}
