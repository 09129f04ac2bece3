"""Memory and disk that comparing samples takes, before anything is computed."""

from collections.abc import Mapping
from math import ceil
from typing import Any

from explaind.config.schema import Config
from explaind.experiments.similarity.cosines import FUNCTIONALS
from explaind.experiments.similarity.settings import SimilaritySettings

PRODUCT_BYTES = 4
"""An inner product, float32 in memory and on disk."""

GRADIENTS = 4
"""Gradients of a block that are in memory: of two numbers of subintervals, their combination, and
the block before."""

SUMS = 2
"""Sums of every sample that are in memory: of an interval and of the whole run."""


def interval_count(settings: SimilaritySettings, steps: int) -> int:
    """Return into how many intervals the steps of a run are divided."""
    wanted = settings.intervals if settings.every is None else ceil(steps / settings.every)
    return min(wanted, steps)


def needed_bytes(
    settings: SimilaritySettings, steps: int, tensors: int, parameters: int, itemsize: int
) -> int:
    """Estimate the memory of sums, gradients and inner products.

    Args:
        settings: numbers of samples and intervals.
        steps: steps of the run.
        tensors: its parameter tensors.
        parameters: scalars in all of them.
        itemsize: bytes of a number of the computation.

    Returns:
        Bytes beside those of the opened run.
    """
    samples = settings.samples + settings.train_samples
    vectors = SUMS * samples + GRADIENTS * min(settings.block, samples)
    # each interval's inner products, and once more while they are put together
    products = 2 * stored_bytes(settings, steps, tensors)
    return len(FUNCTIONALS) * vectors * parameters * itemsize + products


def stored_bytes(settings: SimilaritySettings, steps: int, tensors: int) -> int:
    """Return the bytes of the inner products of the store, before they are compressed.

    Args:
        settings: numbers of samples and intervals.
        steps: steps of the run.
        tensors: its parameter tensors.

    Returns:
        Bytes of the arrays `gram` and `gram_by_interval`.
    """
    samples = settings.samples + settings.train_samples
    matrices = len(FUNCTIONALS) * tensors * (interval_count(settings, steps) + 1)
    return PRODUCT_BYTES * matrices * samples**2


def planned_bytes(config: Config, run: str, sizes: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Work out what the experiments on similar samples take.

    Args:
        config: the whole configuration.
        run: name of the run.
        sizes: those of its plan (`plan.sizes.Sizes`).

    Returns:
        Memory and disk of each experiment on the run, by name.
    """
    steps, tensors = sizes["steps"], len(sizes["layers"])
    return {
        name: (
            needed_bytes(settings, steps, tensors, sizes["parameters"], sizes["itemsize"]),
            stored_bytes(settings, steps, tensors),
        )
        for name, settings in config.experiments.items()
        if isinstance(settings, SimilaritySettings) and settings.subject == run
    }
