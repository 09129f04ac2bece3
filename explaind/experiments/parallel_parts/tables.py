"""What a part does to its translations, beyond what it does to other parts."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float

from explaind.experiments.parallel_parts.settings import ParallelPartsSettings
from explaind.report.sources import Sources
from explaind.report.tables.confidence import mean_interval

LANGUAGES = ("explained", "trained")
ROUNDING = 1e-9
"""Relative difference below which two pairings count as alike: the true one is drawn as well."""


@dataclass(frozen=True)
class Finding:
    """What all pairs of different languages say together, in the unit of the explained output.

    Attributes:
        excess: influence on the same part less that on the other parts, mean over pairs and parts.
        low: lower end of its 95 % interval over the parts.
        high: upper end.
        p_value: share of random pairings of the parts with an excess as large, the true one counted
            among them.
        own: the same excess within a language, mean over languages and parts.
    """

    excess: float
    low: float
    high: float
    p_value: float
    own: float


@dataclass(frozen=True)
class ParallelTables:
    """What the page shows.

    Attributes:
        pairs: one row per pair of languages, `explained` and `trained`: influence of a training
            crop of the same part (`same`) and of the others (`other`), and their difference
            (`excess`).
        parts: one row per part: its `excess`, mean over all pairs of different languages.
        finding: what they say together.
        unit: unit of the influence, per token of the explained crop.
    """

    pairs: pd.DataFrame
    parts: pd.DataFrame
    finding: Finding
    unit: str

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return {"pairs": self.pairs, "parts": self.parts}


def read(sources: Sources, settings: ParallelPartsSettings) -> ParallelTables:
    """Read what the page shows.

    Args:
        sources: what the run left on disk.
        settings: the section of the config.

    Returns:
        The numbers.
    """
    found = sources.store("parallel_parts")["influence"].load()
    influence = found.transpose(*LANGUAGES, "explained_part", "trained_part").to_numpy()
    languages, parts = (found[name].to_numpy() for name in ("explained", "explained_part"))
    excess = excess_by_part(influence)
    different = ~np.eye(len(languages), dtype=bool)
    same = np.diagonal(influence, axis1=2, axis2=3).mean(-1)
    other = same - excess.mean(-1)
    explained, trained = np.indices(same.shape)
    return ParallelTables(
        pairs=pd.DataFrame(
            {
                "explained": languages[explained.ravel()],
                "trained": languages[trained.ravel()],
                "same": same.ravel(),
                "other": other.ravel(),
                "excess": (same - other).ravel(),
            }
        ),
        parts=pd.DataFrame({"part": parts, "excess": excess[different].mean(0)}),
        finding=judge(influence, settings.page.permutations),
        unit=found.attrs["units"],
    )


def excess_by_part(
    influence: Float[np.ndarray, "*pair part part"],
) -> Float[np.ndarray, "*pair part"]:
    """Return influence on the same part, less what the part and the crop do on average.

    Args:
        influence: of every part (last axis) on every part.

    Returns:
        One number for each part, whose mean is that of the diagonal less that of all other cells:
        parts that are easily learned, and crops that help everything, leave it as it is.
    """
    diagonal: np.ndarray = np.diagonal(_interaction(influence), axis1=-2, axis2=-1)
    return diagonal


def judge(
    influence: Float[np.ndarray, "language language part part"], permutations: int
) -> Finding:
    """Judge whether the same part is helped more, over all pairs of different languages.

    Args:
        influence: of every language and part on every one.
        permutations: random pairings of parts, each the same in all pairs of languages.

    Returns:
        The finding.
    """
    own, generator = np.eye(len(influence), dtype=bool), np.random.default_rng(0)
    others = _interaction(influence[~own].mean(0))
    interval, parts = mean_interval(np.diagonal(others)), np.arange(len(others))
    by_chance = [others[generator.permutation(parts), parts].mean() for _ in range(permutations)]
    as_large = int(np.sum(np.array(by_chance) >= interval["mean"] - ROUNDING * np.ptp(others)))
    return Finding(
        excess=interval["mean"],
        low=interval["low"],
        high=interval["high"],
        p_value=(1 + as_large) / (1 + permutations),
        own=float(excess_by_part(influence[own]).mean()),
    )


def _interaction(
    influence: Float[np.ndarray, "*pair part part"],
) -> Float[np.ndarray, "*pair part part"]:
    """What is left without the means of rows and columns, scaled as a difference to other cells."""
    parts = influence.shape[-1]
    rows, columns = (influence.mean(axis, keepdims=True) for axis in (-1, -2))
    centred = influence - rows - columns + influence.mean((-2, -1), keepdims=True)
    return np.asarray(centred * parts / (parts - 1))
