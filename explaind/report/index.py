"""The page `results/index.html`: what was run, what is concluded, every page, the configuration."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explaind.config.experiment import ENCODERS
from explaind.files import write_text
from explaind.paths import Paths
from explaind.report.html import render
from explaind.report.provenance import cost_rows, provenance_rows
from explaind.report.sources import read_metrics, read_statistics
from explaind.report.statistics import learning_facts, statistics_rows
from explaind.report.thumbnail import thumbnail
from explaind.report.verdict import verdict
from explaind.store import open_sealed


@dataclass(frozen=True)
class Entry:
    """A page as it is linked.

    Attributes:
        name: its name in the config, and of its file.
        run: the run that it shows, or `encoders`.
        title: its heading.
        summary: one sentence on what it shows.
    """

    name: str
    run: str
    title: str
    summary: str


def write_index(
    paths: Paths,
    entries: Sequence[Entry],
    benchmarks: Mapping[str, Mapping[str, Path]],
    config: Mapping[str, Any],
) -> None:
    """Write the page that shows every run and the encoders, and links every page and table.

    Args:
        paths: where the project keeps its files.
        entries: the pages.
        benchmarks: by run and job, where its time and memory are if it was measured; the runs are
            shown in this order. `encoders` are listed beside them, if there are some.
        config: all values of the resolved configuration.
    """
    html = render(
        "index.html",
        runs=[
            _run(run, [entry for entry in entries if entry.run == run], jobs, paths)
            for run, jobs in benchmarks.items()
            if run != ENCODERS
        ],
        encoders=_encoders(entries, benchmarks.get(ENCODERS)),
        config=json.dumps(config, indent=2, sort_keys=True),
        # A killed job leaves hidden files behind.
        tables=sorted(path.name for path in paths.table("", "").parent.glob("[!.]*")),
    )
    write_text(paths.index(), html)


def _encoders(
    entries: Sequence[Entry], benchmarks: Mapping[str, Path] | None
) -> Mapping[str, object] | None:
    """What is shown of the encoders; None if there are none."""
    if benchmarks is None:
        return None
    about = [entry for entry in entries if entry.run == ENCODERS]
    return {"entries": about, "cost": cost_rows(benchmarks)}


def _run(
    run: str, entries: Sequence[Entry], benchmarks: Mapping[str, Path], paths: Paths
) -> Mapping[str, object]:
    metrics, statistics = read_metrics(paths, run), read_statistics(paths, run)
    history = open_sealed(paths.history(run), rule="train").attrs
    files = (paths.metrics(run), paths.validation_summary(run))
    return {
        "name": run,
        "entries": entries,
        "thumbnail": thumbnail(metrics),
        "verdict": verdict(metrics, statistics),
        "facts": learning_facts(metrics),
        "numbers": statistics_rows(statistics),
        "provenance": provenance_rows(history),
        "cost": cost_rows(benchmarks),
        "files": [file.relative_to(paths.results).as_posix() for file in files],
    }
