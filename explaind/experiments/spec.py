"""What the house knows of an experiment: one `Spec` in the `__init__` of its folder.

The folder lies beside this module, or is a package of the user's own that the config names.

From it come the Snakemake rules, the subcommands, the section of the config with its reference, and
the card on the index page. Nothing here imports torch.

| module of the folder | what it defines |
|---|---|
| `settings` | the section of the config, an `ExperimentSettings` or `EncoderExperimentSettings` |
| `compute` | `compute(job) -> table or store`; absent if nothing is computed |
| `tables` | `read(sources, settings) -> tables`, all numbers of the page; no torch |
| `page` | `draw(tables, about) -> Page`; absent if it is shown on another page |
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from explaind.config.experiment import Settings

Source = Literal["dataset", "history", "metrics", "influence", "validation", "encoders"]
"""What a run leaves on disk; `validation` is the store and its statistics.

Of encoders there are the `dataset` and the trained `encoders`: all replicates of each that is
named, with their paths if they are recorded.
"""


@dataclass(frozen=True)
class Computed:
    """The rule that computes an experiment: `results/{run}/experiments/{name}.{suffix}`.

    Of experiments about encoders `{run}` is `encoders`.

    Attributes:
        reads: what it reads of its run.
        trains: whether it trains networks as the run is trained; then all of that section counts.
        suffix: a table (`parquet`) or a store (`zarr`).
        results: keys of the settings that name another experiment on the run, whose result is read,
            with its kind.
        minutes: time asked for on a cluster, of each part.
        parts: from its settings those of its parts by name: the same experiment, asked for less.
            Each is a job of its own (rule `{kind}_part`) whose table lies in
            `results/{run}/experiments/{name}/`; that of the experiment is theirs, one below the
            other. None = it is one job.
    """

    reads: tuple[Source, ...] = ()
    trains: bool = False
    suffix: Literal["parquet", "zarr"] = "parquet"
    minutes: int = 240
    results: Mapping[str, str] = field(default_factory=dict)
    parts: Callable[[Any], Mapping[str, Settings]] | None = None


@dataclass(frozen=True)
class Shown:
    """The rule that draws a page: `results/figures/{name}.html` and the tables behind its panels.

    Attributes:
        tables: file names of the tables, less the name of the page: `curves.csv`, say.
        reads: what it reads of its run; the result of its own computation, if any, comes on top.
        results: keys of the settings that name another experiment on the run, with its kind; an
            experiment whose name is null is left out of the page.
    """

    tables: tuple[str, ...]
    reads: tuple[Source, ...] = ()
    results: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Spec:
    """An experiment or a page.

    Attributes:
        name: its folder, and its `kind` in the config.
        title: heading of its page and of its card.
        summary: one sentence that says what it shows or asks.
        settings: its section of the config.
        computed: the rule that computes it; None if nothing is computed.
        shown: the rule that draws its page; None if it is shown on another one.
        package: dotted name of its folder, if that is not beside this module but of the user's own;
            `own_spec` fills it in.
    """

    name: str
    title: str
    summary: str
    settings: type[Settings]
    computed: Computed | None = None
    shown: Shown | None = None
    package: str | None = None

    @property
    def folder(self) -> str:
        """Return the dotted name of its folder."""
        return self.package or f"explaind.experiments.{self.name}"

    @property
    def results(self) -> dict[str, str]:
        """Return the keys of the settings that name other experiments, with their kinds."""
        rules = (self.computed, self.shown)
        return {key: kind for rule in rules if rule for key, kind in rule.results.items()}
