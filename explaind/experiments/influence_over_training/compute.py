"""Training data against regularisation: what each did through the parameters of a component."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from explaind.errors import ConfigError
from explaind.experiments.influence_over_training.settings import InfluenceOverTrainingSettings
from explaind.experiments.job import Job
from explaind.experiments.similarity.compute import output_sum_and_target
from explaind.experiments.similarity.cosines import FUNCTIONALS
from explaind.kernel.trajectory.intervals import interval_bounds
from explaind.report.tables.classes import ALL_COMPONENTS

PARTS = ("data", "decay")
"""What moves the parameters of a run, which never begins with momentum."""

Ranges = Mapping[str, Sequence[tuple[int, int]]]
"""Where the parameters of each component lie."""


def compute(job: Job[InfluenceOverTrainingSettings]) -> pd.DataFrame:
    """Measure data and regularisation part of every component in every interval.

    Args:
        job: the experiment.

    Returns:
        One row per interval of the steps [`start`, `stop`), functional and component, the first of
        which is all of them, with the columns of `part_sizes`, in the unit of the functional.

    Raises:
        ConfigError: if there are fewer validation samples.
    """
    settings, kernel, data = job.settings, job.kernel, job.data
    if settings.samples > len(data.y_validation):
        raise ConfigError(
            f"experiments.{job.name}.samples: expected at most {len(data.y_validation)}, the number"
            f" of validation samples, got {settings.samples}; lower it"
        )
    x, y = (part[: settings.samples] for part in (data.x_validation, data.y_validation))
    steps, layout = kernel.history.steps, kernel.history.layout
    bounds = interval_bounds(steps, settings.intervals)
    ranges = {ALL_COMPONENTS: [(0, layout.size)], **layout.component_ranges()}
    rows = []
    for interval, parts in kernel.parameter_influence_by_interval(
        x, y, output_sum_and_target, intervals=settings.intervals, parts=PARTS, block=settings.block
    ):
        bins = {"start": bounds[interval], "stop": bounds[interval + 1]}
        for number, functional in enumerate(FUNCTIONALS):
            for component, sizes in part_sizes(parts[:, :, number], ranges).items():
                rows.append({**bins, "functional": functional, "component": component, **sizes})
    return pd.DataFrame(rows).sort_values("start", kind="stable", ignore_index=True)


def part_sizes(
    parts: Float[Tensor, "part test param"], ranges: Ranges
) -> dict[str, dict[str, float]]:
    """Measure both parts of every component, as means over the samples.

    Args:
        parts: what data and regularisation did through every parameter.
        ranges: the parameters of each component.

    Returns:
        By component, of `data` and `decay`: the size of the sum over its parameters, in which
        parameters may cancel (the L1 norm of the paper); and with `_absolute` the sum over its
        parameters of the sizes (those of the balance `D(Theta)` of the paper).
    """
    found = {}
    for component, places in ranges.items():
        columns = torch.cat([torch.arange(*place) for place in places]).to(parts.device)
        chosen = parts[:, :, columns].double()
        net, absolute = chosen.sum(-1).abs().mean(1), chosen.abs().sum(-1).mean(1)
        sizes = zip(PARTS, np.asarray(net.cpu()), np.asarray(absolute.cpu()), strict=True)
        found[component] = {
            name: float(value)
            for part, whole, each in sizes
            for name, value in ((part, whole), (f"{part}_absolute", each))
        }
    return found
