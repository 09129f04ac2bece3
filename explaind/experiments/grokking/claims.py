"""What the paper claims of a network that groks, beside what this run shows.

A claim is judged by numbers and a stated rule, so that a run may contradict the paper. Where the
published way to compute a number differs from what it is meant to be, both are given.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from explaind.experiments.component_sets import NONE
from explaind.experiments.grokking.story import (
    ACCURATE,
    KEY_SHARE,
    PUBLISHED,
    SIMILARITY,
    TARGET,
    Story,
    key_frequencies,
)
from explaind.experiments.influence_over_training.tables import DECAY
from explaind.experiments.similarity.samples import OTHERS, SAME_CLASS, SAME_INPUT
from explaind.report.claims import LEFT_OUT, NOT, PARTLY, REPRODUCED, Claim, both, claims_table
from explaind.report.text import number, percent, signed, step

AGREEMENT = {REPRODUCED: 0.99, PARTLY: 0.9}
NEAR = 0.1  # of the steps: how close two moments are to count as one
COSINE = 0.1  # larger mean cosine that counts as more similar
RATIO = 3.0  # times the influence of other results that counts as more
FEW = 0.8  # of the power in five frequencies that counts as few
HALF = 0.5  # of the variance that counts as explained
FASTER = 0.5  # share of the steps that counts as far fewer


def verdicts(story: Story) -> pd.DataFrame:
    """Judge every claim.

    Args:
        story: what is known of the run.

    Returns:
        One row per claim with the columns of `Claim`.
    """
    return claims_table(claim(story) for claim in CLAIMS)


def _replicates(story: Story) -> Claim:
    agreement = float(story.statistics["argmax_agreement"])
    return Claim(
        "The sum over training samples and steps replicates the network.",
        "“accurately”",
        f"same prediction for {percent(agreement)} of the validation samples",
        "",
        "at least 99 % (partly: 90 %)",
        _at_least(agreement, AGREEMENT),
    )


def _delay(story: Story) -> Claim:
    memorised, generalised = story.phases.memorisation, story.phases.generalisation
    verdict = NOT if memorised is None else PARTLY if generalised is None else REPRODUCED
    return Claim(
        "The network memorises its training data and generalises only much later (grokking).",
        "training ends at step 1,939, when both accuracies are 100 %",
        f"memorised at step {step(memorised)}, generalised at step {step(generalised)}",
        "",
        "training accuracy is held before validation accuracy is (partly: only the first)",
        verdict,
    )


def _balance(story: Story) -> Claim:
    moments = {name: story.crossing(name, DECAY) for name in (PUBLISHED, TARGET)}
    texts = {name: f"D(Θ) falls below 0 at step {step(found)}" for name, found in moments.items()}
    return Claim(
        "Learning and weight decay come into balance as the network generalises.",
        "curves of D(Θ), no number",
        texts[PUBLISHED],
        texts[TARGET],
        "within 10 % of the steps from generalisation",
        LEFT_OUT if story.balance is None else both(_near(story, at) for at in moments.values()),
        shown_by="influence_over_training",
    )


def _embedding(story: Story) -> Claim:
    return _similar(
        story,
        "Through the embedding, samples that share a number are similar.",
        (story.embedding,),
        SAME_INPUT,
    )


def _last_layers(story: Story) -> Claim:
    return _similar(
        story,
        "Through the last layers, samples of the same result are similar (periodic in a + b).",
        story.last,
        SAME_CLASS,
    )


def _similar(story: Story, claim: str, components: tuple[str, ...], group: str) -> Claim:
    gains = {
        name: [_cosine_gain(story.cosines, name, component, group) for component in components]
        for name in (PUBLISHED, TARGET)
    }
    texts = {
        name: ", ".join(
            f"{signed(gain, 2)} ({part})" for gain, part in zip(found, components, strict=True)
        )
        for name, found in gains.items()
    }
    enough = (min(found) >= COSINE for found in gains.values())
    return Claim(
        claim,
        "heat maps of cosines, no number",
        f"mean cosine less that of unrelated pairs: {texts[PUBLISHED]}",
        texts[TARGET],
        f"larger by {COSINE} or more",
        LEFT_OUT if story.cosines is None else both(enough),
        shown_by="similarity",
    )


def _matrices(story: Story) -> Claim:
    others = float(np.nanmean(np.abs(story.profile[1:])))
    ratio = float(story.profile[0]) / others if others else float("inf")
    return Claim(
        "Training pairs influence validation pairs by their result: a structure in a + b.",
        "heat maps of influence, no number",
        f"a pair of the same result has {number(ratio, 2)} times the mean size of others",
        "",
        f"{number(RATIO)} times or more (partly: more than once)",
        REPRODUCED if ratio >= RATIO else PARTLY if ratio > 1 else NOT,
    )


def _few_frequencies(story: Story) -> Claim:
    component = max(story.last, key=lambda name: _strongest(story, PUBLISHED, name)[1])
    found = {name: _strongest(story, name, component) for name in (PUBLISHED, TARGET)}
    texts = {
        name: f"the five strongest hold {percent(share)} of the power of all waves, which explain "
        f"{percent(explained)} of the variance"
        for name, (share, explained) in found.items()
    }
    enough = (share >= FEW and explained >= HALF for share, explained in found.values())
    return Claim(
        f"A few frequencies of a + b explain which samples are similar ({component}).",
        "five waves: periods 14, 35, 41, 42 and 52 of 113; Lasso",
        texts[PUBLISHED],
        texts[TARGET],
        f"at least {percent(FEW)} and {percent(HALF)}",
        LEFT_OUT if story.spectrum is None else both(enough),
        shown_by="spectrum",
    )


def _aligned(story: Story) -> Claim:
    keys = {} if story.spectrum is None else key_frequencies(story.spectrum, story.steps)
    common = set.intersection(*map(set, keys.values())) if keys else set()
    every = set().union(*keys.values()) if keys else set()
    listed = "; ".join(f"{name}: {', '.join(map(str, k)) or 'none'}" for name, k in keys.items())
    verdict = REPRODUCED if every and common == every else PARTLY if common else NOT
    return Claim(
        "Embedding and output layer align: they use the same frequencies.",
        "“alignment of input embeddings and final layers”, no number",
        f"key frequencies of the trained weights: {listed}",
        "",
        f"the same frequencies have {percent(KEY_SHARE)} of the power or more (partly: some)",
        LEFT_OUT if story.spectrum is None else verdict,
        shown_by="spectrum",
    )


def _swap(story: Story) -> Claim:
    ready, accurate = story.ready, story.accurate
    lead = None if ready is None or accurate is None else accurate - ready
    verdict = NOT if not lead or lead < 0 else REPRODUCED if lead >= NEAR * story.steps else PARTLY
    return Claim(
        f"With the outer layers of the trained network ({story.outer}) an earlier network is "
        "accurate long before it is by itself.",
        "confusion matrices at steps 1,100 and 1,700 of 1,939",
        f"{percent(ACCURATE)} accurate from step {step(ready)}, by itself from {step(accurate)}",
        "",
        "earlier by 10 % of the steps or more (partly: earlier)",
        LEFT_OUT if story.swapped is None else verdict,
        shown_by="swap",
    )


def _pipeline(story: Story) -> Claim:
    ready, memorised = story.ready, story.phases.memorisation
    after = ready is not None and memorised is not None and ready > memorised
    return Claim(
        "What lies between the outer layers (the representation pipeline) is learned after "
        "memorisation.",
        "no number",
        f"ready at step {step(ready)}, memorised at step {step(memorised)}",
        "",
        "ready after the network memorised",
        LEFT_OUT if story.swapped is None else REPRODUCED if after else NOT,
        shown_by="swap",
    )


def _retrain(story: Story) -> Claim:
    medians = {} if story.retrained is None else _medians(story.retrained)
    kept, control = (medians.get(name) for name in (story.pipeline, story.outer))
    return Claim(
        f"A network that starts with the pipeline alone ({story.pipeline}) generalises far faster "
        "than one that starts with the outer layers.",
        "learning curves of 501 epochs, 5 seeds",
        f"median: {_steps(kept)}; outer layers: {_steps(control)}; random numbers alone:"
        f" {_steps(medians.get(NONE))}",
        "",
        "half the steps or fewer (partly: fewer)",
        LEFT_OUT if not medians else _faster(kept, control),
        shown_by="retrain",
    )


CLAIMS: tuple[Callable[[Story], Claim], ...] = (
    _replicates,
    _delay,
    _balance,
    _matrices,
    _embedding,
    _last_layers,
    _few_frequencies,
    _aligned,
    _pipeline,
    _swap,
    _retrain,
)
"""The claims in the order of the table."""


def _at_least(value: float, limits: Mapping[str, float]) -> str:
    return next((verdict for verdict, limit in limits.items() if value >= limit), NOT)


def _near(story: Story, moment: int | None) -> bool:
    """Return whether a moment is near generalisation."""
    generalised = story.phases.generalisation
    if moment is None or generalised is None:
        return False
    return abs(moment - generalised) <= NEAR * story.steps


def _cosine_gain(cosines: pd.DataFrame | None, name: str, component: str, group: str) -> float:
    """Mean cosine of a group of pairs over the whole run, less that of pairs of nothing alike."""
    if cosines is None:
        return float("nan")
    rows = cosines[
        (cosines["functional"] == name)
        & (cosines["component"] == component)
        & (cosines["interval"] == 0)
    ].set_index("group")["cosine"]
    return float(rows.get(group, np.nan) - rows.get(OTHERS, np.nan))


def _strongest(story: Story, functional: str, component: str) -> tuple[float, float]:
    """Share of the five strongest waves in the power of all, and of all in the variance."""
    if story.spectrum is None:
        return float("nan"), float("nan")
    rows = story.spectrum[
        (story.spectrum["source"] == SIMILARITY)
        & (story.spectrum["functional"] == functional)
        & (story.spectrum["component"] == component)
        & (story.spectrum["interval"] == 0)
    ]
    return float(rows["share"].nlargest(5).sum()), float(rows["explained"].max())


def _medians(retrained: pd.DataFrame) -> dict[str, float]:
    """Median steps by set of components, taken from the latest source; NaN = more than trained."""
    ordered = retrained.sort_values("source", kind="stable")
    latest = ordered.groupby("transplanted", sort=False).tail(1)
    return dict(
        zip(latest["transplanted"].astype(str), latest["median"].astype(float), strict=True)
    )


def _faster(kept: float | None, control: float | None) -> str:
    if kept is None or control is None or np.isnan(kept):
        return NOT
    if np.isnan(control) or kept <= FASTER * control:
        return REPRODUCED
    return PARTLY if kept < control else NOT


def _steps(median: float | None) -> str:
    if median is None:
        return "not tried"
    return "more steps than were trained" if np.isnan(median) else f"{step(int(median))} steps"
