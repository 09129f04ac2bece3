"""The claims about languages, each with its rule.

They were made of a model of 1.7 billion parameters on 35 languages, by single steps of its
pre-training (the ExPLAIND paper, version 4). No number of it is known to us.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from explaind.experiments.language_claims.shares import (
    BLOCKS,
    INNER_ATTENTION,
    OUTER_MLP,
    by_tenth,
)
from explaind.report.claims import NOT, PARTLY, REPRODUCED, UNDECIDED, Claim, claims_table
from explaind.report.tables.confidence import mean_interval
from explaind.report.text import percent, signed


def verdicts(shares: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Judge every claim.

    Args:
        shares: the table of `shares_by_step` of every run.

    Returns:
        One row per claim with the columns of `Claim`.
    """
    tenths = [by_tenth(table) for table in shares.values()]
    begun, ended = (
        pd.DataFrame([table.iloc[end] for table in tenths]).reset_index(drop=True)
        for end in (0, -1)
    )
    return claims_table((_outer_first(begun), _attention_rises(begun, ended)))


def _outer_first(begun: pd.DataFrame) -> Claim:
    others = [block for block in BLOCKS if block != OUTER_MLP]
    leads = begun[OUTER_MLP] - begun[others].max(axis=1)
    return Claim(
        "First the MLPs of the outer layers carry the influence.",
        "EuroLLM 1.7B, single steps: stated without numbers known to us",
        f"share of the first tenth of the steps: {_shares(begun, BLOCKS)}; lead of the outer MLPs"
        f" {_difference(leads)}",
        "",
        "in the first tenth of the steps outer MLPs have a larger share than every other block of "
        "layers, by the 95 % interval over the seeds (partly: on average)",
        _judged(begun, leads),
    )


def _attention_rises(begun: pd.DataFrame, ended: pd.DataFrame) -> Claim:
    rise = ended[INNER_ATTENTION] - begun[INNER_ATTENTION]
    first, last = (_shares(table, (INNER_ATTENTION,)) for table in (begun, ended))
    return Claim(
        "Then the relative influence of intermediate attention rises.",
        "EuroLLM 1.7B, single steps: stated without numbers known to us",
        f"{first} of the first tenth of the steps, {last} of the last; rise {_difference(rise)}",
        "",
        "a larger share in the last tenth of the steps than in the first, by the 95 % interval over"
        " the seeds (partly: on average)",
        _judged(begun, rise),
    )


def _judged(begun: pd.DataFrame, differences: pd.Series) -> str:
    """A difference above zero; not decided without intermediate layers or a second seed."""
    if len(differences) == 1 or (begun[INNER_ATTENTION] == 0).all():
        return UNDECIDED
    found = mean_interval(differences.to_numpy())
    return REPRODUCED if found["low"] > 0 else PARTLY if found["mean"] > 0 else NOT


def _shares(table: pd.DataFrame, blocks: Sequence[str]) -> str:
    means = table[list(blocks)].mean()
    return ", ".join(f"{block} {percent(means[block])}" for block in blocks)


def _difference(values: pd.Series) -> str:
    found = mean_interval(np.asarray(100 * values))
    ends = f"{signed(found['low'], 2)} to {signed(found['high'], 2)}"
    return f"{signed(found['mean'], 2)} percentage points ({ends})"
