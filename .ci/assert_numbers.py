"""Assert the numbers that the main job has to reach: `assert_numbers.py [config.yaml]`.

Run it where results/ is; without a config, for the runs that were asked for last.
"""

import json
import sys

import numpy as np

from explaind.config.load import load_config
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


LIMITS = {
    "largest share of rounding": 1e-4,
    "largest closure error, nat": 5e-4,
    "median share of the residual": 1e-2,
    "disagreement of argmax": 0.0,
    "mean KL per sample, nat": 1e-4,
    "relative error of all outputs": 1e-3,
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
    failed = False
    for run in load_config(*(sys.argv[1:] or [Paths().config()])).runs:
        for name, value in measured(run).items():
            kept = value <= LIMITS[name]
            failed = failed or not kept
            verdict = "ok" if kept else "TOO LARGE"
            sys.stdout.write(f"{run}: {name}: {value:.3g} (limit {LIMITS[name]:.3g}) {verdict}\n")
    large = large_pages()
    sys.stdout.write(f"pages of {PAGE_BYTES:,} bytes or more: {', '.join(large) or 'none'}\n")
    sys.exit(failed or bool(large))


if __name__ == "__main__":
    main()
