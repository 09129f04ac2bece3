"""The claims about label-free explanations, judged on every dataset and over all of them."""

from dataclasses import fields
from typing import Any

import pandas as pd

from explaind.experiments.labelfree.findings import FINDINGS
from explaind.experiments.labelfree.outcomes import ABSENT, HOLDS, Number, on_all, outcome
from explaind.experiments.labelfree.statements import STATEMENTS
from explaind.report.sources import Sources

WAYS = ("published", "corrected")
FIELDS = [field.name for field in fields(Number)]


def numbers_found(sources: Sources) -> pd.DataFrame:
    """List every number behind the claims.

    Args:
        sources: the results of the experiments that are not left out.

    Returns:
        `claim`, `kind` and name of the `experiment`, `dataset`, `way` (of `WAYS`), what it is of
        (`case`), and its `mean`, `low`, `high`, `trainings`, `inside_low`, `inside_high`, `judged`
        (`Number`); in the order of the claims.
    """
    rows: list[dict[str, Any]] = []
    for kind, statement in STATEMENTS.items():
        for key in sources.of_kind(kind):
            found = FINDINGS[kind](sources, key)
            about = {
                "claim": statement.number,
                "kind": kind,
                "experiment": sources.results[key][1],
                "dataset": sources.datasets[key],
            }
            for way, numbers in zip(WAYS, found, strict=True):
                rows += [about | {"way": way} | vars(number) for number in numbers]
    columns = ["claim", "kind", "experiment", "dataset", "way", *FIELDS]
    return pd.DataFrame(rows, columns=columns)


def outcomes_by_dataset(numbers: pd.DataFrame) -> pd.DataFrame:
    """Judge every claim on every dataset.

    Args:
        numbers: see `numbers_found`.

    Returns:
        `claim`, `kind`, `experiment`, `dataset`, most `trainings` of a number, and the outcomes
        `published` and `corrected` (`outcomes.outcome`); one row per result.
    """
    rows = []
    for (claim, kind, experiment, dataset), own in numbers.groupby(
        ["claim", "kind", "experiment", "dataset"], sort=False
    ):
        by_way = {way: own.loc[own["way"] == way, FIELDS] for way in WAYS}
        found = {
            way: outcome([Number(*row) for row in numbers.itertuples(index=False)])
            for way, numbers in by_way.items()
        }
        about = {"claim": claim, "kind": kind, "experiment": experiment, "dataset": dataset}
        rows.append(about | {"trainings": int(own["trainings"].max())} | found)
    columns = ["claim", "kind", "experiment", "dataset", "trainings", *WAYS]
    return pd.DataFrame(rows, columns=columns)


def verdicts(by_dataset: pd.DataFrame) -> pd.DataFrame:
    """Judge every claim over all datasets.

    Args:
        by_dataset: see `outcomes_by_dataset`.

    Returns:
        One row per claim, those too that nothing was measured of: its `number`, `claim`, `paper`,
        `correction` and `rule` (`Statement`), the outcomes `published` and `corrected` on all
        datasets (`outcomes.on_all`), and the datasets it `holds_published` and `holds_corrected`
        on, of those `measured_published` and `measured_corrected`.
    """
    rows = []
    for kind, statement in STATEMENTS.items():
        own = by_dataset[by_dataset["kind"] == kind]
        row = statement._asdict() | {"paper": "; ".join(statement.paper)}
        for way in WAYS:
            row |= {
                way: on_all(own[way]),
                f"holds_{way}": int((own[way] == HOLDS).sum()),
                f"measured_{way}": int((own[way] != ABSENT).sum()),
            }
        rows.append(row)
    return pd.DataFrame(rows)
