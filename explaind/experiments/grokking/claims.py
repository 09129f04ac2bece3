"""What the paper claims of a network that groks, beside what this run shows.

A claim is judged by numbers and a stated rule, so that a run may contradict the paper. Where the
published way to compute a number differs from what it is meant to be, both are given.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import xarray as xr

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
from explaind.report.tables.phases import HOLD, THRESHOLD
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
        "the same for at least 99 % (partly: 90 %)",
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
        f"training accuracy stays at {percent(THRESHOLD)}, validation accuracy only {HOLD} steps "
        "later or more (partly: it never does)",
        verdict,
    )


def _balance(story: Story) -> Claim:
    moments = {name: story.crossing(name, DECAY) for name in (PUBLISHED, TARGET)}
    texts = {
        name: "D(Θ) does not fall below 0"
        if found is None
        else f"D(Θ) falls below 0 at step {step(found)}"
        for name, found in moments.items()
    }
    return Claim(
        "Learning and weight decay come into balance as the network generalises.",
        "curves of D(Θ), no number",
        texts[PUBLISHED],
        texts[TARGET],
        "at most 10 % of all steps before or after the network generalises",
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
    enough = [min(found) >= COSINE for found in gains.values()]
    measured = np.isfinite([*gains.values()]).all()
    return Claim(
        claim,
        "heat maps of cosines, no number",
        f"mean cosine less that of unrelated pairs: {texts[PUBLISHED]}",
        texts[TARGET],
        f"every component: at least {signed(COSINE)}",
        LEFT_OUT if story.cosines is None else both(enough) if measured else UNDECIDED,
        shown_by="similarity",
    )


def _matrices(story: Story) -> Claim:
    ratio = _ratio(story.profiles[0])
    return Claim(
        "Training pairs influence validation pairs by their result: a structure in a + b.",
        "heat maps of influence, no number",
        f"a pair of the same result has {number(ratio, 2)} times the mean size of others",
        "",
        f"at least {number(RATIO)} times the size (partly: more than 1)",
        REPRODUCED if ratio >= RATIO else PARTLY if ratio > 1 else NOT,
    )


def _emergence(story: Story) -> Claim:
    memorised, intervals = story.phases.memorisation, story.profiles[1:]
    ratios, shares = (np.nan, np.nan), (np.nan, np.nan)
    if memorised is not None:
        earlier = intervals[(intervals["stop"] <= memorised).to_numpy()]
        later = intervals[(intervals["start"] >= memorised).to_numpy()]
        ratios = _median(_ratio, earlier), _median(_ratio, later)
        shares = _median(_few_waves, earlier), _median(_few_waves, later)
    found = [before < limit <= after for (before, after), limit in ((ratios, RATIO), (shares, FEW))]
    return Claim(
        "That structure emerges: before the network memorised it is not there.",
        "heat maps at steps 200, 250, 500, 1,100 and 1,900 of 1,939",
        f"median interval before memorisation: {number(ratios[0], 2)} times the mean size of "
        f"others; afterwards: {number(ratios[1], 2)} times",
        f"without the pairs of the same result: five waves of a + b hold {percent(shares[0])} of "
        f"the power before, {percent(shares[1])} afterwards",
        f"less than {number(RATIO)} times and {percent(FEW)} before, at least that afterwards",
        LEFT_OUT
        if not len(intervals)
        else both(found)
        if np.isfinite([*ratios, *shares]).all()
        else UNDECIDED,
    )


def _few_frequencies(story: Story) -> Claim:
    component = max(story.last, key=lambda name: _strongest(story, PUBLISHED, name)[1])
    found = {name: _strongest(story, name, component) for name in (PUBLISHED, TARGET)}
    texts = {
        name: f"the five strongest hold {percent(share)} of the power of all waves, which explain "
        f"{percent(explained)} of the variance"
        for name, (share, explained) in found.items()
    }
    enough = [share >= FEW and explained >= HALF for share, explained in found.values()]
    measured = np.isfinite([*found.values()]).all()
    return Claim(
        f"A few frequencies of a + b explain which samples are similar ({component}).",
        "five waves: periods 14, 35, 41, 42 and 52 of 113; Lasso",
        texts[PUBLISHED],
        texts[TARGET],
        f"at least {percent(FEW)} of the power, and {percent(HALF)} of the variance",
        LEFT_OUT if story.spectrum is None else both(enough) if measured else UNDECIDED,
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
        f"key frequencies ({percent(KEY_SHARE)} of the power or more) are the same (partly: some)",
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
        "earlier by at least 10 % of all steps (partly: by less)",
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
        f"with the outer layers of the trained network {percent(ACCURATE)} accurate from step "
        f"{step(ready)}; memorised at step {step(memorised)}",
        "",
        "accurate with these layers only after the network memorised",
        LEFT_OUT if story.swapped is None else REPRODUCED if after else NOT,
        shown_by="swap",
    )


def _from_scratch(story: Story) -> Claim:
    return _faster(story, NONE, "random numbers alone", "no number")


def _retrain(story: Story) -> Claim:
    return _faster(story, story.outer, "the outer layers", "learning curves of 501 epochs, 5 seeds")


def _attention(story: Story) -> Claim:
    called = f"all but the attention ({story.but_attention})"
    return _faster(story, story.but_attention, called, "learning curves of 501 epochs, 5 seeds")


def _faster(story: Story, other: str, called: str, paper: str) -> Claim:
    """Judge how fast networks generalise that start with the pipeline, beside others."""
    found = {} if story.retrained is None else _latest(story.retrained)
    kept, control = found.get(story.pipeline), found.get(other)
    return Claim(
        f"A network that starts with the pipeline alone ({story.pipeline}) generalises far faster "
        f"than one that starts with {called}.",
        paper,
        f"median of the steps: {_steps(kept)}; {called}: {_steps(control)}",
        "",
        "at most half the steps (partly: fewer)",
        LEFT_OUT if story.retrained is None else _sooner(kept, control),
        shown_by="retrain",
    )


CLAIMS: tuple[Callable[[Story], Claim], ...] = (
    _replicates,
    _delay,
    _balance,
    _matrices,
    _emergence,
    _embedding,
    _last_layers,
    _few_frequencies,
    _aligned,
    _pipeline,
    _swap,
    _from_scratch,
    _retrain,
    _attention,
)
"""The claims in the order of the table."""


def _at_least(value: float, limits: Mapping[str, float]) -> str:
    return next((verdict for verdict, limit in limits.items() if value >= limit), NOT)


def _ratio(profile: xr.DataArray) -> float:
    """Influence of a pair of the same result, in mean sizes of that of others."""
    same, others = float(profile[0]), float(np.nanmean(np.abs(profile[1:])))
    return same / others if others else float("inf")


def _few_waves(profile: xr.DataArray) -> float:
    """Share of the five strongest waves in the power of all, without pairs of the same result."""
    # training raises a class on every sample: equal results stand out in any classifier
    values = profile.to_numpy().copy()
    values[0] = np.nan
    values = np.where(np.isfinite(values), values, np.nanmean(values))
    power = np.abs(np.fft.rfft(values)[1:]) ** 2
    total = power.sum()
    return float(np.sort(power)[-5:].sum() / total) if total else 0.0


def _median(measure: Callable[[xr.DataArray], float], profiles: xr.DataArray) -> float:
    """The median of a measure of some intervals, NaN of none."""
    return float(np.median([measure(profile) for profile in profiles])) if len(profiles) else np.nan


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


def _latest(retrained: pd.DataFrame) -> dict[str, pd.Series]:
    """Return the row of the latest source by set of components."""
    ordered = retrained.sort_values("source", kind="stable")
    latest = ordered.groupby("transplanted", sort=False).tail(1)
    return {str(row["transplanted"]): row for _, row in latest.iterrows()}


def _sooner(kept: pd.Series | None, control: pd.Series | None) -> str:
    """Judge two medians, of which a missing one is only known to be more than `longest`."""
    if kept is None or control is None:
        return UNDECIDED
    if np.isnan(kept["median"]):
        return UNDECIDED if np.isnan(control["median"]) else NOT
    never = np.isnan(control["median"])  # in as many steps as any was trained
    if kept["median"] <= FASTER * control["longest" if never else "median"]:
        return REPRODUCED
    return PARTLY if never or kept["median"] < control["median"] else NOT


def _steps(case: pd.Series | None) -> str:
    if case is None:
        return "not tried"
    if np.isnan(case["median"]):
        return f"more than {step(int(case['longest']))}"
    return step(int(case["median"]))
