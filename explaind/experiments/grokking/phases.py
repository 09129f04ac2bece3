"""The phases of the training, found from the data, and the evidence in each of them."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from explaind.experiments.grokking.story import TARGET, Story, key_frequencies
from explaind.experiments.influence_over_training.tables import DATA
from explaind.experiments.similarity.samples import OTHERS, SAME_CLASS
from explaind.report.tables.classes import ALL_COMPONENTS

WHOLE, START, MEMORISATION = "whole training", "start", "memorisation"
FORMATION, ALIGNMENT, DONE = "circuit formation", "alignment", "generalised"


class Phase(NamedTuple):
    """The steps [start, stop) of a phase, its name, and how its start was found."""

    name: str
    start: int
    stop: int
    found_by: str


def story_phases(story: Story) -> list[Phase]:
    """Find the phases of a run.

    Memorisation and generalisation are told from accuracy. Before, regularisation may shrink the
    random weights faster than the data build anything (`D(Theta)` below 0). In between, alignment
    begins where the network is accurate once it has the outer layers of the trained one: what lies
    between them is ready then.

    Args:
        story: what is known of the run.

    Returns:
        The phases that the run has, in their order; the whole training as one phase if it did not
        memorise first.
    """
    memorised, generalised = story.phases.memorisation, story.phases.generalisation
    if memorised is None:
        return [Phase(WHOLE, 0, story.steps, "first step")]
    learning, ready = story.crossing(TARGET, DATA), story.ready
    end = story.steps if generalised is None else generalised
    starts = [(MEMORISATION, 0, "first step")]
    if learning is not None and learning < memorised:
        found_by = "training data overtake regularisation, D(Θ)"
        starts = [(START, 0, "first step"), (MEMORISATION, learning, found_by)]
    starts.append((FORMATION, memorised, "training accuracy"))
    if ready is not None and memorised < ready < end:
        found_by = "accurate with the outer layers of the trained network"
        starts.append((ALIGNMENT, ready, found_by))
    if generalised is not None:
        starts.append((DONE, generalised, "validation accuracy"))
    stops = [start for _, start, _ in starts[1:]] + [story.steps]
    bounds = zip(starts, stops, strict=True)
    return [
        Phase(name, start, stop, found_by)
        for (name, start, found_by), stop in bounds
        if stop > start
    ]


def phase_evidence(story: Story, phases: list[Phase]) -> pd.DataFrame:
    """Work out what every experiment says of every phase.

    Args:
        story: what is known of the run.
        phases: its phases.

    Returns:
        One row per phase: `phase`, `start`, `stop`, `found_by`; `train_accuracy` and
        `validation_accuracy` at its end; `strongest`, the two components of largest influence
        (Psi), and their `share` of it; `difference`, `D(Theta)` summed over the phase, one sample;
        `same_sum`, the mean cosine of validation samples of the same result less that of samples
        with nothing in common; `keys`, the key frequencies that all decomposed weights share at its
        end; `swapped`, accuracy at its end with the outer layers of the trained network; and
        `retrained_pipeline` and `retrained_outer`, the median steps to full validation accuracy of
        networks that start with these components of the last source in the phase, infinite if they
        took more than were trained. None and NaN where an experiment is left out or says nothing.
    """
    rows = []
    for phase in phases:
        last = story.metrics.iloc[min(phase.stop, len(story.metrics) - 1)]
        strongest, share = _strongest(story, phase)
        rows.append(
            {
                "phase": phase.name,
                "start": phase.start,
                "stop": phase.stop,
                "found_by": phase.found_by,
                "train_accuracy": float(last["train_accuracy"]),
                "validation_accuracy": float(last["validation_accuracy"]),
                "strongest": strongest,
                "share": share,
                "difference": _difference(story, phase),
                "same_sum": _same_sum(story, phase),
                "keys": _shared_keys(story, phase.stop),
                "swapped": _swapped_at_end(story, phase),
                "retrained_pipeline": _retrained(story, phase, story.pipeline),
                "retrained_outer": _retrained(story, phase, story.outer),
            }
        )
    return pd.DataFrame(rows)


def _strongest(story: Story, phase: Phase) -> tuple[str | None, float]:
    table = story.influence
    inside = table[(table["step"] >= phase.start) & (table["step"] < phase.stop)]
    if inside.empty:
        return None, float("nan")
    sums = inside.groupby("component", sort=False)["absolute"].sum()
    two = sums.nlargest(2)
    return " and ".join(str(name) for name in two.index), float(two.sum() / sums.sum())


def _difference(story: Story, phase: Phase) -> float:
    if story.balance is None:
        return float("nan")
    rows = story.balance[
        (story.balance["functional"] == TARGET) & (story.balance["component"] == ALL_COMPONENTS)
    ]
    return float((rows["difference"] * _overlaps(rows, phase)).sum())


def _same_sum(story: Story, phase: Phase) -> float:
    if story.cosines is None:
        return float("nan")
    rows = story.cosines[
        (story.cosines["functional"] == TARGET)
        & (story.cosines["component"] == ALL_COMPONENTS)
        & (story.cosines["interval"] > 0)
    ]
    means = []
    for group in (SAME_CLASS, OTHERS):
        own = rows[rows["group"] == group]
        weights = _overlaps(own, phase) * (own["stop"] - own["start"]).to_numpy()
        known = weights.sum() > 0
        means.append(float(np.average(own["cosine"], weights=weights)) if known else np.nan)
    return means[0] - means[1]


def _shared_keys(story: Story, step: int) -> str | None:
    if story.spectrum is None:
        return None
    found = [set(keys) for keys in key_frequencies(story.spectrum, step).values()]
    return " ".join(map(str, sorted(set.intersection(*found)))) or "none"


def _swapped_at_end(story: Story, phase: Phase) -> float:
    if story.swapped is None:
        return float("nan")
    before = story.swapped[story.swapped["step"] <= phase.stop]
    return float(before["accuracy"].iloc[-1])


def _retrained(story: Story, phase: Phase, transplanted: str) -> float:
    if story.retrained is None:
        return float("nan")
    found = story.retrained[
        (story.retrained["transplanted"] == transplanted)
        & (story.retrained["source"] > phase.start)
        & (story.retrained["source"] <= phase.stop)
    ].sort_values("source")
    if found.empty:
        return float("nan")
    median = float(found["median"].iloc[-1])
    return float("inf") if np.isnan(median) else median


def _overlaps(rows: pd.DataFrame, phase: Phase) -> np.ndarray:
    """Return the share of each interval that lies in a phase."""
    start, stop = rows["start"].to_numpy(), rows["stop"].to_numpy()
    common = np.minimum(stop, phase.stop) - np.maximum(start, phase.start)
    shares: np.ndarray = np.clip(common, 0, None) / (stop - start)
    return shares
