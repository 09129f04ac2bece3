"""Networks of random numbers with components of the trained one, trained on."""

import hashlib
import logging
from itertools import product
from pathlib import Path

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from explaind.config.run import Run, check_sizes
from explaind.config.training import History
from explaind.experiments.component_sets import set_name
from explaind.experiments.job import Job
from explaind.experiments.retrain.settings import RetrainSettings
from explaind.files import replacing
from explaind.history.checkpoint_interval import STEPS_PER_CHUNK
from explaind.log import progress
from explaind.store import open_sealed, remove_store
from explaind.training.metrics import SPLITS, evaluate, split_names
from explaind.training.task import task_of
from explaind.training.train import is_finished, record_training

logger = logging.getLogger(__name__)

NO_SOURCE = -1
"""Source of a network that nothing is transplanted into."""


def compute(job: Job[RetrainSettings]) -> pd.DataFrame:
    """Train a network for every source, set of transplanted components and seed.

    Args:
        job: the experiment.

    Returns:
        One row per training and point of its path: `source` (step of the run, `NO_SOURCE` if
        nothing is transplanted), `transplanted` (`set_name` of the components), `seed`, and the
        columns of `learning_curve`.
    """
    settings, history = job.settings, job.kernel.history
    cases = list(product(settings.sources, settings.transplants, settings.seeds))
    tables = []
    for source, transplanted, seed in progress(cases, "retrain"):
        step = round(source * history.steps)
        mask = history.layout.mask(transplanted).to(history.device)
        theta = history.theta(step).to(history.stored_dtype)  # as they were trained
        random = random_parameters(theta, settings.scale, seed)
        curve = learning_curve(job, torch.where(mask, theta, random), seed)
        name = set_name(transplanted, history.layout.components)
        curve.insert(0, "source", step if transplanted else NO_SOURCE)
        curve.insert(1, "transplanted", name)
        curve.insert(2, "seed", seed)
        tables.append(curve)
        logger.info("%s of step %d, seed %d: %d steps", name, step, seed, len(curve) - 1)
    return pd.concat(tables, ignore_index=True)


def random_parameters(
    like: Float[Tensor, " param"], scale: float, seed: int
) -> Float[Tensor, " param"]:
    """Draw normal random numbers for all parameters of a network.

    All are drawn, whatever is transplanted afterwards: networks of one seed have the same numbers
    in the parameters that nothing is transplanted into.

    Args:
        like: parameters, for their number, type and device.
        scale: standard deviation.
        seed: seed of the numbers.

    Returns:
        The random numbers.
    """
    generator = torch.Generator().manual_seed(seed)
    return (scale * torch.randn(like.shape, generator=generator, dtype=like.dtype)).to(like.device)


def learning_curve(
    job: Job[RetrainSettings], initial: Float[Tensor, " param"], seed: int
) -> pd.DataFrame:
    """Train a network as the run is trained, from other parameters.

    A training that was finished before the job was killed is read, and one that was not goes on
    from its last checkpoint.

    Args:
        job: the experiment.
        initial: the parameters that it starts from.
        seed: seed of the order of the samples.

    Returns:
        One row per point of the path, the last one after the last step: `step` and, of both splits,
        loss and metrics. A training ends where that of the run would, which may be before its first
        step, or after `max_steps`.
    """
    start = hashlib.sha256(initial.cpu().numpy().tobytes()).hexdigest()[:16]
    store = job.scratch / f"{start}-{seed}.zarr"
    finished = store.with_suffix(".parquet")
    if not finished.is_file():
        curve = _trained(job, initial, seed, store)
        with replacing(finished) as temporary:
            curve.to_parquet(temporary, index=False)
    return pd.read_parquet(finished)


def _trained(
    job: Job[RetrainSettings], initial: Float[Tensor, " param"], seed: int, store: Path
) -> pd.DataFrame:
    run, task = _retraining(job, seed), task_of(job.run.training.loss)
    before = _measured(job, initial)
    if is_finished(run.training, before):
        return pd.DataFrame({"step": [0], **before})
    tensors = job.kernel.history.layout.unflatten(initial)
    record_training(run, job.data, store, {**job.values, "start": store.stem}, initial=tensors)
    history = open_sealed(store)
    names = [name for split in SPLITS for name in split_names(task, split)]
    curve = pd.DataFrame({name: history[f"metric_{name}"].values for name in names})
    remove_store(store)
    return curve.rename_axis("step").reset_index()


def _measured(job: Job[RetrainSettings], theta: Float[Tensor, " param"]) -> dict[str, float]:
    """Loss and metrics of a network of the run with these parameters, of both splits."""
    model, task = job.model_at(theta), task_of(job.run.training.loss)
    data = job.data.to(theta.device)
    samples = ((data.x_train, data.y_train), (data.x_validation, data.y_validation))
    return {
        f"{split}_{name}": value
        for split, (x, y) in zip(SPLITS, samples, strict=True)
        for name, value in evaluate(model, x, y, task).items()
    }


def _retraining(job: Job[RetrainSettings], seed: int) -> Run:
    """The run with the length and the order of a retraining, of which only checkpoints are kept."""
    changed = {
        "max_steps": job.settings.max_steps,
        "epochs": None,
        "seed": seed,
        "history": History(every=STEPS_PER_CHUNK),
    }
    training = job.run.training.model_copy(update=changed)
    run = job.run.model_copy(update={"training": training})
    check_sizes(job.settings.run, run, len(job.data.y_train), len(job.data.y_validation))
    return run
