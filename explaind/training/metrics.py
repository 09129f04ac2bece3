"""Numbers that describe a model at one point of its path."""

import pandas as pd
import torch
import xarray as xr
from torch import Tensor, nn

from explaind.files import replacing
from explaind.history.guards import LossFunction
from explaind.history.layout import ParameterLayout
from explaind.paths import Paths
from explaind.store import open_sealed

SPLITS = ("train", "validation")
BLOCK = 2048  # samples per forward pass


def metric_names(layout: ParameterLayout) -> list[str]:
    """Names of the numbers that `measure` returns."""
    norms = [f"parameter_norm_{component}" for component in layout.components]
    return [f"{split}_{what}" for split in SPLITS for what in ("loss", "accuracy")] + [
        "parameter_norm",
        *norms,
    ]


def parameter_norms(layout: ParameterLayout, model: nn.Module) -> dict[str, float]:
    """L2 norm of all trained parameters, and of each component."""
    theta = layout.flatten(dict(model.named_parameters()))
    squares = {
        component: sum(float(theta[start:stop].double().square().sum()) for start, stop in ranges)
        for component, ranges in layout.component_ranges().items()
    }
    norms = {f"parameter_norm_{component}": square**0.5 for component, square in squares.items()}
    return {"parameter_norm": sum(squares.values()) ** 0.5, **norms}


def loss_and_accuracy(output: Tensor, target: Tensor, loss_fn: LossFunction) -> tuple[float, float]:
    """Mean loss (nat) and share of samples whose largest output is the target."""
    loss = loss_fn(output, target).mean()
    hits = (output.argmax(-1) == target).double().mean()
    return float(loss), float(hits)


@torch.no_grad()
def evaluate(model: nn.Module, x: Tensor, y: Tensor, loss_fn: LossFunction) -> tuple[float, float]:
    """Mean loss and accuracy of the model on a split, so many samples at a time."""
    output = torch.cat([model(rows) for rows in torch.split(x, BLOCK)])
    return loss_and_accuracy(output, y, loss_fn)


def write_metrics(paths: Paths, run: str) -> None:
    """Write the metrics table of a sealed history, one row per point `theta_s` of the path.

    Args:
        paths: where things lie.
        run: name of the run.
    """
    history = open_sealed(paths.history(run), rule="train")
    table = pd.DataFrame({"step": range(int(history.attrs["steps"]) + 1)})
    for name in history.attrs["metrics"]:
        table[name] = history[f"metric_{name}"].values
    for name in ("learning_rate", "weight_decay"):
        table[name] = _of_first_group(history, name)
    path = paths.metrics(run)
    with replacing(path) as temporary:
        table.to_parquet(temporary, index=False)


def _of_first_group(history: xr.Dataset, name: str) -> pd.Series:
    """A scalar of the optimizer; the last point has no step, hence no value."""
    return pd.Series(history["coefficient"].sel(scalar=name).isel(group=0).values)
