"""Assert the numbers that the main job has to reach: `assert_numbers.py [config.yaml]`.

Run it where results/ is; without a config, for the runs that were asked for last.
"""

import json
import sys

import numpy as np
import pandas as pd

from explaind.config.load import load_config
from explaind.config.schema import Config
from explaind.experiments.example_consistency.tables import ALLOWED, COMPLETENESS
from explaind.experiments.feature_consistency.tables import mean_areas, with_nothing_hidden
from explaind.paths import Paths
from explaind.store import open_sealed

QUERY = ("test", "output")
CREDITED = ("influence", "influence_by_interval")
"""What a run may have kept of the influence of all samples or groups, the first that is there."""


def measured(run: str) -> dict[str, float]:
    """The numbers of a finished run."""
    paths = Paths()
    influence = open_sealed(paths.influence(run))
    statistics = json.loads(paths.validation_summary(run).read_text())
    credited = influence[next(k for k in CREDITED if k in influence)]
    data = credited.sum([dim for dim in credited.dims if dim not in QUERY], dtype=np.float64)
    change = influence["final_output"] - influence["initial_output"]
    steps = influence["residual"] - influence["rounding"]  # what each step left over, by quadrature
    closure = change - data - influence["decay"] - steps
    motion = abs(influence["step_data"]).sum("step")
    numbers = {
        "largest share of rounding": float((abs(influence["rounding"]) / motion).max()),
        "largest closure error, nat": float(abs(closure).max()),
        "median share of the residual": float((abs(influence["residual"]) / abs(change)).median()),
    }
    if influence.attrs["functional"] == "mean_logprob":
        largest = float((abs(influence["residual"]) / abs(change)).max())
        numbers["largest share of the residual of a language"] = largest
    if "argmax_agreement" not in statistics:  # nothing is classified
        return {**numbers, "relative error of all outputs": statistics["relative_error"]}
    return {
        **numbers,
        "disagreement of argmax": 1.0 - statistics["argmax_agreement"],
        "mean KL per sample, nat": statistics["kl_mean_per_sample"],
    }


LABELFREE = ("feature_consistency", "example_consistency")


def of_encoders(config: Config, kind: str) -> pd.DataFrame:
    """What all experiments of a kind found, one below the other."""
    names = [name for name in config.experiments if config.spec(name).name == kind]
    return pd.concat(pd.read_parquet(Paths().experiment("encoders", name)) for name in names)


def recorded_trainings(config: Config) -> set[tuple[str, int]]:
    """Trainings of encoders whose path is recorded."""
    return {
        (name, replicate)
        for name, encoder in config.encoders.items()
        if encoder.history is not None
        for replicate in range(encoder.replicates)
    }


def labelfree(config: Config) -> dict[str, float]:
    """The numbers of the explanations without labels."""
    features, rates = (of_encoders(config, kind) for kind in LABELFREE)
    areas = mean_areas(with_nothing_hidden(features))
    gradients = areas[areas["method"] == "integrated_gradients"]
    everything = rates[rates["fraction"] == 1]
    complete = rates[rates.get("check") == COMPLETENESS]
    return {
        "integrated gradients, area not above random": float(
            (~(gradients["above_random_low"] > 0)).sum()
        ),
        "largest completeness error": complete["rate"].max(skipna=False),
        "recorded trainings without completeness": len(recorded_trainings(config))
        - len(complete[["encoder", "replicate"]].drop_duplicates()),
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
    "largest completeness error": ALLOWED[COMPLETENESS],
    "recorded trainings without completeness": 0.0,
    "everything selected, distance from chance": 1e-12,
    "largest share of the residual of a language": 1e-4,
}


PAGE_BYTES = 8_000_000
"""A page of this size or more opens slowly, and is too large to be sent."""


def large_pages() -> list[str]:
    """Names of the pages that are too large."""
    pages = sorted(Paths().figures().glob("*.html"))
    return [page.name for page in pages if page.stat().st_size >= PAGE_BYTES]


def main() -> None:
    """Print the numbers of every run beside their limits; fail if one is above, or a page large."""
    failed, config = False, load_config(*(sys.argv[1:] or [Paths().config()]))
    found = {run: measured(run) for run in config.runs}
    if set(LABELFREE) <= {config.spec(name).name for name in config.experiments}:
        found["encoders"] = labelfree(config)
    for run, numbers in found.items():
        for name, value in numbers.items():
            kept = value <= LIMITS[name]
            failed = failed or not kept
            verdict = "ok" if kept else "TOO LARGE"
            sys.stdout.write(f"{run}: {name}: {value:.3g} (limit {LIMITS[name]:.3g}) {verdict}\n")
    large = large_pages()
    sys.stdout.write(f"pages of {PAGE_BYTES:,} bytes or more: {', '.join(large) or 'none'}\n")
    sys.exit(failed or bool(large))


if __name__ == "__main__":
    main()
