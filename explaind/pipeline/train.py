"""The rule `train`: a recorded training run and its metrics table."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from explaind.config.run import check_sizes
from explaind.config.schema import Config
from explaind.config.stages import stage_config
from explaind.data.load import load_dataset
from explaind.files import writing_result
from explaind.paths import Paths
from explaind.store import open_sealed
from explaind.training.task import task_of
from explaind.training.train import record_training


def train(config: Config, paths: Paths, run: str) -> None:
    """Train a run and record its path; go on from the last checkpoint if there is one.

    What is refused is that of `record_training`; so is a run that asks for more than its dataset
    has (`ConfigError`).

    Args:
        config: the whole configuration.
        paths: where things lie.
        run: name of the run.
    """
    settings = config.runs[run]
    data = load_dataset(config, paths, settings.dataset)
    check_sizes(run, settings, len(data.y_train), len(data.y_validation))
    record_training(settings, data, paths.history(run), stage_config(config, "train", run))
    batch_size, samples = settings.training.batch_size, len(data.y_train)
    attributes = {
        "units": task_of(settings.training.loss).measures(),
        "mini_batches": batch_size is not None and batch_size < samples,
    }
    write_metrics(paths, run, attributes)


def write_metrics(paths: Paths, run: str, attributes: Mapping[str, Any]) -> None:
    """Write the metrics table of a sealed history, one row per point `theta_s` of the path.

    Args:
        paths: where things lie.
        run: name of the run.
        attributes: of the table: the `units` of what is measured by name, and whether training
            loss and metrics are those of `mini_batches` (after the last step, of all samples).
    """
    history = open_sealed(paths.history(run), rule="train")
    table = pd.DataFrame({"step": range(int(history.attrs["steps"]) + 1)})
    for name in history.attrs["metrics"]:
        table[name] = history[f"metric_{name}"].values
    scalars = history["coefficient"].isel(tensor=0)
    for name in ("learning_rate", "weight_decay"):  # the last point has no step, hence no value
        table[name] = pd.Series(scalars.sel(scalar=name).values)
    table.attrs.update(attributes)
    path = paths.metrics(run)
    with writing_result(path) as temporary:
        table.to_parquet(temporary, index=False)
