"""What the experiment `swap` measured: curves over the training, and what each set gains."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from explaind.experiments.component_sets import NONE
from explaind.experiments.swap.settings import SwapSettings
from explaind.report.sources import Sources
from explaind.report.tables.phases import THRESHOLD, Phases, find_phases

SETS, SINGLE, ALL_BUT_ONE, UNTOUCHED = "sets", "single", "all but one", "untouched"
"""Groups of sets of components, by their size."""


@dataclass(frozen=True)
class SwapTables:
    """All numbers of the page.

    Attributes:
        curves: see `swap_curves`.
        gains: see `swap_gains`.
        confusion: see `confusion_counts`.
        classes: number of classes.
        phases: the turning points of the run.
    """

    curves: pd.DataFrame
    gains: pd.DataFrame
    confusion: pd.DataFrame
    classes: int
    phases: Phases

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return {"curves": self.curves, "gains": self.gains, "confusion": self.confusion}


def read(sources: Sources, _: SwapSettings) -> SwapTables:
    """Work the numbers of the page out of the result of the experiment.

    Args:
        sources: what the run left on disk.

    Returns:
        The numbers.
    """
    store = sources.store("swap").load()
    curves = swap_curves(store)
    return SwapTables(
        curves=curves,
        gains=swap_gains(curves),
        confusion=confusion_counts(store),
        classes=store.sizes["true"],
        phases=find_phases(sources.metrics),
    )


def swap_curves(store: xr.Dataset) -> pd.DataFrame:
    """List what was measured of every network, and the difference to the untouched checkpoint.

    Args:
        store: the store of the experiment.

    Returns:
        One row per split, set and step: `split`, `swapped` (the set), `group` (`SETS`, `SINGLE`,
        `ALL_BUT_ONE` or `UNTOUCHED`), `step`, `accuracy`, `agreement`, `kl` (nat), and
        `accuracy_gain` and `kl_change`, less that of the untouched checkpoint.
    """
    measured = store[["accuracy", "agreement", "kl"]]
    untouched = measured.sel(swapped=NONE)
    with_changes = measured.assign(
        accuracy_gain=measured["accuracy"] - untouched["accuracy"],
        kl_change=measured["kl"] - untouched["kl"],
        group=("swapped", _groups(store["taken"].to_numpy())),
        step=("checkpoint", store["step"].to_numpy()),
    )
    rows = with_changes.to_dataframe(["split", "swapped", "checkpoint"]).reset_index()
    first = ["split", "swapped", "group", "step"]
    return rows[[*first, *measured, "accuracy_gain", "kl_change"]]


def swap_gains(curves: pd.DataFrame) -> pd.DataFrame:
    """Sum up what each set does to the validation accuracy.

    Args:
        curves: the table of `swap_curves`.

    Returns:
        One row per set: `swapped`, `group`, largest `gain` of accuracy over the untouched
        checkpoint and the step `gain_step` where it is; `generalised`, the first step from which
        the accuracy stays at `THRESHOLD` or more, NaN if there is none; and `kl`, nat, the mean
        over the checkpoints.
    """
    rows = []
    validation = curves[curves["split"] == "validation"]
    for (swapped, group), curve in validation.groupby(["swapped", "group"], sort=False):
        best = curve.iloc[int(curve["accuracy_gain"].argmax())]
        missed = np.flatnonzero(curve["accuracy"] < THRESHOLD)
        held = curve["step"].to_numpy()[missed[-1] + 1 if len(missed) else 0 :]
        rows.append(
            {
                "swapped": swapped,
                "group": group,
                "gain": best["accuracy_gain"],
                "gain_step": best["step"],
                "generalised": float(held[0]) if len(held) else np.nan,
                "kl": curve["kl"].mean(),
            }
        )
    return pd.DataFrame(rows)


def confusion_counts(store: xr.Dataset) -> pd.DataFrame:
    """List the validation samples by true and predicted class.

    Args:
        store: the store of the experiment.

    Returns:
        One row per moment, set and pair of classes that occurs: `step`, `swapped`, `true`,
        `predicted`, `samples`.
    """
    counts = store["confusion"].to_numpy()
    moment, swapped, true, predicted = np.nonzero(counts)
    return pd.DataFrame(
        {
            "step": store["confusion_step"].to_numpy()[moment],
            "swapped": store["swapped"].to_numpy()[swapped],
            "true": true,
            "predicted": predicted,
            "samples": counts[moment, swapped, true, predicted],
        }
    )


def _groups(taken: np.ndarray) -> list[str]:
    """The group of each set, given which components are in it."""
    names = {0: UNTOUCHED, 1: SINGLE, taken.shape[1] - 1: ALL_BUT_ONE}
    return [names.get(int(size), SETS) for size in taken.sum(1)]
