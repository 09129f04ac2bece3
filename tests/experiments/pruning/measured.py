"""A table as the experiment would write it, made by hand."""

import itertools

import numpy as np
import pandas as pd

LEVELS = {
    "influence": 0.5,
    "influence per step": 0.5,
    "magnitude": 0.5,
    "Taylor": 0.5,
    "random": 0.1,
}
SEEDS = (1, 2, 3)


def experiment_table(**levels):
    """Accuracy, agreement and -KL of a method are its level, with noise of 0.01 by seed."""
    random = np.random.default_rng(0)
    rows = [measured(seed, "none", "none", "none", 1.0, 0.9) for seed in SEEDS]
    shares = [("coarse", 0.1), ("coarse", 0.3), ("fine", 0.01), ("fine", 0.03)]
    for seed, (method, level), scope, (grid, keep) in itertools.product(
        SEEDS, (LEVELS | levels).items(), ("global", "layer"), shares
    ):
        noisy = level + 0.01 * random.standard_normal()
        rows.append(measured(seed, method, scope, grid, keep, noisy))
    return pd.DataFrame(rows)


def measured(seed, method, scope, grid, keep, level):
    case = {
        "seed": seed,
        "tested": 16,
        "method": method,
        "scope": scope,
        "grid": grid,
        "keep": keep,
    }
    numbers = {"accuracy": level, "agreement": level, "kl": 1 - level, "kept": keep + 0.001 * seed}
    return {**case, **numbers, "zeros_first": 1 - keep, "zeros_<b>": 0.0}
