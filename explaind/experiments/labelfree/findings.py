"""What is found of every claim: the numbers of the result of an experiment that it is about."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from explaind.experiments.disentanglement.tables import FALL, beta_effects, model_rows, named
from explaind.experiments.encoder_and_model.tables import mean_agreement
from explaind.experiments.example_consistency.tables import mean_differences, without_checks
from explaind.experiments.feature_consistency.tables import mean_areas, with_nothing_hidden
from explaind.experiments.labelfree.outcomes import Number, between, shown
from explaind.experiments.labelfree.statements import LARGE, LOW, MODERATE
from explaind.experiments.roar.tables import CONTROL, loss_curves
from explaind.report.method_names import EXAMPLE_METHOD_KINDS, EXAMPLE_METHODS, FEATURE_METHODS
from explaind.report.sources import Sources
from explaind.report.tables.confidence import mean_interval
from explaind.report.text import percent

METHODS = FEATURE_METHODS | EXAMPLE_METHODS
PUBLISHED = ("integrated_gradients", "gradient_shap", "saliency")
"""Methods of feature importance that were published."""

Row = Mapping[Hashable, Any]


class Finding(NamedTuple):
    """What was measured of a claim on one dataset: as published, and corrected."""

    published: tuple[Number, ...]
    corrected: tuple[Number, ...]


def feature_consistency(sources: Sources, key: str) -> Finding:
    """Compare areas with those of random pixels, and of the brightest first.

    Args:
        sources: the results.
        key: that of the one to read.

    Returns:
        The numbers.
    """
    areas = mean_areas(with_nothing_hidden(sources.result(key)))
    found = areas[areas["method"].isin(PUBLISHED)]

    def above(control: str) -> tuple[Number, ...]:
        numbers = []
        for case, row in _cases(found):
            ends = ("", "_low", "_high")
            mean, low, high = (row[f"above_{control}{end}"] for end in ends)
            own = {"mean": mean, "low": low, "high": high, "repetitions": row["repetitions"]}
            numbers.append(between(f"{case} above {control.replace('_', ' ')}", own, 0.0))
        return tuple(numbers)

    lit = [shown(number.case, number.mean) for number in above("random_lit")]
    known = [number for number in lit if not np.isnan(number.mean)]
    return Finding(above("random"), (*above("brightest"), *known))


def example_consistency(sources: Sources, key: str) -> Finding:
    """Compare rates with chance: of methods of the representation, and of the others.

    Args:
        sources: the results.
        key: that of the one to read.

    Returns:
        The numbers.
    """
    table = mean_differences(without_checks(sources.result(key)))
    of_representations = table["method"].map(EXAMPLE_METHOD_KINDS) == "representation"

    def against_chance(rows: pd.DataFrame) -> tuple[Number, ...]:
        numbers = []
        for case, row in _cases(rows):
            chance = row["chance"]
            bounds = {"most": (chance, np.inf), "least": (-np.inf, chance)}
            for end, (least, largest) in bounds.items():
                ends = {name: row[f"{end}_{name}"] for name in ("low", "high")}
                own = {"mean": row[end], **ends, "repetitions": row["repetitions"]}
                numbers.append(between(f"{case}, {end} important", own, least, largest))
        if not numbers:
            return ()
        few = percent(rows["fraction"].iloc[0])
        chance, limit = (rows[name].mean() for name in ("chance", "limit"))
        return (*numbers, shown("chance", chance), shown(f"limit of {few} selected", limit))

    return Finding(
        against_chance(table[of_representations]), against_chance(table[~of_representations])
    )


def pretext_features(sources: Sources, key: str) -> Finding:
    """Correlate the maps of two tasks: by GradientShap pooled, and image by image.

    Args:
        sources: the results.
        key: that of the one to read.

    Returns:
        The numbers.
    """
    pooled = _task_mean(sources, key, "gradient_shap", "pooled")
    by_image = _task_mean(sources, key, "integrated_gradients", "per sample")
    return Finding(
        (between("GradientShap, pooled", pooled, *MODERATE),),
        (between("integrated gradients, image by image", by_image, *MODERATE),),
    )


def pretext_examples(sources: Sources, key: str) -> Finding:
    """Correlate the distances of two tasks: of 1 / distance², and of log-distance.

    Args:
        sources: the results.
        key: that of the one to read.

    Returns:
        The numbers.
    """
    inverse = _task_mean(sources, key, "inverse_square_distance", "pooled")
    logarithm = _task_mean(sources, key, "log_distance", "pooled")
    return Finding(
        (between("1 / distance²", inverse, most=LOW),),
        (between("log-distance", logarithm, most=LOW),),
    )


def disentanglement(sources: Sources, key: str) -> Finding:
    """Compare the correlation of maps at the smallest and the largest beta.

    Args:
        sources: the results.
        key: that of the one to read.

    Returns:
        The numbers.
    """
    effects = beta_effects(model_rows(named(sources.store(key).load())))

    def change(scope: str) -> tuple[Number, ...]:
        return tuple(
            Number(
                f"{row['loss']}, beta {row['smallest']:g} to {row['largest']:g}",
                row["difference"],
                row["low"],
                row["high"],
                row["trainings"],
                row["low"] + FALL,
                row["high"],
            )
            for row in effects[effects["scope"] == scope].to_dict("records")
        )

    return Finding(change("all"), change("active"))


def encoder_and_model(sources: Sources, key: str) -> Finding:
    """Correlate maps of encoder and classifier: of softmax, and of the predicted class.

    Args:
        sources: the results.
        key: that of the one to read.

    Returns:
        The numbers.
    """
    means = mean_agreement(sources.result(key))

    def of(output: str) -> tuple[Number, ...]:
        return tuple(
            between(
                f"{METHODS[row['method']]}, {output}",
                {
                    "mean": row["mean"],
                    "low": row["mean"] - row["margin"],
                    "high": row["mean"] + row["margin"],
                    "repetitions": row["trainings"],
                },
                most=LARGE,
            )
            for row in means[means["output"] == output].to_dict("records")
        )

    logits = tuple(shown(number.case, number.mean) for number in of("logits"))
    return Finding((*of("softmax"), *logits), of("predicted class"))


def roar(sources: Sources, key: str) -> Finding:
    """Compare errors with those after random removal; the published masks show nothing.

    Args:
        sources: the results.
        key: that of the one to read.

    Returns:
        The numbers.
    """
    curves = loss_curves(sources.result(key))
    tried = curves[(curves["method"] != CONTROL) & curves["fraction"].between(0, 1, "neither")]
    trainings = sources.result(key)["replicate"].nunique()
    numbers = []
    for method, own in tried.groupby("method", sort=False):
        low, high = own["gain"] - own["gain_margin"], own["gain"] + own["gain_margin"]
        best = int(np.nanargmax(low)) if low.notna().any() else 0
        numbers.append(
            Number(
                f"{METHODS[str(method)]}, {percent(own['fraction'].iloc[best])} removed",
                float(own["gain"].iloc[best]),
                float(low.iloc[best]),
                float(high.iloc[best]),
                trainings,
                float(low.max()),  # at some fraction
                float(high.max()),
            )
        )
    return Finding((), tuple(numbers))


FINDINGS: dict[str, Callable[[Sources, str], Finding]] = {
    "feature_consistency": feature_consistency,
    "example_consistency": example_consistency,
    "pretext_features": pretext_features,
    "pretext_examples": pretext_examples,
    "disentanglement": disentanglement,
    "encoder_and_model": encoder_and_model,
    "roar": roar,
}
"""How the numbers of a result are read, by the kind of experiment."""


def _cases(table: pd.DataFrame) -> Iterator[tuple[str, Row]]:
    """Every row with its method, and its encoder if there are several."""
    several = len(table["encoder"].unique()) > 1
    for row in table.to_dict("records"):
        method = METHODS[row["method"]]
        yield f"{row['encoder']}: {method}" if several else method, row


def _task_mean(sources: Sources, key: str, case: str, over: str) -> dict[str, float]:
    """Mean Pearson correlation of two different tasks, with its interval over the replicates.

    Returns:
        What `mean_interval` does; NaN if the case was not measured.
    """
    correlation = sources.store(key)["correlation"].load()
    if case not in correlation["case"]:
        return {**dict.fromkeys(("mean", "low", "high"), np.nan), "repetitions": 0}
    itself = xr.DataArray(np.eye(correlation.sizes["task"], dtype=bool), dims=("task", "other"))
    chosen = correlation.sel(case=case, over=over, rank="pearson").where(~itself)
    return mean_interval(chosen.mean(("task", "other")).to_numpy())
