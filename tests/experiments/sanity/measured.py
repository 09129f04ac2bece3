"""Tables as the experiments would write them, made by hand."""

import numpy as np
import pandas as pd

from explaind.config.load import load_config
from explaind.paths import Paths
from tests.workflow.project import REPOSITORY

CONFIG = load_config(REPOSITORY / "config" / "config.yaml")
SEEDS = (1, 2, 3)
SEPARATION = {
    "self_influence": 1.0,
    "held_out_influence": -1.0,
    "loss": 1.0,
    "gradient_norm": 1.0,
    "random": 0.0,
}


def noise_table(**separation):
    """Scores of flipped samples lie so many deviations above those of the others."""
    random = np.random.default_rng(0)
    flipped = np.arange(300) % 5 == 0
    tables = []
    for seed in SEEDS:
        scores = {
            name: size * flipped + random.standard_normal(len(flipped))
            for name, size in (SEPARATION | separation).items()
        }
        tables.append(pd.DataFrame({"seed": seed, "flipped": flipped, **scores}))
    return pd.concat(tables)


def removal_table(slope=1.0, noise=0.05):
    """The actual change is so many times the predicted one, with noise."""
    random = np.random.default_rng(0)
    groups = [("top", 0, -3.0), ("bottom", 0, 2.0), ("random", 0, 0.5), ("random", 1, -0.5)]
    rows = [case_of("none", 0.0, 0, 0, target, 0.0, 0.0) for target in range(4)]
    for share in (0.1, 0.2):
        for kind, draw, size in groups:
            for target in range(4):
                predicted = size * share * (1 + 0.1 * target)
                actual = slope * predicted + noise * random.standard_normal()
                rows.append(
                    case_of(kind, share, draw, round(100 * share), target, predicted, actual)
                )
    return pd.DataFrame(rows)


def case_of(kind, share, draw, removed, target, predicted, actual):
    case = {"group": kind, "share": share, "draw": draw, "removed": removed, "target": target}
    return {**case, "before": -0.25, "predicted": predicted, "actual": actual}


def write_results(root):
    """Write both tables as the results of the experiments; return the paths of the project."""
    paths = Paths(root)
    for name, table in (("label_noise", noise_table()), ("leave_group_out", removal_table())):
        path = paths.experiment("digits", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        table.to_parquet(path)
    return paths
