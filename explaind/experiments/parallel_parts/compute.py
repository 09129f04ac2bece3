"""The influence of single parts in one language on single parts in another.

Held-out parts have no translation in the training, so what is explained is how well training text
is predicted: a crop of every part in every language. Of interest is what crops in *other* languages
did to it.
"""

import numpy as np
import xarray as xr

from explaind.data.load import LoadedDataset
from explaind.errors import ConfigError
from explaind.experiments.job import Job
from explaind.experiments.parallel_parts.settings import ParallelPartsSettings

REST = "rest"
"""Group of the crops that are not compared."""


def compute(job: Job[ParallelPartsSettings]) -> xr.Dataset:
    """Explain a crop of every part in every language by the parts in all languages.

    Args:
        job: the experiment.

    Returns:
        `influence` `[explained, explained_part, trained, trained_part]`, of a training crop on
        average, in nat per token of the explained crop, positive = made it more likely; and `crops`
        `[trained, trained_part]`, how many there are. Languages that are not there, or that share
        too few parts, are a `ConfigError`.
    """
    data, key = job.data, f"experiments.{job.name}"
    numbers = data.numbers_of(job.settings.languages, f"{key}.languages")
    languages = [data.groups[number] for number in numbers]
    rows = _crops(data)
    parts = _shared_parts(rows, numbers, job.settings.parts, key)
    cells = [(number, part) for number in numbers for part in parts]
    compared = {row: f"{number} {part}" for number, part in cells for row in rows[number, part]}
    first = [rows[cell][0] for cell in cells]
    found = job.kernel.explain(
        data.x_train[first],
        data.y_train[first],
        "mean_logprob",
        keep=("influence",),
        groups=[compared.get(row, REST) for row in range(len(data.x_train))],
    )
    names = [f"{number} {part}" for number, part in cells]
    summed = found["influence"].isel(output=0).sel(group=names).transpose("test", "group")
    sides = (len(numbers), len(parts))
    crops = np.array([len(rows[cell]) for cell in cells]).reshape(sides)
    influence = summed.to_numpy().astype(np.float64).reshape(*sides, *sides) / crops
    described = {
        "units": summed.attrs["units"],
        "description": "influence of a training crop, mean over the crops of its part",
    }
    dims = ("explained", "explained_part", "trained", "trained_part")
    return xr.Dataset(
        {
            "influence": (dims, influence, described),
            "crops": (dims[2:], crops, {"units": "1", "description": "training crops"}),
        },
        coords={
            **dict.fromkeys(dims[::2], languages),
            **{name: [str(part) for part in parts] for name in dims[1::2]},
        },
    )


def _crops(data: LoadedDataset) -> dict[tuple[int, int], list[int]]:
    """Rows of the training crops by language and part."""
    rows: dict[tuple[int, int], list[int]] = {}
    for row, part in enumerate(data.parts):
        rows.setdefault((row % len(data.groups), part), []).append(row)
    return rows


def _shared_parts(
    rows: dict[tuple[int, int], list[int]], languages: list[int], count: int, key: str
) -> list[int]:
    """Parts with crops in all languages, those with most crops, in their order."""
    by_language = [{part for language, part in rows if language == one} for one in languages]
    shared = set.intersection(*by_language)
    if len(shared) < count:
        raise ConfigError(
            f"{key}.parts: expected at most {len(shared)}, the parts with training crops in all"
            f" {len(languages)} languages, got {count}; lower it, choose fewer languages or raise"
            " crops of the dataset."
        )
    crops = {part: sum(len(rows[language, part]) for language in languages) for part in shared}
    return sorted(sorted(shared, key=lambda part: (-crops[part], part))[:count])
