"""The pages of the experiments and the index: read the numbers, write their tables, draw."""

from collections import Counter
from importlib import import_module
from pathlib import Path, PurePath

import pandas as pd

from explaind.config.experiment import (
    ENCODERS,
    EncoderExperimentSettings,
    ExperimentSettings,
    Settings,
)
from explaind.config.schema import Config
from explaind.files import writing_result
from explaind.paths import Paths, shard_labels
from explaind.pipeline.stored_plan import shard_count
from explaind.report.html import write_page
from explaind.report.index import Entry, write_index
from explaind.report.page import About
from explaind.report.sources import Sources


def draw_page(config: Config, paths: Paths, name: str) -> None:
    """Write the page of an experiment and the tables behind its panels.

    What is missing, incomplete or does not fit is a `StoreError` or `ConfigError` of what reads it.

    Args:
        config: the resolved configuration.
        paths: where the project keeps its files.
        name: the experiment.
    """
    settings, spec = config.experiments[name], config.spec(name)
    tables = import_module(f"{spec.folder}.tables").read(sources_of(config, paths, name), settings)
    content, files = tables.files(), {}
    for table in map(PurePath, spec.shown.tables if spec.shown else ()):
        files[table.stem] = paths.table(name, table.stem, table.suffix.removeprefix("."))
        _write_table(content[table.stem], files[table.stem])
    pages = {entry.name: entry.title for entry in entries(config) if entry.run == settings.subject}
    about = About(name, pages[name], settings.subject, files)
    page = import_module(f"{spec.folder}.page").draw(tables, about)
    write_page(page, pages, paths.figure(name))


def draw_index(config: Config, paths: Paths) -> None:
    """Write the page that links everything.

    Args:
        config: the resolved configuration.
        paths: where the project keeps its files.
    """
    benchmarks = {run: _benchmarks(config, paths, run) for run in config.runs}
    if config.encoders:
        benchmarks[ENCODERS] = _encoder_benchmarks(config, paths)
    write_index(paths, entries(config), benchmarks, config.model_dump(mode="json"))


def entries(config: Config) -> list[Entry]:
    """List the pages.

    Args:
        config: the resolved configuration.

    Returns:
        How each is linked, in the order of the configuration. Pages of one kind on one run have
        their names in their titles.
    """
    shown = {name: spec for name in config.experiments if (spec := config.spec(name)).shown}
    runs = {name: config.experiments[name].subject for name in shown}
    alike = Counter((runs[name], spec.name) for name, spec in shown.items())
    return [
        Entry(
            name,
            runs[name],
            f"{spec.title} ({name})" if alike[runs[name], spec.name] > 1 else spec.title,
            spec.summary,
        )
        for name, spec in shown.items()
    ]


def sources_of(config: Config, paths: Paths, name: str) -> Sources:
    """Find what the page of an experiment may read.

    Args:
        config: the resolved configuration.
        paths: where the project keeps its files.
        name: the experiment.

    Returns:
        The sources, not opened yet.
    """
    settings, spec = config.experiments[name], config.spec(name)
    dataset = _dataset_of(config, settings)
    results = {spec.name: (spec.name, name)} if spec.computed else {}
    for key, kind in (spec.shown.results if spec.shown else {}).items():
        results |= {found: (kind, other) for found, other in settings.named_by(key).items()}
    of_results = {
        key: _dataset_of(config, config.experiments[other]) for key, (_, other) in results.items()
    }
    return Sources(
        paths, name, settings.subject, dataset, config.datasets[dataset], results, of_results
    )


def _benchmarks(config: Config, paths: Paths, run: str) -> dict[str, Path]:
    """The files with time and memory of the jobs of a run, by job; some may not be there."""
    shards = shard_labels(shard_count(config, paths, run), config.runs[run].epk.segments)
    jobs = ["train", *(f"predict_epk_{label}" for row in shards for label in row)]
    jobs += ["accumulate_kernel", "validate_epk", *_experiment_jobs(config, run)]
    return {job: paths.benchmark(run, job) for job in jobs}


def _encoder_benchmarks(config: Config, paths: Paths) -> dict[str, Path]:
    """The same of the encoders: of every replicate and of the experiments about them."""
    jobs = [
        f"train_encoder_{name}_{replicate}"
        for name, encoder in config.encoders.items()
        for replicate in range(encoder.replicates)
    ]
    jobs += _experiment_jobs(config, ENCODERS)
    return {job: paths.benchmark(ENCODERS, job) for job in jobs}


def _experiment_jobs(config: Config, subject: str) -> list[str]:
    jobs = []
    for name, settings in config.experiments.items():
        spec = config.spec(name)
        if settings.subject == subject and spec.computed:
            jobs.append(f"{spec.name}_{name}")
            jobs += [f"{spec.name}_part_{name}_{part}" for part in config.parts(name)]
    return jobs


def _dataset_of(config: Config, settings: Settings) -> str:
    """Name of the dataset of a run, or of encoders."""
    if isinstance(settings, EncoderExperimentSettings):
        return config.encoders[settings.encoders[0]].dataset
    assert isinstance(settings, ExperimentSettings)  # there are these two
    return config.runs[settings.run].dataset


def _write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV or parquet, by the ending of its file, atomically."""
    with writing_result(path) as temporary:
        if path.suffix == ".parquet":
            table.to_parquet(temporary, index=False)
        else:
            table.to_csv(temporary, index=False, float_format="%.9g")
