"""The command line: one subcommand per rule of the workflow, each runs one library function.

The commands of experiments and pages are made from the registry. The library is imported inside the
commands, so that `explaind --help` and the pages do not wait for torch.
"""

import atexit
import gc
import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explaind import __version__
from explaind.cli_help import WORKFLOW, GroupedCommands
from explaind.cli_options import (
    AnyExperiment,
    Cores,
    Experiment,
    Files,
    Part,
    Root,
    Run,
    Threads,
    check_known,
    limit_threads,
    read_config,
    with_experiment,
    with_run,
)
from explaind.errors import ConfigError, DamagedStoreError, ExplaindError
from explaind.experiments.registry import SPECS
from explaind.experiments.spec import Spec
from explaind.log import configure_logging, send_output_to
from explaind.paths import Paths

if TYPE_CHECKING:
    from explaind.config.schema import Config

logger = logging.getLogger(__name__)
app = typer.Typer(
    cls=GroupedCommands,
    epilog=WORKFLOW,
    rich_markup_mode=None,  # plain text, in half of the time
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # a plain traceback reads better in a log file
)

BEFORE, KERNEL = "Before a run", "Rules of the kernel"
ENCODERS, EXPERIMENTS, PAGES = "Encoders", "Experiments", "Pages"


def _show_version(asked: bool) -> bool:
    if asked:
        typer.echo(f"explaind {__version__}")
        raise typer.Exit
    return asked


@app.callback()
def options(
    log: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False,
            help="File that everything is written to that the command says; the terminal gets a"
            " line on how far it is, every 30 seconds.",
        ),
    ] = None,
    _version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Exact path kernels: which samples, components and training steps made the outputs."""
    if log:
        start = time.monotonic()
        send_output_to(log)
        atexit.register(lambda: logger.info("took %.1f s", time.monotonic() - start))


@app.command(rich_help_panel=BEFORE)
def resolve_config(config: Files, root: Root = ".") -> None:
    """Write the complete config, defaults filled in."""
    from explaind.config.load import resolve_config as library

    library(read_config(config, root), Paths(root))


@app.command(rich_help_panel=KERNEL)
def prepare_dataset(
    config: Files,
    dataset: Annotated[str, typer.Option(help="Name of the dataset in the config.")],
    root: Root = ".",
) -> None:
    """Make a dataset and its split."""
    from explaind.pipeline.prepare import prepare_dataset as library

    checked = read_config(config, root)
    check_known("dataset", dataset, checked.datasets)
    library(checked, Paths(root), dataset)


@app.command(rich_help_panel=KERNEL)
def train(config: Files, run: Run, root: Root = ".", threads: Threads = None) -> None:
    """Train a model and record its path; continues where an earlier call was stopped."""
    from explaind.pipeline.train import train as library

    limit_threads(threads)
    library(with_run(config, root, run), Paths(root), run)


@app.command(rich_help_panel=KERNEL)
def plan_epk(
    config: Files,
    run: Run,
    root: Root = ".",
    cores: Cores = None,
) -> None:
    """Plan the explanation of a run: memory, time, shards, query blocks, disk."""
    from explaind.pipeline.plan import plan_epk as library

    library(with_run(config, root, run), Paths(root), run, cores or os.cpu_count() or 1)


@app.command(rich_help_panel=BEFORE)
def plan(
    config: Annotated[list[str] | None, typer.Option(help="Config file; may be repeated.")] = None,
    run: Annotated[
        str, typer.Option(help="A recorded run; without it, the numbers below are planned for.")
    ] = "",
    root: Root = ".",
    cores: Cores = None,
    parameters: Annotated[float, typer.Option(help="Parameters of the network.")] = 1e8,
    layers: Annotated[int, typer.Option(help="Linear layers they are in.")] = 50,
    positions: Annotated[int, typer.Option(help="Tokens or pixels per sample.")] = 1,
    train: Annotated[float, typer.Option(help="Training samples.")] = 1e6,
    batch: Annotated[int, typer.Option(help="Samples per batch.")] = 256,
    steps: Annotated[float, typer.Option(help="Steps of training.")] = 1e5,
    queries: Annotated[int, typer.Option(help="Explained samples, one output each.")] = 1000,
    every: Annotated[int, typer.Option(help="Steps between snapshots of the history.")] = 1,
    segments: Annotated[int, typer.Option(help="Jobs that the steps are divided among.")] = 1,
    intervals: Annotated[int, typer.Option(help="Intervals of training told apart.")] = 1,
    keep: Annotated[list[str] | None, typer.Option(help="Output array; may be repeated.")] = None,
    gpus: Annotated[int, typer.Option(help="GPUs.")] = 1,
    memory_gb: Annotated[float, typer.Option(help="Memory of a GPU, GB.")] = 80.0,
    tflops: Annotated[float, typer.Option(help="Matrix products of a GPU, 10^12 / s.")] = 50.0,
) -> None:
    """Print a plan: of a run (--config, --run), or of a size without any run."""
    from explaind.experiments.similarity.sizes import planned_bytes
    from explaind.pipeline.plan import plan_run
    from explaind.plan.build import build_plan
    from explaind.plan.hypothetical import hypothetical_machine, hypothetical_sizes
    from explaind.plan.table import plan_table

    if run:
        checked, shared = with_run(config or [], root, run), cores or os.cpu_count() or 1
        planned = plan_run(checked, Paths(root), run, shared)
        experiments = planned_bytes(checked, run, planned["sizes"])
        typer.echo(plan_table(planned, experiments=experiments), nl=False)
        return
    numbers = (round(parameters), layers, round(train), queries, round(steps), batch)
    parts = {"positions": positions, "every": every, "segments": segments, "intervals": intervals}
    sizes = hypothetical_sizes(*numbers, **parts, keep=tuple(keep or ()))
    planned = build_plan(sizes, hypothetical_machine(memory_gb, tflops), "auto")
    typer.echo(plan_table(planned, gpus), nl=False)


@app.command(rich_help_panel=BEFORE)
def doctor(
    build: Annotated[
        str,
        typer.Argument(
            help="Function `package.module:function` that returns (model, optimizer, loss_fn,"
            " loader); or give --config and --run."
        ),
    ] = "",
    config: Annotated[list[str] | None, typer.Option(help="Config file; may be repeated.")] = None,
    run: Annotated[str, typer.Option(help="Name of a run in the config.")] = "",
    root: Root = ".",
    steps: Annotated[int | None, typer.Option(help="Steps of the training.")] = None,
    samples: Annotated[int | None, typer.Option(help="Samples to be explained.")] = None,
) -> None:
    """Say what will be recorded of a training, what is refused and why, and what it costs."""
    from explaind.doctor.examine import examine
    from explaind.doctor.sources import configured_training, imported_training

    _check_one_source(bool(build), bool(config or run))
    given = {"steps": steps, "samples": samples}
    given = {name: value for name, value in given.items() if value is not None}
    if build:
        training = imported_training(build, given)
    else:
        training = configured_training(with_run(config or [], root, run), Paths(root), run, given)
    diagnosis = examine(training)
    typer.echo(str(diagnosis))
    sys.exit(int(not diagnosis.accepted))


@app.command(rich_help_panel=KERNEL)
def predict_epk(
    config: Files,
    run: Run,
    shard: Annotated[str, typer.Option(help="Which part of the explained samples, e.g. 0/2.")],
    segment: Annotated[
        str, typer.Option(help="Which part of the training steps, e.g. 1/3.")
    ] = "0/1",
    root: Root = ".",
    threads: Threads = None,
) -> None:
    """Compute the influence of all training samples on one shard of the explained samples."""
    from explaind.pipeline.predict import predict_epk as library

    limit_threads(threads)
    library(with_run(config, root, run), Paths(root), run, shard, segment)


@app.command(rich_help_panel=KERNEL)
def accumulate_kernel(config: Files, run: Run, root: Root = ".") -> None:
    """Merge the shards of a run into one influence store."""
    from explaind.pipeline.accumulate import accumulate_kernel as library

    library(with_run(config, root, run), Paths(root), run)


@app.command(rich_help_panel=KERNEL)
def validate_epk(config: Files, run: Run, root: Root = ".", threads: Threads = None) -> None:
    """Compare the reformulated outputs of all validation samples with the true ones."""
    from explaind.pipeline.validate import validate_epk as library

    limit_threads(threads)
    library(with_run(config, root, run), Paths(root), run)


@app.command(rich_help_panel=ENCODERS)
def train_encoder(
    config: Files,
    encoder: Annotated[str, typer.Option(help="Name of the encoder in the config.")],
    replicate: Annotated[int, typer.Option(min=0, help="Which training, from 0.")] = 0,
    root: Root = ".",
    threads: Threads = None,
) -> None:
    """Train one replicate of an encoder; continues where an earlier call was stopped."""
    from explaind.pipeline.train_encoder import train_encoder as library

    checked = read_config(config, root)
    check_known("encoder", encoder, checked.encoders)
    limit_threads(threads)
    library(checked, Paths(root), encoder, replicate)


def _computing(spec: Spec) -> Callable[..., None]:
    """The subcommand that computes an experiment."""

    def command(
        config: Files,
        experiment: Experiment = spec.name,
        root: Root = ".",
        threads: Threads = None,
    ) -> None:
        from explaind.experiments.job import compute_experiment

        limit_threads(threads)
        compute_experiment(with_experiment(config, root, experiment, spec), Paths(root), experiment)

    return command


def _computing_part(spec: Spec) -> Callable[..., None]:
    """The subcommand that computes one part of an experiment."""

    def command(
        config: Files,
        part: Part,
        experiment: Experiment = spec.name,
        root: Root = ".",
        threads: Threads = None,
    ) -> None:
        checked = with_experiment(config, root, experiment, spec)
        _compute_part(checked, root, experiment, part, threads)

    return command


def _drawing(spec: Spec) -> Callable[..., None]:
    """The subcommand that draws the page of an experiment."""

    def command(config: Files, experiment: Experiment = spec.name, root: Root = ".") -> None:
        from explaind.experiments.drawing import draw_page

        draw_page(with_experiment(config, root, experiment, spec), Paths(root), experiment)

    return command


for _spec in SPECS.values():  # in the order of the groups, which is that of a run
    _name = _spec.name.replace("_", "-")
    if _spec.computed:
        app.command(_name, help=_spec.summary, rich_help_panel=EXPERIMENTS)(_computing(_spec))
    if _spec.computed and _spec.computed.parts:
        _help = f"Compute one part of “{_spec.title}”."
        app.command(f"{_name}-part", help=_help, rich_help_panel=EXPERIMENTS)(
            _computing_part(_spec)
        )
for _spec in SPECS.values():
    _name = _spec.name.replace("_", "-")
    if _spec.shown:
        _help = f"Draw the page “{_spec.title}”. {_spec.summary}"
        app.command(f"page-{_name}", help=_help, rich_help_panel=PAGES)(_drawing(_spec))


@app.command(rich_help_panel=EXPERIMENTS)
def experiment(
    config: Files, experiment: AnyExperiment, root: Root = ".", threads: Threads = None
) -> None:
    """Compute an experiment of any kind, also of your own."""
    from explaind.experiments.job import compute_experiment

    limit_threads(threads)
    compute_experiment(with_experiment(config, root, experiment), Paths(root), experiment)


@app.command(rich_help_panel=EXPERIMENTS)
def experiment_part(
    config: Files,
    experiment: AnyExperiment,
    part: Part,
    root: Root = ".",
    threads: Threads = None,
) -> None:
    """Compute one part of an experiment of any kind, also of your own."""
    _compute_part(with_experiment(config, root, experiment), root, experiment, part, threads)


@app.command(rich_help_panel=PAGES)
def page(config: Files, experiment: AnyExperiment, root: Root = ".") -> None:
    """Draw the page of an experiment of any kind, also of your own."""
    from explaind.experiments.drawing import draw_page

    draw_page(with_experiment(config, root, experiment), Paths(root), experiment)


@app.command(rich_help_panel=PAGES)
def plotly_js(root: Root = ".") -> None:
    """Write the plotting library that all pages share."""
    from explaind.report.html import write_plotly_js

    write_plotly_js(Paths(root))


@app.command(rich_help_panel=PAGES)
def report(config: Files, root: Root = ".") -> None:
    """Write the index page."""
    from explaind.experiments.drawing import draw_index

    draw_index(read_config(config, root), Paths(root))


def main() -> None:
    """Run the command line; errors made for users are shown without a traceback.

    The seal of a store found damaged is withdrawn here, where the stores are those of the workflow:
    its next run makes the store again. The library leaves a damaged store as it is.
    """
    configure_logging()
    atexit.register(gc.freeze)  # no last search for garbage: a second, for all that torch brought
    try:
        app()
    except DamagedStoreError as error:
        from explaind.store import withdraw_seal

        withdraw_seal(error.store)
        sys.exit(f"error: {error} Its seal was withdrawn: the next `snakemake` makes it again.")
    except ExplaindError as error:
        sys.exit(f"error: {error}")


def _check_one_source(imported: bool, configured: bool) -> None:
    """Refuse two trainings, or none."""
    if imported == configured:
        raise ConfigError("Expected either package.module:function, or --config and --run.")


def _compute_part(
    config: "Config", root: str, experiment: str, part: str, threads: int | None
) -> None:
    from explaind.experiments.job import compute_part

    parts = config.parts(experiment)
    check_known("part", part, parts, hint=f"they follow from experiments.{experiment}")
    limit_threads(threads)
    compute_part(config, Paths(root), experiment, part)
