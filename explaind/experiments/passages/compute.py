"""The influence of every token of every training passage on held-out passages.

The loss of a passage is the sum of the losses of its tokens, so its influence is the sum of theirs
(mathematics, section 10). One walk along the path gives both.
"""

import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from explaind.experiments.job import Job
from explaind.experiments.passages.settings import PassagesSettings
from explaind.training.task import token_losses

FIRST = 0
"""The held-out passage of a language that is explained: the beginning of a part."""


def compute(job: Job[PassagesSettings]) -> xr.Dataset:
    """Explain held-out passages by training passages and their tokens.

    In memory are 8 bytes for every explained passage and training token.

    Args:
        job: the experiment.

    Returns:
        `influence` `[passage, train]` and `by_token` `[passage, side, rank, position]`, in nat per
        token of the explained passage, positive = made it more likely; `train_index` `[passage,
        side, rank]`, the training passages of `by_token`, the strongest first; `language`
        `[passage]`, the row of the held-out sample. Languages that are not there are a
        `ConfigError`.
    """
    data = job.data
    chosen = data.numbers_of(job.settings.languages, f"experiments.{job.name}.languages")
    x, y = (
        tensor[chosen][:, FIRST : FIRST + 1] for tensor in (data.x_validation, data.y_validation)
    )
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


def _strongest(
    influence: Float[np.ndarray, "passage train"], top: int
) -> Int[np.ndarray, "passage side rank"]:
    """Training passages from both ends of the ranking, the ends first."""
    order = np.argsort(-influence, axis=1, kind="stable")
    count = min(top, influence.shape[1])
    return np.stack([order[:, :count], order[:, ::-1][:, :count]], axis=1)
