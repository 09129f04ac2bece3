"""The numbers of the page with the claims about languages."""

from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy.stats import spearmanr

from explaind.experiments.language_claims.claims import verdicts
from explaind.experiments.language_claims.settings import LanguageClaimsSettings
from explaind.experiments.language_claims.shares import shares_by_step, shares_over_seeds
from explaind.experiments.language_influence.clustering import agreement, normalised
from explaind.experiments.language_influence.tables import (
    decomposition,
    families_of,
    named_influence,
    nearest_languages,
)
from explaind.report.sources import Sources


class Similar(NamedTuple):
    """Normalised influence of one run.

    Attributes:
        names: the languages.
        matrix: `normalised` influence, rows and columns in the order of the names.
        residual: largest residual of a language, as a fraction of its change.
    """

    names: np.ndarray
    matrix: Float[np.ndarray, "language language"]
    residual: float


@dataclass(frozen=True)
class LanguageClaimTables:
    """All numbers of the page.

    Attributes:
        verdicts: one row per claim.
        shares: share of every block at every step over the seeds, see `shares_over_seeds`.
        nearest: the nearest languages of each by normalised influence, its mean over the seeds.
        seeds: one row per run: agreement with known families, if there are any, and the residual.
        agreement: Spearman correlation of normalised influence of two seeds over the pairs of
            languages, mean over pairs of seeds; NaN of one seed.
    """

    verdicts: pd.DataFrame
    shares: pd.DataFrame
    nearest: pd.DataFrame
    seeds: pd.DataFrame
    agreement: float

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return {
            "verdicts": self.verdicts,
            "shares": self.shares,
            "nearest": self.nearest,
            "seeds": self.seeds,
        }


def read(sources: Sources, settings: LanguageClaimsSettings) -> LanguageClaimTables:
    """Read the numbers of the page; stores without what they need are refused (`StoreError`).

    Args:
        sources: what the run left on disk.
        settings: the section of the config.

    Returns:
        The numbers.
    """
    of_run = {run: sources.of_run(run) for run in settings.runs}
    shares = {run: shares_by_step(found.influence) for run, found in of_run.items()}
    similar = {run: _similar(found) for run, found in of_run.items()}
    first = next(iter(similar.values()))
    return LanguageClaimTables(
        verdicts=verdicts(shares),
        shares=shares_over_seeds(shares),
        nearest=nearest_languages(
            np.mean([found.matrix for found in similar.values()], axis=0), first.names
        ),
        seeds=pd.DataFrame([_of_seed(run, s, settings) for run, s in similar.items()]),
        agreement=_agreement([found.matrix for found in similar.values()]),
    )


def _similar(sources: Sources) -> Similar:
    influence = named_influence(sources).sum(("interval", "component"))
    names = influence["trained"].to_numpy()
    parts = decomposition(sources.influence, names)
    residual = (parts["residual"] / (parts["final"] - parts["initial"])).abs().max()
    return Similar(names, normalised(influence.to_numpy()), float(residual))


def _of_seed(run: str, similar: Similar, settings: LanguageClaimsSettings) -> dict[str, object]:
    row: dict[str, object] = {"run": run, "residual": similar.residual}
    families = families_of(similar.names, settings.families)
    if families is None:
        return row
    return row | agreement(similar.matrix, families, settings.permutations)._asdict()


def _agreement(matrices: list[Float[np.ndarray, "language language"]]) -> float:
    pairs = np.triu_indices(len(matrices[0]), 1)
    found = [
        spearmanr(one[pairs], other[pairs], nan_policy="omit").statistic
        for one, other in combinations(matrices, 2)
    ]
    return float(np.mean(found)) if found else np.nan
