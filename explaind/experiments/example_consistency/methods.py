"""Scores of training samples by every method, and how well each method was solved."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.stats import rankdata
from torch import Tensor

from explaind.experiments.example_consistency.settings import ExampleConsistencySettings, Method
from explaind.experiments.example_consistency.tables import COMPLETENESS
from explaind.kernel.path_kernel import PathKernel
from explaind.labelfree.influence_functions import InfluenceFunctions
from explaind.labelfree.loss_gradients import LossGradients, laplace_curvature, loss_curvature
from explaind.labelfree.path_kernel import LabelFreePathKernel
from explaind.labelfree.representations import DKNN, CosineSimilarity
from explaind.labelfree.simplex import SimplEx
from explaind.labelfree.tracin import TracIn
from explaind.models.encoders.network import EncoderNetwork
from explaind.training.pretext import PretextTask, absolute_error


@dataclass(frozen=True)
class Case:
    """A trained network and the samples that are scored.

    Attributes:
        network: the network, in evaluation mode.
        task: what it was trained to do.
        train: inputs and targets of the training samples that are scored.
        rows: which ones of those that the network was trained on these are.
        test: inputs and targets of the test samples.
        open_kernel: opens the recorded path of the training.
    """

    network: EncoderNetwork
    task: PretextTask
    train: tuple[Tensor, Tensor]
    rows: Int[np.ndarray, " train"]
    test: tuple[Tensor, Tensor]
    open_kernel: Callable[[], PathKernel]


@dataclass(frozen=True)
class Scored:
    """What a method found.

    Attributes:
        scores: larger = more important.
        checks: numbers that say how well it was solved, by name.
    """

    scores: Float[np.ndarray, "test train"]
    checks: Mapping[str, float]


def score(method: Method, case: Case, settings: ExampleConsistencySettings) -> Scored:
    """Score the training samples of a case; what a method refuses is an `UnsupportedError`.

    Args:
        method: the method.
        case: network and samples.
        settings: the section of the experiment.

    Returns:
        Its scores.
    """
    return METHODS[method](case, settings)


def _path_kernel(case: Case, _: ExampleConsistencySettings) -> Scored:
    kernel = LabelFreePathKernel(case.open_kernel())
    explained = kernel.explain(case.test[0], keep=("influence",))
    influence = explained["influence"].to_numpy()[:, 0, case.rows]
    checks = {
        COMPLETENESS: explained.attrs["completeness_error"],
        "path_kernel: mean rank correlation of two rankings": rank_correlation(influence),
    }
    return Scored(influence, checks)


def rank_correlation(scores: Float[np.ndarray, "test train"]) -> float:
    """Return Spearman's correlation of the rankings of two test samples, mean over all pairs.

    Near 1: much the same training samples are important to every test sample, whatever its class.

    Args:
        scores: what a method found.

    Returns:
        The correlation; NaN of one test sample.
    """
    ranks = rankdata(scores, axis=1)
    pairs = np.triu_indices(len(scores), 1)
    return float(np.atleast_2d(np.corrcoef(ranks))[pairs].mean()) if len(scores) > 1 else np.nan


def _simplex(case: Case, settings: ExampleConsistencySettings) -> Scored:
    method = SimplEx(case.network.encoder, case.train[0], settings.evenness, settings.memory)
    mixtures = method.mixtures(case.test[0])
    return Scored(
        mixtures.weights, {"simplex: median residual": float(np.median(mixtures.residual))}
    )


def _dknn(case: Case, settings: ExampleConsistencySettings) -> Scored:
    method = DKNN(case.network.encoder, case.train[0], settings.memory)
    return Scored(method.scores(case.test[0]), {})


def _cosine(case: Case, settings: ExampleConsistencySettings) -> Scored:
    method = CosineSimilarity(case.network.encoder, case.train[0], settings.memory)
    return Scored(method.scores(case.test[0]), {})


def _influence_functions(case: Case, settings: ExampleConsistencySettings) -> Scored:
    loss_fn = case.task.loss_fn
    method = InfluenceFunctions(
        case.network,
        loss_fn,
        case.train,
        laplace_curvature if loss_fn is absolute_error else loss_curvature(loss_fn),
        damping=settings.damping,
        tolerance=settings.tolerance,
        memory=settings.memory,
    )
    found = method.influences(*case.test)
    checks = {
        "influence_functions: largest residual": float(found.residual.max()),
        "influence_functions: steps": float(found.steps),
        "influence_functions: median cosine to raw gradient": float(np.median(found.cosine)),
    }
    return Scored(found.scores, checks)


def _tracin(case: Case, settings: ExampleConsistencySettings) -> Scored:
    method = TracIn(
        case.open_kernel().history,
        case.network,
        case.task.loss_fn,
        case.train,
        settings.checkpoints,
    )
    return Scored(method.scores(*case.test), {})


def _gradient_product(case: Case, _: ExampleConsistencySettings) -> Scored:
    gradients = LossGradients(case.network, case.task.loss_fn)
    test = gradients.all_at(gradients.theta, *case.test)
    parts = [test @ g.T for _, g in gradients.at(gradients.theta, *case.train)]
    return Scored(torch.cat(parts, dim=1).cpu().numpy(), {})


METHODS: dict[Method, Callable[[Case, ExampleConsistencySettings], Scored]] = {
    "path_kernel": _path_kernel,
    "simplex": _simplex,
    "dknn": _dknn,
    "cosine": _cosine,
    "influence_functions": _influence_functions,
    "tracin": _tracin,
    "gradient_product": _gradient_product,
}
