"""What the story is told from: the run, and the experiments on it that are not left out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from explaind.experiments.component_sets import NONE, set_name
from explaind.experiments.grokking.settings import GrokkingSettings
from explaind.experiments.influence_over_training.tables import (
    DATA,
    balance_table,
    crossings,
)
from explaind.experiments.retrain.tables import steps_by_case, steps_of_trainings
from explaind.experiments.similarity.cosines import component_grams, cosines
from explaind.experiments.similarity.samples import VALIDATION, sample_table
from explaind.experiments.similarity.tables import group_means
from explaind.experiments.swap.tables import swap_curves
from explaind.report.sources import Sources
from explaind.report.tables.classes import ALL_COMPONENTS
from explaind.report.tables.phases import Phases, find_phases
from explaind.report.tables.steps import influence_by_component

ACCURATE = 0.9
"""Validation accuracy from which a network with swapped components counts as accurate."""

KEY_SHARE = 0.1
"""Share of the power of all waves from which a frequency is a key frequency."""

WEIGHTS, SIMILARITY = "weights", "similarity"
"""Sources of the matrices of the experiment `spectrum`."""

TARGET, PUBLISHED = "target_logprob", "output_sum"
"""Explained outputs: that of the correct class, and the sum of all that the paper explains."""


@dataclass(frozen=True)
class Story:
    """Everything that phases, evidence and claims are worked out from; None = left out.

    Attributes:
        steps: number of steps of the run.
        metrics: one row per step.
        phases: memorisation and generalisation steps.
        statistics: the numbers of `validation.json`.
        influence: see `influence_by_component`, by gradient steps; empty if it was not kept.
        profiles: mean influence by difference of the results, see `difference_profile`, of the
            whole run and of the intervals that it kept; coordinates `start`, `stop` (interval).
        balance: see `balance_table`.
        crossings: see `influence_over_training.tables.crossings`.
        cosines: mean cosines of validation samples with each other, see `group_means`.
        spectrum: the table of the experiment `spectrum`.
        swapped: accuracies of the network with the outer layers of the trained one: the columns
            `step`, `accuracy` and `untouched`, of validation samples.
        retrained: see `steps_by_case`, of full validation accuracy.
        outer: name of the set of the outer layers.
        pipeline: name of the set of all others.
        but_attention: name of the set of all but the attention.
        embedding: the component that reads the numbers.
        last: the components that make the output.
    """

    steps: int
    metrics: pd.DataFrame
    phases: Phases
    statistics: Mapping[str, Any]
    influence: pd.DataFrame
    profiles: xr.DataArray
    balance: pd.DataFrame | None
    crossings: pd.DataFrame | None
    cosines: pd.DataFrame | None
    spectrum: pd.DataFrame | None
    swapped: pd.DataFrame | None
    retrained: pd.DataFrame | None
    outer: str
    pipeline: str
    but_attention: str
    embedding: str
    last: tuple[str, ...]

    def crossing(self, functional: str, larger: str) -> int | None:
        """Return when a part overtook the other by `D(Theta)` of all components.

        Args:
            functional: the explained output.
            larger: `DATA`: for the first time; `DECAY`: for the last time.

        Returns:
            The step, or None.
        """
        if self.crossings is None:
            return None
        found = self.crossings[
            (self.crossings["functional"] == functional)
            & (self.crossings["component"] == ALL_COMPONENTS)
            & (self.crossings["measure"] == "difference")
            & (self.crossings["larger"] == larger)
        ]["step"]
        if found.empty:
            return None
        return int(found.iloc[0] if larger == DATA else found.iloc[-1])

    @property
    def ready(self) -> int | None:
        """Return from when on the network is accurate with the outer layers of the trained one."""
        return None if self.swapped is None else held_from(self.swapped, "accuracy")

    @property
    def accurate(self) -> int | None:
        """Return from when on the network is accurate as it is, at the same checkpoints."""
        return None if self.swapped is None else held_from(self.swapped, "untouched")


def read_story(sources: Sources, settings: GrokkingSettings, profiles: xr.DataArray) -> Story:
    """Read what the story is told from.

    Args:
        sources: what the run left on disk.
        settings: the experiments, and what the outer layers are.
        profiles: mean influence by difference of the results, of the whole run first.

    Returns:
        The numbers.
    """
    metrics, influence, there = sources.metrics, sources.influence, sources.results
    components = [str(name).removeprefix("parameter_norm_") for name in metrics.columns]
    components = [name for name in components if f"parameter_norm_{name}" in metrics]
    outer = [name for name in components if name in {settings.embedding, *settings.last}]
    inner = [name for name in components if name not in outer]
    but_attention = [name for name in components if name not in settings.attention]
    balance = (
        balance_table(sources.result("influence_over_training"))
        if "influence_over_training" in there
        else None
    )
    return Story(
        steps=influence.sizes["step"],
        metrics=metrics,
        phases=find_phases(metrics),
        statistics=sources.statistics,
        influence=influence_by_component(influence, "gradient_step"),
        profiles=profiles,
        balance=balance,
        crossings=None if balance is None else crossings(balance),
        cosines=_cosines(sources) if "similarity" in there else None,
        spectrum=sources.result("spectrum") if "spectrum" in there else None,
        swapped=_swapped(sources, set_name(outer, components)) if "swap" in there else None,
        retrained=_retrained(sources) if "retrain" in there else None,
        outer=set_name(outer, components),
        pipeline=set_name(inner, components),
        but_attention=set_name(but_attention, components),
        embedding=settings.embedding,
        last=settings.last,
    )


def key_frequencies(spectrum: pd.DataFrame, step: int) -> dict[str, list[int]]:
    """Find the key frequencies of the weights at a step.

    Args:
        spectrum: the table of the experiment `spectrum`.
        step: the step.

    Returns:
        By tensor the frequencies that have `KEY_SHARE` of the power or more, at the last checkpoint
        that is no later than the step.
    """
    weights = spectrum[(spectrum["source"] == WEIGHTS) & (spectrum["start"] <= step)]
    latest = weights[weights["start"] == weights["start"].max()]
    keys = latest[latest["share"] >= KEY_SHARE].drop_duplicates(["component", "frequency"])
    return {
        str(tensor): sorted(keys.loc[keys["component"] == tensor, "frequency"].tolist())
        for tensor in latest["component"].unique()
    }


def held_from(curve: pd.DataFrame, column: str, level: float = ACCURATE) -> int | None:
    """Return the first step from which a curve stays at a level or above, None if it does not."""
    missed = np.flatnonzero(curve[column] < level)
    held = curve["step"].to_numpy()[missed[-1] + 1 if len(missed) else 0 :]
    return int(held[0]) if len(held) else None


def _cosines(sources: Sources) -> pd.DataFrame:
    store = sources.store("similarity")
    means = group_means(cosines(component_grams(store)), sample_table(store, sources.data))
    return means[means["others"] == VALIDATION]


def _swapped(sources: Sources, outer: str) -> pd.DataFrame | None:
    """The curve of the outer layers; None if the experiment did not swap that set."""
    curves = swap_curves(sources.store("swap").load())
    validation = curves[curves["split"] == VALIDATION]
    wide = validation.pivot_table(index="step", columns="swapped", values="accuracy")
    if outer not in wide:
        return None
    found = wide[[outer, NONE]].set_axis(["accuracy", "untouched"], axis=1)
    return found.reset_index()


def _retrained(sources: Sources) -> pd.DataFrame:
    return steps_by_case(steps_of_trainings(sources.result("retrain"), 1.0))
