"""The influence of every training sample in one step, by either credit.

The explanation of a whole run (`explain`) books an influence at the step `u` whose gradient made
it and at the step `v >= u` in which momentum moved the parameters. Here one of the two is fixed,
or both.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from explaind.choices import STEP_CREDITS
from explaind.errors import ConfigError
from explaind.history.replay.history import History
from explaind.history.replay.regularisation import RegularisationMotion
from explaind.kernel.contraction.training_side import TrainingSide
from explaind.kernel.query.queries import Queries
from explaind.kernel.trajectory.adjoint import Formed, MomentumAdjoint
from explaind.kernel.trajectory.intervals import FORGOTTEN, forgotten_after, forgotten_before
from explaind.kernel.trajectory.steps import backward_steps


def explain_one_step(
    history: History,
    regularisation: RegularisationMotion,
    training: TrainingSide,
    queries: Queries,
    step: int,
    credit: str,
) -> Float[Tensor, "component test output train"]:
    """Explain one step of the run (mathematics, section 4).

    Args:
        history: the recorded path.
        regularisation: the part of its motion due to regularisation.
        training: the training side.
        queries: the query side, averaging full gradients.
        step: the step.
        credit: `application_step`: what moved the parameters in this step, by the gradients of all
            steps that momentum remembers; sums over the samples are the data part of the step.
            `gradient_step`: what the gradients of this step did, through all steps in which
            momentum applied them. `single_step`: both, what the gradients of this step did within
            it; that is the influence of a recording of this step alone, whose `carry` is the rest
            of the data part.

    Returns:
        Influence of all training samples, float64, zero for those in no batch.

    Raises:
        ConfigError: for a step that the run does not have, or an unknown credit.
    """
    if not 0 <= step < history.steps:
        raise ConfigError(
            f"step: expected 0 to {history.steps - 1}, a step of the run, got {step}."
        )
    if credit not in STEP_CREDITS:
        raise ConfigError(f"credit: expected one of {STEP_CREDITS}, got {credit!r}.")
    tolerance, applied = FORGOTTEN[history.dtype], credit == "application_step"
    first = forgotten_before(history, step, tolerance) if applied else step
    later = credit == "gradient_step"
    stop = forgotten_after(history, step + 1, tolerance) if later else step + 1
    adjoint, total = MomentumAdjoint(history), None
    for passed in backward_steps(history, regularisation, first, stop):
        number = passed.number
        if number == step or not applied:
            derivative = queries.step(passed)
            shape, averaged = derivative.change.shape, Formed(derivative.matrix)
        else:  # what was explained lies behind: only the momentum goes on
            averaged = Formed(torch.zeros_like(averaged.matrix))
        psi = adjoint.step(passed.block, number, averaged)
        if number == step or applied:
            batch = passed.batch, passed.weights, passed.clip, passed.passes
            part = training.contract(psi, passed.start, number, *batch, by_component=True)
            if total is None:
                size = (len(part), training.samples, part.shape[2])
                total = torch.zeros(size, dtype=torch.float64, device=part.device)
            total.index_add_(1, passed.batch.to(part.device), part.double())
    assert total is not None  # the step is among those passed
    return total.transpose(1, 2).reshape(len(total), *shape, training.samples)
