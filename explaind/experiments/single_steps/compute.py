"""Single steps, each explained as a recording that begins and ends with it.

Such a recording knows the batch of its step and the optimizer's state. What the gradients of the
batch did within the step is the influence of its samples; what earlier gradients did in it through
the momentum is `carry`, not split by sample (mathematics, section 9).

The steps are the middles of equal parts of the training, so that each stands for its part. The
first step of Adam would stand for none: every parameter moves as far, however small its gradient,
and what its samples did there is mostly undone by each other.
"""

import numpy as np
import xarray as xr

from explaind.experiments.job import Job
from explaind.experiments.single_steps.settings import SingleStepsSettings
from explaind.log import progress


def compute(job: Job[SingleStepsSettings]) -> xr.Dataset:
    """Explain the steps for the explained samples of the run, with influence by group.

    Args:
        job: the experiment.

    Returns:
        `influence` `[point, component, test, group]`, in the unit of the explained output, positive
        = pushed it up; and `number` `[point]`, the steps.
    """
    kernel, data, stored = job.kernel, job.data, job.influence
    explained, functional = stored["test_index"].to_numpy(), str(stored.attrs["functional"])
    x, y = data.x_validation[explained], data.y_validation[explained]
    groups, number = np.unique(data.labels("group"), return_inverse=True)
    member = np.eye(len(groups))[number]
    middles = (np.arange(job.settings.points) + 0.5) / job.settings.points
    steps = np.unique((middles * kernel.history.steps).astype(int))
    influence = []
    for step in progress(steps.tolist(), "single steps"):
        found = kernel.explain_step(x, y, step, functional, credit="single_step")
        influence.append(found.sum("output").to_numpy() @ member)
    described = {"units": stored["final_output"].attrs["units"]}
    text = {"description": "what the batch of each step did within it, by group"}
    dims = ("point", "component", "test", "group")
    return xr.Dataset(
        {
            "influence": (dims, np.stack(influence), described | text),
            "number": ("point", steps, {"units": "step", "description": "the step"}),
        },
        coords={"component": found["component"].to_numpy(), "group": groups},
    )
