"""The influence of every token of every training passage on held-out passages.

The loss of a passage is the sum of the losses of its tokens, so its influence is the sum of theirs
(mathematics, section 10). One walk along the path gives both.
"""

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float, Int
from torch import Tensor

from explaind.choices import IGNORED
from explaind.data.load import LoadedDataset
from explaind.errors import ConfigError
from explaind.experiments.job import Job
from explaind.experiments.passages.settings import PassagesSettings
from explaind.training.task import token_losses


def compute(job: Job[PassagesSettings]) -> xr.Dataset:
    """Explain held-out passages by training passages and their tokens.

    In memory are 8 bytes for every explained passage and training token.

    Args:
        job: the experiment.

    Returns:
        `influence` `[passage, train]` and `by_token` `[passage, side, rank, position]`, in nat per
        explained token, positive = made it more likely; `train_index` `[passage, side, rank]`, the
        training passages of `by_token`, the strongest first; `language` `[passage]`, the row of the
        held-out sample. Languages, a passage or tokens that are not there are a `ConfigError`.
    """
    data = job.data
    chosen = data.numbers_of(job.settings.languages, f"experiments.{job.name}.languages")
    x, y = _explained(data, chosen, job.settings, f"experiments.{job.name}")
    everything = range(len(data.x_train))
    found = job.kernel.explain_parts(x, y, token_losses, everything, "mean_logprob")
    by_token = found["influence_by_part"].isel(output=0)
    influence = by_token.sum("part").to_numpy()
    strongest = _strongest(influence, job.settings.top)
    described = {"units": by_token.attrs["units"]}
    rows = np.arange(len(chosen))[:, None, None]
    return xr.Dataset(
        {
            "influence": (
                ("passage", "train"),
                influence,
                described | {"description": "influence of training passages on held-out ones"},
            ),
            "by_token": (
                ("passage", "side", "rank", "position"),
                by_token.to_numpy()[rows, strongest],
                described | {"description": "the same of the strongest by the token that follows"},
            ),
            "train_index": (
                ("passage", "side", "rank"),
                strongest,
                {"units": "1", "description": "row of the training split"},
            ),
            "language": (
                "passage",
                chosen,
                {"units": "1", "description": "row of the validation split"},
            ),
        },
        coords={"side": ["helpful", "harmful"]},
    )


def _explained(
    data: LoadedDataset, chosen: list[int], settings: PassagesSettings, key: str
) -> tuple[Int[Tensor, "passage 1 position"], Int[Tensor, "passage 1 position"]]:
    """The held-out passages, and what follows each token where it is explained."""
    passages = data.y_validation.shape[1]
    if settings.passage >= passages:
        raise ConfigError(
            f"{key}.passage: expected less than {passages}, the passages of a language, got"
            f" {settings.passage}; lower it, or raise `passages` of the dataset."
        )
    x, y = (
        tensor[chosen][:, settings.passage, None]
        for tensor in (data.x_validation, data.y_validation)
    )
    shortest = 1 + int((y != IGNORED).sum(-1).min())  # tokens, the first of them not predicted
    first, behind = settings.span or (1, 2)
    if behind > shortest:
        raise ConfigError(
            f"{key}: expected passages of {behind} tokens or more, got one of"
            f" {shortest if shortest > 1 else 'none'}; choose an earlier span or passage, or other"
            " languages."
        )
    if settings.span is None:
        return x, y
    position = torch.arange(y.shape[-1], device=y.device)
    outside = (position < first - 1) | (position >= behind - 1)
    return x, y.masked_fill(outside, IGNORED)


def _strongest(
    influence: Float[np.ndarray, "passage train"], top: int
) -> Int[np.ndarray, "passage side rank"]:
    """Training passages from both ends of the ranking, the ends first."""
    order = np.argsort(-influence, axis=1, kind="stable")
    count = min(top, influence.shape[1])
    return np.stack([order[:, :count], order[:, ::-1][:, :count]], axis=1)
