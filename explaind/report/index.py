"""The page `results/index.html`: what was run, its numbers, every page, the configuration."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from explaind.files import write_text
from explaind.paths import Paths
from explaind.report.html import render
from explaind.report.page import Fact
from explaind.report.sources import read_metrics, read_statistics
from explaind.report.statistics import learning_facts, statistics_rows


@dataclass(frozen=True)
class Entry:
    """A page as it is linked.

    Attributes:
        name: its name in the config, and of its file.
        run: the run that it shows.
        title: its heading.
        summary: one sentence on what it shows.
    """

    name: str
    run: str
    title: str
    summary: str


def write_index(paths: Paths, entries: Sequence[Entry], config: Mapping[str, Any]) -> None:
    """Write the page that shows the numbers of every shown run and links every page and table.

    Args:
        paths: where the project keeps its files.
        entries: the pages.
        config: all values of the resolved configuration.
    """
    runs = sorted({entry.run for entry in entries})
    html = render(
        "index.html",
        entries=entries,
        tiles=[fact for run in runs for fact in _facts(run, paths)],
        runs=[_run(run, paths) for run in runs],
        config=json.dumps(config, indent=2, sort_keys=True),
        # A killed job leaves hidden files behind.
        tables=sorted(path.name for path in paths.table("", "").parent.glob("[!.]*")),
    )
    write_text(paths.index(), html)


def _facts(run: str, paths: Paths) -> list[Fact]:
    facts = learning_facts(read_metrics(paths, run))
    return [Fact(fact.label, fact.value, f"run “{run}”") for fact in facts]


def _run(run: str, paths: Paths) -> Mapping[str, object]:
    files = (paths.metrics(run), paths.validation_summary(run))
    return {
        "name": run,
        "numbers": render("table.html", rows=statistics_rows(read_statistics(paths, run))),
        "files": [file.relative_to(paths.results).as_posix() for file in files],
    }
