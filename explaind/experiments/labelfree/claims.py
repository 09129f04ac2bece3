"""The claims about label-free explanations, each with its published number and its rule.

Claims are numbered as in the reproduction (Papp et al., "Reproducibility Study of Label-Free
Explainability for Unsupervised Models", https://openreview.net/forum?id=n2qXFXiMsAM). Its numbers
are those of its committed files, or measured again from its shipped models where it has none or
they are stale; which of both is said with each.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from explaind.experiments.disentanglement.tables import FALL, beta_effects, model_rows, named
from explaind.experiments.encoder_and_model.tables import mean_agreement
from explaind.experiments.example_consistency.tables import mean_differences, without_checks
from explaind.experiments.feature_consistency.tables import (
    CONTROLS,
    mean_areas,
    with_nothing_hidden,
)
from explaind.experiments.roar.tables import CONTROL as ROAR_CONTROL
from explaind.experiments.roar.tables import loss_curves
from explaind.report.claims import (
    LEFT_OUT,
    UNDECIDED,
    Claim,
    both,
    claims_table,
)
from explaind.report.method_names import (
    EXAMPLE_METHOD_KINDS,
    EXAMPLE_METHODS,
    FEATURE_METHODS,
)
from explaind.report.sources import Sources
from explaind.report.tables.confidence import mean_interval
from explaind.report.text import number, percent, signed

METHODS = FEATURE_METHODS | EXAMPLE_METHODS
PUBLISHED = ("integrated_gradients", "gradient_shap", "saliency")
"""Methods of feature importance that were published."""

MODERATE = (0.3, 0.7)
LOW = 0.3  # largest correlation that counts as low
LARGE = 0.9  # least correlation that counts as near agreement


def verdicts(sources: Sources) -> pd.DataFrame:
    """Judge every claim.

    Args:
        sources: the results of the experiments that are not left out.

    Returns:
        One row per claim with the columns of `Claim`.
    """
    return claims_table(
        claim(sources if kind in sources.results else None)._replace(shown_by=kind)
        for kind, claim in CLAIMS
    )


def _feature_consistency(sources: Sources | None) -> Claim:
    claim = Claim(
        "1.1 Hiding the features called important moves a representation further than hiding "
        "random ones.",
        "shift with 5 % hidden, MNIST: GradientShap .41 (rows paired right .54), integrated "
        "gradients .65, saliency .10, random .003; random lit pixels .07, brightest first .32. "
        "ECG5000: 11.2 (12.2), 12.2, 1.3, random .36 (measured again from shipped models)",
        *("", ""),
        "area above that of the control, by its 95 % interval, for each published method: random "
        "pixels (as published), brightest first (corrected)",
        LEFT_OUT,
    )
    if sources is None:
        return claim
    areas = mean_areas(with_nothing_hidden(sources.result("feature_consistency")))
    found = areas[areas["method"].isin(PUBLISHED)]
    texts = {
        control: _by_encoder(found, partial(_with_interval, f"above_{control}"))
        for control in CONTROLS
    }
    return claim._replace(
        published=f"area to 20 % hidden, above random pixels: {texts['random']}",
        corrected=f"above brightest first: {texts['brightest']}; above random pixels that are not "
        f"black: {texts['random_lit']}",
        verdict=_above_zero(
            (found[f"above_{control}_low"], found[f"above_{control}_high"])
            for control in ("random", "brightest")
        ),
    )


def _example_consistency(sources: Sources | None) -> Claim:
    claim = Claim(
        "1.2 The training samples called important have the label of the test sample far more "
        "often than chance, the least important less often.",
        "5 % most and least important, MNIST: DKNN .80 and .00, cosine .73 and .00, SimplEx .56 "
        "and .00, gradient product .37, influence functions as coded .39; chance .10. ECG5000: "
        "DKNN .98 and .33, cosine .98 and .25, SimplEx .92 and .57; chance .50 (measured again "
        "from shipped models)",
        *("", ""),
        "most above and least below chance, by 95 % intervals, for each method: those that compare "
        "representations (as published), and those of the loss and of the training (corrected)",
        LEFT_OUT,
    )
    if sources is None:
        return claim
    table = mean_differences(without_checks(sources.result("example_consistency")))
    of_representations = table["method"].map(EXAMPLE_METHOD_KINDS) == "representation"
    ways = (table[of_representations], table[~of_representations])
    texts = [
        _by_encoder(way, lambda row: f"{number(row['most'], 2)} and {number(row['least'], 2)}")
        for way in ways
    ]
    chance, limit = (number(table[name].mean(), 2) for name in ("chance", "limit"))
    few = percent(table["fraction"].iloc[0])
    margins = [
        (
            pd.concat([way["most_low"] - way["chance"], way["chance"] - way["least_high"]]),
            pd.concat([way["most_high"] - way["chance"], way["chance"] - way["least_low"]]),
        )
        for way in ways
        if len(way)
    ]
    return claim._replace(
        published=f"{few} most and least: {texts[0] or 'n/a'}; chance {chance}, limit {limit}",
        corrected=texts[1] or "n/a, no method of the loss or of the training",
        verdict=_above_zero(margins),
    )


def _features(sources: Sources | None) -> Claim:
    claim = Claim(
        "2.1 Encoders of different pretext tasks agree moderately on which pixels matter.",
        "MNIST, GradientShap .31 to .44; with its pairing of rows corrected .31 to .43; "
        "integrated gradients .35 to .56 (measured again from shipped models)",
        *("", ""),
        f"between {MODERATE[0]} and {MODERATE[1]}, with the whole 95 % interval",
        LEFT_OUT,
    )
    if sources is None:
        return claim
    published = _task_mean(sources, "pretext_features", "gradient_shap", "pooled")
    corrected = _task_mean(sources, "pretext_features", "integrated_gradients", "per sample")
    return claim._replace(
        published="mean Pearson correlation of two tasks, GradientShap, pooled: "
        + _mean_with_interval(published),
        corrected=f"integrated gradients, image by image: {_mean_with_interval(corrected)}",
        verdict=_above_zero(_within(ends, *MODERATE) for ends in (published, corrected)),
    )


def _examples(sources: Sources | None) -> Claim:
    claim = Claim(
        "2.2 They agree little on which training images matter.",
        "MNIST, Pearson .05 to .14 with pixels of 0 to 255, .09 to .40 with the right scale; "
        "Spearman .38 to .78 (measured again from shipped models)",
        *("", ""),
        f"at most {LOW}, with the whole 95 % interval",
        LEFT_OUT,
    )
    if sources is None:
        return claim
    published = _task_mean(sources, "pretext_examples", "inverse_square_distance", "pooled")
    corrected = _task_mean(sources, "pretext_examples", "log_distance", "pooled")
    return claim._replace(
        published="mean Pearson correlation of two tasks, of 1 / distance²: "
        + _mean_with_interval(published),
        corrected="of log-distance, which no near duplicate decides: "
        + _mean_with_interval(corrected),
        verdict=_above_zero(_within(ends, -np.inf, LOW) for ends in (published, corrected)),
    )


def _disentangled(sources: Sources | None) -> Claim:
    claim = Claim(
        "3 A larger beta does not make latent units attend to more different pixels.",
        "correlation of maps with beta over 30 models: MNIST -.02, dSprites +.56, CIFAR-100 +.29 "
        "(committed files)",
        *("", ""),
        f"no fall of the correlation of maps by {FALL}, by the 95 % interval of its change, for "
        "each loss; not, if all of an interval is below zero",
        LEFT_OUT,
    )
    if sources is None:
        return claim
    effects = beta_effects(model_rows(named(sources.store("disentanglement").load())))
    texts, ways = {}, []
    for scope in ("all", "active"):
        own = effects[effects["scope"] == scope]
        texts[scope] = "; ".join(
            f"{row['loss']} {signed(row['difference'], 2)} ({signed(row['low'], 2)} to"
            f" {signed(row['high'], 2)})"
            for row in own.dropna(subset="low").to_dict("records")
        )
        ways.append((own["low"] + FALL, own["high"]))
    return claim._replace(
        published=f"change from smallest to largest beta, all units: {texts['all'] or 'n/a'}",
        corrected="active units only: "
        + (texts["active"] or "n/a, too few models with two active units"),
        verdict=_above_zero(ways),
    )


def _full_model(sources: Sources | None) -> Claim:
    claim = Claim(
        "Fig. 5: importance of the encoder alone differs from that of the full model.",
        "integrated gradients .43, GradientShap .34, saliency .18 (committed, stale); from the "
        "shipped models .97, .53 (paired right .82), .96; with softmax .62, .38, .26",
        *("", ""),
        f"correlation below {LARGE}, with the whole 95 % interval, for every method: of softmax "
        "(as published) and of the predicted class (corrected)",
        LEFT_OUT,
    )
    if sources is None:
        return claim
    means = mean_agreement(sources.result("encoder_and_model")).set_index("output")
    texts = {
        output: ", ".join(
            f"{METHODS[row['method']]} {number(row['mean'], 2)} ± {number(row['margin'], 2)}"
            for row in means.loc[[output]].to_dict("records")
        )
        for output in ("logits", "softmax", "predicted class")
    }
    ways = (means.loc[[output]] for output in ("softmax", "predicted class"))
    return claim._replace(
        published=f"softmax: {texts['softmax']}; logits: {texts['logits']}",
        corrected=f"logit of the predicted class: {texts['predicted class']}",
        verdict=_above_zero(
            (LARGE - way["mean"] - way["margin"], LARGE - way["mean"] + way["margin"])
            for way in ways
        ),
    )


def _roar(sources: Sources | None) -> Claim:
    claim = Claim(
        "ROAR: without the pixels called important an autoencoder learns less than without random "
        "ones.",
        "curves without stored numbers; masks lay on other images, so they show nothing",
        *("", ""),
        "error above that of random pixels, by its 95 % interval, for every method at some "
        "fraction below all (partly: for some method)",
        LEFT_OUT,
    )
    if sources is None:
        return claim
    curves = loss_curves(sources.result("roar"))
    tried = curves[(curves["method"] != ROAR_CONTROL) & curves["fraction"].between(0, 1, "neither")]
    best, ways = {}, []
    for method, own in tried.groupby("method", sort=False):
        low, high = own["gain"] - own["gain_margin"], own["gain"] + own["gain_margin"]
        best[method] = own.iloc[int(np.nanargmax(low)) if low.notna().any() else 0]
        ways.append((pd.Series([low.max()]), pd.Series([high.max()])))  # at some fraction
    text = ", ".join(
        f"{METHODS[str(method)]} {signed(row['gain'], 2)} ± "
        f"{number(row['gain_margin'], 2)} at {percent(row['fraction'])}"
        for method, row in best.items()
    )
    return claim._replace(
        published="not computed: masks of other images",
        corrected=f"error above random: {text or 'no method'}",
        verdict=_above_zero(ways),
    )


CLAIMS: tuple[tuple[str, Callable[[Sources | None], Claim]], ...] = (
    ("feature_consistency", _feature_consistency),
    ("example_consistency", _example_consistency),
    ("pretext_features", _features),
    ("pretext_examples", _examples),
    ("disentanglement", _disentangled),
    ("encoder_and_model", _full_model),
    ("roar", _roar),
)
"""The claims in the order of the table, with the kind of experiment that measures each."""


def _by_encoder(table: pd.DataFrame, text: Callable[[Mapping[Hashable, Any]], str]) -> str:
    """A text for each method, by encoder; the name of the only encoder is left out."""
    texts = dict[str, list[str]]()
    for row in table.to_dict("records"):
        texts.setdefault(row["encoder"], []).append(f"{METHODS[row['method']]} {text(row)}")
    joined = {encoder: ", ".join(own) for encoder, own in texts.items()}
    named = (f"{encoder}: {own}" if len(joined) > 1 else own for encoder, own in joined.items())
    return "; ".join(named)


def _with_interval(key: str, row: Mapping[Hashable, Any]) -> str:
    value, low, high = (signed(row[name], 2) for name in (key, f"{key}_low", f"{key}_high"))
    return f"{value} ({low} to {high})"


def _above_zero(ways: Iterable[tuple[pd.Series, pd.Series]]) -> str:
    """The verdict on intervals, (low, high) of each way, that are all to be above zero.

    Nothing is decided by an interval that is missing, nor by those alone that have zero in them:
    these are of too few trainings.

    Returns:
        The verdict.
    """
    held, decided = [], []
    for low, high in ways:
        if low.isna().any():
            return UNDECIDED
        held.append(bool(len(low)) and bool((low > 0).all()))
        decided.append(held[-1] or bool((high <= 0).any()))
    return both(held) if any(held) or (decided and all(decided)) else UNDECIDED


def _task_mean(sources: Sources, key: str, case: str, over: str) -> Mapping[str, float]:
    """Mean Pearson correlation of two different tasks, with its interval over the replicates.

    Returns:
        What `mean_interval` does; NaN if the case was not measured.
    """
    correlation = sources.store(key)["correlation"].load()
    if case not in correlation["case"]:
        return dict.fromkeys(("mean", "low", "high"), np.nan)
    itself = xr.DataArray(np.eye(correlation.sizes["task"], dtype=bool), dims=("task", "other"))
    chosen = correlation.sel(case=case, over=over, rank="pearson").where(~itself)
    return mean_interval(chosen.mean(("task", "other")).to_numpy())


def _mean_with_interval(ends: Mapping[str, float]) -> str:
    return f"{number(ends['mean'], 2)} ({number(ends['low'], 2)} to {number(ends['high'], 2)})"


def _within(
    ends: Mapping[str, float], smallest: float, largest: float
) -> tuple[pd.Series, pd.Series]:
    """How far the mean is from both bounds, inside of them: at least, and at most."""
    at_least = pd.Series([ends["low"] - smallest, largest - ends["high"]])
    return at_least, pd.Series([ends["high"] - smallest, largest - ends["low"]])
