"""Projected and measured peak memory of `predict_epk`, for several sizes.

    python -m benchmarks.memory [--steps 30]

Each case is trained for some steps, planned and explained, each by the command line, in a process
of its own; the peak is what the shard says its job measured.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from explaind.config.load import load_config, resolve_config
from explaind.paths import Paths
from explaind.plan.machine import MEGABYTE
from explaind.store import stored_attributes

app = typer.Typer(add_completion=False)
RUN = "grokking"


Keys = dict[str, Any]


def case(
    p: int = 53,
    mlp_width: int = 256,
    train_samples: int | None = None,
    validation_samples: int | None = None,
    batch_size: int | None = None,
    **epk: object,
) -> Keys:
    """Config of a case; what is not given is as in the default."""
    data: Keys = {"p": p, "validation_samples": validation_samples}
    if train_samples:
        data |= {"train_fraction": None, "train_samples": train_samples}
    run = {
        "model": {"mlp_width": mlp_width},
        "training": {"batch_size": batch_size},
        "epk": {"shards": 1, **epk},
    }
    return {"datasets": {"modulo": data}, "runs": {RUN: run}}


PUBLISHED: Keys = {"p": 113, "mlp_width": 512, "train_samples": 4000}
CASES: dict[str, Keys] = {
    "default": case(shards=2),
    "default, few queries": case(samples=10),
    "default, all outputs of 10": case(samples=10, functional="all"),
    "default, no arrays": case(keep=[]),
    "mini-batch": case(batch_size=64),
    "p=113, 20 queries": case(**PUBLISHED, validation_samples=20),
    "p=113, 125 queries": case(**PUBLISHED, validation_samples=125),
    "p=113, 600 queries": case(**PUBLISHED, validation_samples=600, intervals=2),
    "p=113, 1 GB": case(**PUBLISHED, validation_samples=125, memory_gb=1.0),
    "wide, mlp 4096": case(mlp_width=4096, validation_samples=100),
}


def measured(keys: Keys, steps: int, root: Path) -> dict[str, Any]:
    """Train, plan and explain a case; both peaks."""
    keys["runs"][RUN]["training"] |= {"max_steps": steps, "stop_at_accuracy": None}
    config, paths = load_config(keys), Paths(root)
    resolve_config(config, paths)
    shards = config.runs[RUN].epk.shards
    for command in (
        ["prepare-dataset", "--dataset", "modulo"],
        ["train", "--run", RUN],
        ["plan-epk", "--run", RUN],
        ["predict-epk", "--run", RUN, "--shard", f"0/{shards}", "--threads", "1"],
    ):
        _explaind(*command, "--config", str(paths.config()), "--root", str(root))
    found: dict[str, Any] = stored_attributes(paths.shard(RUN, f"0-of-{shards}"))["measured"]
    return found


def _explaind(*arguments: str) -> None:
    command = [sys.executable, "-m", "explaind", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{arguments} ended with {done.returncode}: {done.stderr[-500:]}")


@app.command()
def main(
    steps: Annotated[int, typer.Option(help="Steps of training.")] = 30,
    only: Annotated[str, typer.Option(help="Part of the name of the cases to run.")] = "",
) -> None:
    """Print the table."""
    header = "| case | projected MB | measured MB | measured / projected |\n|---|---|---|---|\n"
    sys.stdout.write(header)
    for name, keys in CASES.items():
        if only not in name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            row = measured(keys, steps, Path(folder))
        projected, peak = row["projected_bytes"] / MEGABYTE, row["peak_bytes"] / MEGABYTE
        line = f"| {name} | {projected:.0f} | {peak:.0f} | {peak / projected:.2f} |\n"
        sys.stdout.write(line)
        sys.stdout.flush()


if __name__ == "__main__":
    app()
