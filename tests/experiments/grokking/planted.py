"""A run of 1,000 steps that does all that the paper claims, made by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from explaind.experiments.grokking.story import Story
from explaind.experiments.influence_over_training.tables import balance_table, crossings
from explaind.report.tables.phases import find_phases

STEPS, LEARNING, MEMORISED, READY, GENERALISED = 1000, 100, 200, 500, 800
OUTER, PIPELINE = "embedding + decoder", "middle"
BUT_ATTENTION = "all but attention"
FUNCTIONALS = ("output_sum", "target_logprob")
COMPONENTS = ("embedding", "middle", "decoder")


def metrics():
    step = np.arange(STEPS + 1)
    table = pd.DataFrame(
        {
            "step": step,
            "train_accuracy": (step >= MEMORISED).astype(float),
            "validation_accuracy": (step >= GENERALISED).astype(float),
            "train_loss": 1.0,
            "validation_loss": 1.0,
        }
    )
    table.attrs = {"units": {"loss": "nat", "accuracy": "1"}, "mini_batches": False}
    return table


def balance():
    """Twenty intervals; the data are the larger part from LEARNING to GENERALISED."""
    start = np.arange(0, STEPS, 50)
    larger = (start >= LEARNING) & (start < GENERALISED)
    cases = [
        pd.DataFrame(
            {
                "start": start,
                "stop": start + 50,
                "functional": functional,
                "component": "all components",
                "data": 1.0,
                "decay": 1.0,
                "data_absolute": np.where(larger, 3.0, 1.0),
                "decay_absolute": 2.0,
            }
        )
        for functional in FUNCTIONALS
    ]
    return balance_table(pd.concat(cases, ignore_index=True))


def cosines(**gains):
    """`same_class` and `same_input`: the mean cosine by functional, of all components alike."""
    means = {"same class": gains.get("same_class", (0.8, 0.8))}
    means["same input"] = gains.get("same_input", (0.4, 0.4))
    means["others"] = (0.1, 0.1)
    rows = [
        {
            "functional": functional,
            "component": component,
            "interval": interval,
            "start": 500 * max(interval - 1, 0),
            "stop": 500 * interval if interval else STEPS,
            "group": group,
            "cosine": found[place],
        }
        for place, functional in enumerate(FUNCTIONALS)
        for component in ("all components", *COMPONENTS)
        for interval in range(3)
        for group, found in means.items()
    ]
    return pd.DataFrame(rows)


def spectrum(keys=((3, 5), (5, 3)), power=0.45, explained=0.9):
    """Weights with key frequencies by tensor from step 300 on; waves of the similarity."""
    rows = []
    for tensor, frequencies in zip(("embedding.weight", "decoder.weight"), keys, strict=True):
        for step in (0, 300, STEPS):
            for frequency in range(1, 8):
                key = step >= 300 and frequency in frequencies
                rows.append(("weights", None, tensor, step, frequency, 0.4 if key else 0.02, 1.0))
    for functional in FUNCTIONALS:
        for frequency, share in enumerate([power, power, *[(1 - 2 * power) / 8] * 8], start=1):
            rows.append(("similarity", functional, "decoder", 0, frequency, share, explained))
    names = ["source", "functional", "component", "start", "frequency", "share", "explained"]
    return pd.DataFrame(rows, columns=names).assign(interval=0)


def swapped(ready=READY, accurate=GENERALISED):
    step = np.arange(0, STEPS + 1, 50)
    columns = {"accuracy": step >= ready, "untouched": step >= accurate}
    return pd.DataFrame({"step": step, **{k: v.astype(float) for k, v in columns.items()}})


def profiles(same=8.0, before=2.0, after=9.0, periodic=True):
    """Pairs of the same result, in mean sizes of others: of the run and of ten intervals.

    Those of other results are a wave of period 23 / 3 once the network memorised, if `periodic`;
    else all waves are as large (those of the Legendre symbol).
    """
    p, start = 23, np.arange(0, STEPS, 100)
    wave = np.cos(2 * np.pi * 3 * np.arange(p) / p)
    squares = set(np.arange(1, p) ** 2 % p)
    noise = np.array([1.0 if d in squares else -1.0 for d in range(p)])
    rows = [(same, wave)]
    for time in start:
        late = time >= MEMORISED
        rows.append((after, wave if periodic else noise) if late else (before, noise))
    values = np.array([others / np.abs(others[1:]).mean() for _, others in rows])
    values[:, 0] = [peak for peak, _ in rows]
    return xr.DataArray(
        values,
        dims=("interval", "difference"),
        coords={
            "start": ("interval", [0, *start]),
            "stop": ("interval", [STEPS, *(start + 100)]),
        },
    )


def retrained(kept=20.0, control=100.0, nothing=np.nan, attentionless=100.0):
    """Medians of trainings of at most 500 steps, NaN = more; 500 of an earlier source."""
    medians = {PIPELINE: kept, OUTER: control, "nothing": nothing, BUT_ATTENTION: attentionless}
    rows = [
        {
            "source": source,
            "transplanted": name,
            "median": median if source == STEPS else 500.0,
            "longest": 500,
        }
        for source in (STEPS, 500)
        for name, median in medians.items()
    ]
    return pd.DataFrame(rows)


def influence():
    """The middle acts most until memorisation, then the decoder."""
    step = np.repeat(np.arange(STEPS), len(COMPONENTS))
    component = np.tile(COMPONENTS, STEPS)
    early = (component == "middle") & (step < MEMORISED)
    late = (component == "decoder") & (step >= MEMORISED)
    sizes = np.where(early | late, 6.0, np.where(component == "embedding", 1.0, 3.0))
    return pd.DataFrame({"step": step, "component": component, "absolute": sizes, "net": 0.0})


def story(**changes):
    """The story, or one that differs in some attributes; None leaves an experiment out."""
    table = metrics()
    found = balance()
    whole = Story(
        steps=STEPS,
        metrics=table,
        phases=find_phases(table),
        statistics={"argmax_agreement": 1.0},
        influence=influence(),
        profiles=profiles(),
        balance=found,
        crossings=crossings(found),
        cosines=cosines(),
        spectrum=spectrum(),
        swapped=swapped(),
        retrained=retrained(),
        outer=OUTER,
        pipeline=PIPELINE,
        but_attention=BUT_ATTENTION,
        embedding="embedding",
        last=("decoder",),
    )
    return replace(whole, **changes)
