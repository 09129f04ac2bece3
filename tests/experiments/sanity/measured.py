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


def noise_table(samples=150, **separation):
    """Scores of flipped samples lie so many deviations above those of the others."""
    random = np.random.default_rng(0)
    flipped = np.arange(samples) % 5 == 0
    tables = []
    for seed in SEEDS:
        scores = {
            name: size * flipped + random.standard_normal(len(flipped))
            for name, size in (SEPARATION | separation).items()
        }
        tables.append(pd.DataFrame({"seed": seed, "flipped": flipped, **scores}))
    return pd.concat(tables)


def removal_table(slope=1.0, noise=0.05, shares=(0.1, 0.2, 0.3), failed=()):
    """The actual change is so many times the predicted one, with noise; some retrainings failed."""
    random = np.random.default_rng(0)
    groups = [("top", 0, -3.0), ("bottom", 0, 2.0), ("random", 0, 0.5), ("random", 1, -0.5)]
    rows = [case_of("none", 0.0, 0, 0, target, 0.0, 0.0) for target in range(4)]
    for share in shares:
        for kind, draw, size in groups:
            for target in range(4):
                predicted = size * share * (1 + 0.1 * target)
                actual = slope * predicted + noise * random.standard_normal()
                accuracy = 0.6 if (kind, share) in failed else 0.95
                rows.append(
                    case_of(
                        kind, share, draw, round(100 * share), target, predicted, actual, accuracy
                    )
                )
    return pd.DataFrame(rows)


def case_of(kind, share, draw, removed, target, predicted, actual, accuracy=0.95):
    case = {"group": kind, "share": share, "draw": draw, "removed": removed, "target": target}
    accuracies = {"train_accuracy": accuracy, "validation_accuracy": accuracy, "majority": 0.5}
    return {**case, "before": 2.5, "predicted": predicted, "actual": actual, **accuracies}


def write_results(root, noise=None, removal=None):
    """Write both tables as the results of the experiments; return the paths of the project."""
    paths, tables = Paths(root), {"label_noise": noise, "leave_group_out": removal}
    made = {"label_noise": noise_table, "leave_group_out": removal_table}
    for name, table in ((name, made[name]() if t is None else t) for name, t in tables.items()):
        path = paths.experiment("digits", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        table.to_parquet(path)
    return paths
