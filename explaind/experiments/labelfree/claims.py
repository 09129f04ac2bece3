"""The claims about label-free explanations, each with its published number and its rule.

Claims are numbered as in the reproduction (FACT, "Reproducibility study of Label-Free
Explainability"). Its numbers are those of its committed files, or measured again from its shipped
models where it has none or they are stale; which of both is said with each.
"""

from collections.abc import Callable, Mapping
from itertools import product

import numpy as np
import pandas as pd
import xarray as xr

from explaind.experiments.disentanglement.tables import beta_effects, model_rows, named
from explaind.experiments.encoder_and_model.tables import mean_agreement
from explaind.experiments.roar.tables import CONTROL, loss_curves
from explaind.report.claims import (
    LEFT_OUT,
    NOT,
    PARTLY,
    REPRODUCED,
    UNDECIDED,
    Claim,
    both,
    claims_table,
)
from explaind.report.sources import Sources
from explaind.report.text import number, percent, signed

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


def _features(sources: Sources | None) -> Claim:
    found = {} if sources is None else _task_means(sources, "pretext_features")
    published = found.get(("gradient_shap", "pooled", "pearson"), np.nan)
    corrected = found.get(("integrated_gradients", "per sample", "pearson"), published)
    low, high = MODERATE
    return Claim(
        "2.1 Encoders of different pretext tasks agree moderately on which pixels matter.",
        "MNIST, GradientShap .31 to .44; with its pairing of rows corrected .31 to .43; "
        "integrated gradients .35 to .56 (measured again from shipped models)",
        f"mean Pearson correlation of two tasks {number(published, 2)} (GradientShap, pooled)",
        f"{number(corrected, 2)} (integrated gradients, image by image)",
        f"between {low} and {high}",
        LEFT_OUT if sources is None else both(low <= x <= high for x in (published, corrected)),
    )


def _examples(sources: Sources | None) -> Claim:
    found = {} if sources is None else _task_means(sources, "pretext_examples")
    published = found.get(("inverse_square_distance", "pooled", "pearson"), np.nan)
    corrected = found.get(("log_distance", "pooled", "pearson"), np.nan)
    return Claim(
        "2.2 They agree little on which training images matter.",
        "MNIST, Pearson .05 to .14 with pixels of 0 to 255, .09 to .40 with the right scale; "
        "Spearman .38 to .78 (measured again from shipped models)",
        f"mean Pearson correlation of two tasks {number(published, 2)}, of 1 / distance²",
        f"{number(corrected, 2)}, of log-distance, which no near duplicate decides",
        f"at most {LOW}",
        LEFT_OUT if sources is None else both(x <= LOW for x in (published, corrected)),
    )


def _disentangled(sources: Sources | None) -> Claim:
    claim = Claim(
        "3 A larger beta does not make latent units attend to more different pixels.",
        "correlation of maps with beta over 30 models: MNIST -.02, dSprites +.56, CIFAR-100 +.29 "
        "(committed files)",
        *("", ""),
        "no fall of the correlation of maps, by its 95 % interval, for either loss",
        LEFT_OUT,
    )
    if sources is None:
        return claim
    effects = beta_effects(model_rows(named(sources.store("disentanglement").load())))
    known = effects.dropna(subset="low")
    texts, holds = {}, {}
    for scope in ("all", "active"):
        own = known[known["scope"] == scope]
        texts[scope] = "; ".join(
            f"{row['loss']} {signed(row['difference'], 2)} ({signed(row['low'], 2)} to"
            f" {signed(row['high'], 2)})"
            for row in own.to_dict("records")
        )
        holds[scope] = bool(len(own)) and bool((own["high"] >= 0).all())
    return claim._replace(
        published=f"change from smallest to largest beta, all units: {texts['all'] or 'n/a'}",
        corrected=f"active units only: {texts['active'] or 'n/a, fewer than two active units'}",
        verdict=both(holds.values()) if len(known) else UNDECIDED,
    )


def _full_model(sources: Sources | None) -> Claim:
    claim = Claim(
        "Fig. 5: importance of the encoder alone differs from that of the full model.",
        "integrated gradients .43, GradientShap .34, saliency .18 (committed, stale); from the "
        "shipped models .97, .53 (paired right .82), .96; with softmax .62, .38, .26",
        *("", ""),
        f"correlation below {LARGE} for softmax (as published) and for the predicted class",
        LEFT_OUT,
    )
    if sources is None:
        return claim
    means = mean_agreement(sources.result("encoder_and_model")).set_index("output")
    texts = {
        output: ", ".join(
            f"{row['method'].replace('_', ' ')} {number(row['mean'], 2)} ± "
            f"{number(row['margin'], 2)}"
            for row in means.loc[[output]].to_dict("records")
        )
        for output in ("logits", "softmax", "predicted class")
    }
    largest = {output: float(means.loc[[output], "mean"].max()) for output in texts}
    return claim._replace(
        published=f"softmax: {texts['softmax']}; logits: {texts['logits']}",
        corrected=f"logit of the predicted class: {texts['predicted class']}",
        verdict=both(largest[output] < LARGE for output in ("softmax", "predicted class")),
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
    tried = curves[(curves["method"] != CONTROL) & curves["fraction"].between(0, 1, "neither")]
    best = {}
    for method, own in tried.groupby("method", sort=False):
        margin = own["gain"] - own["gain_margin"]
        best[method] = own.iloc[int(np.nanargmax(margin)) if margin.notna().any() else 0]
    above = [bool(row["gain"] - row["gain_margin"] > 0) for row in best.values()]
    text = ", ".join(
        f"{str(method).replace('_', ' ')} {signed(row['gain'], 2)} ± "
        f"{number(row['gain_margin'], 2)} at {percent(row['fraction'])}"
        for method, row in best.items()
    )
    return claim._replace(
        published="not computed: masks of other images",
        corrected=f"error above random: {text or 'no method'}",
        verdict=REPRODUCED if above and all(above) else PARTLY if any(above) else NOT,
    )


CLAIMS: tuple[tuple[str, Callable[[Sources | None], Claim]], ...] = (
    ("pretext_features", _features),
    ("pretext_examples", _examples),
    ("disentanglement", _disentangled),
    ("encoder_and_model", _full_model),
    ("roar", _roar),
)
"""The claims in the order of the table, with the kind of experiment that measures each."""


def _task_means(sources: Sources, key: str) -> Mapping[tuple[str, str, str], float]:
    """Mean correlation of two different tasks over pairs and replicates, by case, over and rank."""
    correlation = sources.store(key)["correlation"].load()
    itself = xr.DataArray(np.eye(correlation.sizes["task"], dtype=bool), dims=("task", "other"))
    means = correlation.where(~itself).mean(("replicate", "task", "other"))
    return {
        (str(case), str(over), str(rank)): float(means.sel(case=case, over=over, rank=rank))
        for case, over, rank in product(*(means[name].to_numpy() for name in means.dims))
    }
