"""Assert the numbers that the main job has to reach; run it where results/ is."""

import json
import sys

import numpy as np
import pandas as pd

from explaind.config.load import load_config
from explaind.config.schema import Config
from explaind.experiments.feature_consistency.tables import mean_areas, with_nothing_hidden
from explaind.paths import Paths
from explaind.store import open_sealed


def measured(run: str) -> dict[str, float]:
    """The numbers of a finished run."""
    paths = Paths()
    influence = open_sealed(paths.influence(run))
    statistics = json.loads(paths.validation_summary(run).read_text())
    data = influence["influence"].sum(influence["influence"].dims[-1], dtype=np.float64)
    change = influence["final_output"] - influence["initial_output"]
    steps = influence["residual"] - influence["rounding"]  # what each step left over, by quadrature
    closure = change - data - influence["decay"] - steps
    motion = abs(influence["step_data"]).sum("step")
    numbers = {
        "largest share of rounding": float((abs(influence["rounding"]) / motion).max()),
        "largest closure error, nat": float(abs(closure).max()),
        "median share of the residual": float((abs(influence["residual"]) / abs(change)).median()),
    }
    if "argmax_agreement" not in statistics:  # nothing is classified
        return {**numbers, "relative error of all outputs": statistics["relative_error"]}
    return {
        **numbers,
        "disagreement of argmax": 1.0 - statistics["argmax_agreement"],
        "mean KL per sample, nat": statistics["kl_mean_per_sample"],
    }


def of_encoders(config: Config, kind: str) -> pd.DataFrame:
    """What all experiments of a kind found, one below the other."""
    names = [name for name in config.experiments if config.spec(name).name == kind]
    return pd.concat(pd.read_parquet(Paths().experiment("encoders", name)) for name in names)


def labelfree(config: Config) -> dict[str, float]:
    """The numbers of the explanations without labels."""
    areas = mean_areas(with_nothing_hidden(of_encoders(config, "feature_consistency")))
    gradients = areas[areas["method"] == "integrated_gradients"]
    rates = of_encoders(config, "example_consistency")
    everything = rates[rates["fraction"] == 1]
    return {
        "integrated gradients, area not above random": float(
            (~(gradients["above_random_low"] > 0)).sum()
        ),
        "largest completeness error": rates.loc[
            rates.get("check") == "path_kernel: completeness", "rate"
        ].max(),
        "everything selected, distance from chance": (
            (everything["rate"] - everything["limit"]).abs().max()
        ),
    }


LIMITS = {
    "largest share of rounding": 1e-4,
    "largest closure error, nat": 5e-4,
    "median share of the residual": 1e-2,
    "disagreement of argmax": 0.0,
    "mean KL per sample, nat": 1e-4,
    "relative error of all outputs": 1e-3,
    "integrated gradients, area not above random": 0.0,
    "largest completeness error": 5e-4,
    "everything selected, distance from chance": 1e-12,
}


def main() -> None:
    """Print the numbers of every run beside their limits; fail if one is above its limit."""
    failed, config = False, load_config(Paths().config())
    found = {run: measured(run) for run in config.runs} | {"encoders": labelfree(config)}
    for run, numbers in found.items():
        for name, value in numbers.items():
            kept = value <= LIMITS[name]
            failed = failed or not kept
            verdict = "ok" if kept else "TOO LARGE"
            sys.stdout.write(f"{run}: {name}: {value:.3g} (limit {LIMITS[name]:.3g}) {verdict}\n")
    sys.exit(failed)


if __name__ == "__main__":
    main()
