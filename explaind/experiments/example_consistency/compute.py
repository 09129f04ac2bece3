"""How many of the most and least important training samples share the test sample's label."""

from functools import cache, partial

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from torch import Tensor

from explaind.data.interleaved import interleaved_rows
from explaind.errors import ConfigError
from explaind.experiments.example_consistency.methods import Case, score
from explaind.experiments.example_consistency.settings import ExampleConsistencySettings
from explaind.experiments.example_consistency.tables import CHANCE_FRACTION
from explaind.experiments.job import EncoderJob
from explaind.labelfree.similarity_rate import limits, same_labels, similarity_rate
from explaind.log import progress
from explaind.training.encoder import replicate_seed, split_samples
from explaind.training.pretext import pretext_task

RECORDED = ("path_kernel", "tracin")
"""Methods that need the recorded path of the training."""

ENDS = {"most": True, "least": False}
CHECK = "check"


def compute(job: EncoderJob[ExampleConsistencySettings]) -> pd.DataFrame:
    """Score training samples by every method, for every replicate of every encoder.

    Args:
        job: what it is computed from.

    Returns:
        `encoder`, `replicate`, `method`, `end` (`most` or `least` important), `fraction` that is
        selected, `rate` of samples with the label of the test sample, mean over the test samples,
        and `limit` of that rate for any scores. Rows of the end `check` have a number that says how
        well the method was solved (`check` is its name) in place of the rate.
    """
    _check_recorded(job)
    fractions, rows = tuple(dict.fromkeys((*job.settings.fractions, CHANCE_FRACTION))), []
    cases = [(name, replicate) for name in job.settings.encoders for replicate in job.replicates]
    for name, replicate in progress(cases, "encoders"):
        case, same = _case(job, name, replicate)
        for method in job.settings.methods:
            scored = score(method, case, job.settings)
            labels = {"encoder": name, "replicate": replicate, "method": method}
            rows += [labels | row for row in _rates(scored.scores, same, fractions)]
            rows += [
                labels | {"end": CHECK, "check": key, "rate": value}
                for key, value in scored.checks.items()
            ]
    return pd.DataFrame(rows)


def _rates(
    scores: Float[np.ndarray, "test train"],
    same: Bool[np.ndarray, "test train"],
    fractions: tuple[float, ...],
) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for (end, largest), limit in zip(ENDS.items(), limits(same, fractions), strict=True):
        rates = similarity_rate(scores, same, fractions, largest=largest).mean(0)
        rows += [
            {"end": end, "fraction": fraction, "rate": rate, "limit": bound}
            for fraction, rate, bound in zip(fractions, rates, limit.mean(0), strict=True)
        ]
    return rows


def _case(
    job: EncoderJob[ExampleConsistencySettings], name: str, replicate: int
) -> tuple[Case, Bool[np.ndarray, "test train"]]:
    """The network with its samples, and which pairs of them have the same label."""
    settings, data = job.config.encoders[name], job.data
    network = job.network(name, replicate)
    data = data.to(next(network.parameters()).device)
    task = pretext_task(settings.pretext, replicate_seed(settings, replicate), len(data.x_train))
    fitted, _ = split_samples(settings, data, task)
    train_labels = _numbers(data.y_train[fitted.rows])
    rows = interleaved_rows(train_labels, job.settings.train_samples)
    test_labels = _numbers(data.y_validation)
    chosen = interleaved_rows(test_labels, job.settings.samples)
    x, y = data.x_validation[chosen], data.y_validation[chosen]
    case = Case(
        network,
        task,
        (fitted.x[rows], fitted.y[rows]),
        rows,
        (x, task.target(x, y)),
        cache(partial(job.kernel, name, replicate)),
    )
    return case, same_labels(test_labels[chosen], train_labels[rows])


def _numbers(labels: Int[Tensor, " sample"]) -> Int[np.ndarray, " sample"]:
    numbers: np.ndarray = labels.cpu().numpy()
    return numbers


def _check_recorded(job: EncoderJob[ExampleConsistencySettings]) -> None:
    """Refuse methods that need a recorded path where there is none.

    Raises:
        ConfigError: naming the encoder.
    """
    needing = [method for method in job.settings.methods if method in RECORDED]
    for name in job.settings.encoders:
        if needing and job.config.encoders[name].history is None:
            raise ConfigError(
                f"experiments.{job.name}.methods: expected encoders with history for"
                f" {' and '.join(needing)}, got {name!r} without; set encoders.{name}.history, or"
                " leave these methods out"
            )
