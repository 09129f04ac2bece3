"""The command line: one subcommand per rule of the workflow, each runs one library function.

The library is imported inside the commands, so that ``explaind --help`` and the figures do not wait
for torch.
"""

import atexit
import gc
import os
import sys
from typing import Annotated

import typer

from explaind.config import Config, load_config
from explaind.errors import ConfigError, DamagedStoreError, ExplaindError
from explaind.log import configure_logging
from explaind.paths import Paths

app = typer.Typer(
    help="Exact path kernels: which samples, components and training steps made the outputs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # a plain traceback reads better in a log file
)

Files = Annotated[
    list[str],
    typer.Option(
        "--config",
        help="Config file, YAML or JSON, - for standard input; may be repeated, later ones win.",
    ),
]
Root = Annotated[str, typer.Option(help="Directory that holds data/ and results/.")]
Run = Annotated[str, typer.Option(help="Name of the run in the config.")]
Experiment = Annotated[str, typer.Option(help="Name of the experiment in the config.")]
Figure = Annotated[str, typer.Option(help="Name of the figure in the config.")]
Threads = Annotated[
    int | None, typer.Option(min=1, help="Threads for torch; without it torch decides.")
]
Cores = Annotated[
    int | None, typer.Option(min=1, help="Cores that the jobs share; without it all there are.")
]


@app.command()
def resolve_config(config: Files, root: Root = ".") -> None:
    """Write the complete config, defaults filled in."""
    from explaind.config.resolve import resolve_config as library

    library(load_config(*config), Paths(root))


@app.command()
def prepare_dataset(
    config: Files,
    dataset: Annotated[str, typer.Option(help="Name of the dataset in the config.")],
    root: Root = ".",
) -> None:
    """Make a dataset and its split."""
    from explaind.pipeline.prepare import prepare_dataset as library

    checked = load_config(*config)
    if dataset not in checked.datasets:
        known = ", ".join(sorted(checked.datasets))
        raise ConfigError(
            f"--dataset: expected one of {known}, got {dataset!r}; define it under datasets"
        )
    library(checked, Paths(root), dataset)


@app.command()
def train(config: Files, run: Run, root: Root = ".", threads: Threads = None) -> None:
    """Train a model and record its path; continues where an earlier call was stopped."""
    from explaind.pipeline.train import train as library

    _limit_threads(threads)
    library(_config_with(config, run), Paths(root), run)


@app.command()
def plan_epk(
    config: Files,
    run: Run,
    root: Root = ".",
    cores: Cores = None,
) -> None:
    """Plan the explanation of a run: memory, time, shards, passes, disk."""
    from explaind.pipeline.plan import plan_epk as library

    library(_config_with(config, run), Paths(root), run, cores or os.cpu_count() or 1)


@app.command()
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
    keep: Annotated[list[str] | None, typer.Option(help="Kept slice; may be repeated.")] = None,
    gpus: Annotated[int, typer.Option(help="GPUs.")] = 1,
    memory_gb: Annotated[float, typer.Option(help="Memory of a GPU, GB.")] = 80.0,
    tflops: Annotated[float, typer.Option(help="Matrix products of a GPU, 10^12 / s.")] = 50.0,
) -> None:
    """Print a plan: of a run (--config, --run), or of a size without any run."""
    from explaind.pipeline.plan import plan_of_run
    from explaind.plan.build import build_plan
    from explaind.plan.hypothetical import hypothetical_machine, hypothetical_sizes
    from explaind.plan.table import plan_table

    if run:
        checked, shared = _config_with(config or [], run), cores or os.cpu_count() or 1
        typer.echo(plan_table(plan_of_run(checked, Paths(root), run, shared)), nl=False)
        return
    sizes = hypothetical_sizes(
        *(round(parameters), layers, round(train), queries, round(steps), batch),
        positions=positions,
        every=every,
        segments=segments,
        intervals=intervals,
        keep=tuple(keep or ()),
    )
    planned = build_plan(sizes, hypothetical_machine(memory_gb, tflops), "auto")
    typer.echo(plan_table(planned, gpus), nl=False)


@app.command()
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

    _limit_threads(threads)
    library(_config_with(config, run), Paths(root), run, shard, segment)


@app.command()
def accumulate_kernel(config: Files, run: Run, root: Root = ".") -> None:
    """Gather the shards of a run in one influence store."""
    from explaind.pipeline.accumulate import accumulate_kernel as library

    library(_config_with(config, run), Paths(root), run)


@app.command()
def validate_epk(config: Files, run: Run, root: Root = ".", threads: Threads = None) -> None:
    """Compare the reformulated outputs of all validation samples with the true ones."""
    from explaind.pipeline.validate import validate_epk as library

    _limit_threads(threads)
    library(_config_with(config, run), Paths(root), run)


@app.command()
def pruning(
    config: Files, experiment: Experiment, root: Root = ".", threads: Threads = None
) -> None:
    """Prune the trained network of a run by several scores and test what is left."""
    from explaind.experiments.pruning.compute import pruning as library

    _limit_threads(threads)
    library(
        _config_with_named(config, "experiments", experiment, "pruning"), Paths(root), experiment
    )


@app.command()
def label_noise(
    config: Files, experiment: Experiment, root: Root = ".", threads: Threads = None
) -> None:
    """Flip training labels of a run and look for them by influence and by other scores."""
    from explaind.experiments.label_noise.compute import label_noise as library

    _limit_threads(threads)
    library(
        _config_with_named(config, "experiments", experiment, "label_noise"),
        *(Paths(root), experiment),
    )


@app.command()
def leave_group_out(
    config: Files, experiment: Experiment, root: Root = ".", threads: Threads = None
) -> None:
    """Train a run without groups of training samples; compare the change with the predicted one."""
    from explaind.experiments.leave_group_out.compute import leave_group_out as library

    _limit_threads(threads)
    library(
        _config_with_named(config, "experiments", experiment, "leave_group_out"),
        *(Paths(root), experiment),
    )


@app.command()
def plotly_js(root: Root = ".") -> None:
    """Write the plotting library that all pages share."""
    from explaind.report.page import write_plotly_js

    write_plotly_js(Paths(root))


@app.command()
def figure_grokking(config: Files, figure: Figure = "grokking", root: Root = ".") -> None:
    """Draw the page on grokking."""
    from explaind.experiments.grokking.page import write_grokking

    write_grokking(_config_with_named(config, "figures", figure, "grokking"), Paths(root), figure)


@app.command()
def figure_training(config: Files, figure: Figure = "training", root: Root = ".") -> None:
    """Draw the page on the training."""
    from explaind.experiments.training.page import write_training

    write_training(_config_with_named(config, "figures", figure, "training"), Paths(root), figure)


@app.command()
def figure_epk_validation(
    config: Files, figure: Figure = "epk_validation", root: Root = "."
) -> None:
    """Draw the page on how exact the path kernel is."""
    from explaind.experiments.epk_validation.page import write_epk_validation

    write_epk_validation(
        _config_with_named(config, "figures", figure, "epk_validation"), Paths(root), figure
    )


@app.command()
def figure_examples(config: Files, figure: Figure = "examples", root: Root = ".") -> None:
    """Draw the page on single images and the training images that mattered to them."""
    from explaind.experiments.examples.page import write_examples

    write_examples(_config_with_named(config, "figures", figure, "examples"), Paths(root), figure)


@app.command()
def figure_pruning(config: Files, figure: Figure = "pruning", root: Root = ".") -> None:
    """Draw the page on the pruned networks."""
    from explaind.experiments.pruning.page import write_pruning

    write_pruning(_config_with_named(config, "figures", figure, "pruning"), Paths(root), figure)


@app.command()
def figure_sanity(config: Files, figure: Figure = "sanity", root: Root = ".") -> None:
    """Draw the page on the sanity of influence."""
    from explaind.experiments.sanity.page import write_sanity

    write_sanity(_config_with_named(config, "figures", figure, "sanity"), Paths(root), figure)


@app.command()
def report(config: Files, root: Root = ".") -> None:
    """Write the index page."""
    from explaind.report.index import write_report

    write_report(load_config(*config), Paths(root))


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


def _config_with(files: list[str], run: str) -> Config:
    config = load_config(*files)
    if run not in config.runs:
        known = ", ".join(sorted(config.runs))
        raise ConfigError(f"--run: expected one of {known}, got {run!r}; define it under runs")
    return config


def _config_with_named(files: list[str], section: str, name: str, kind: str) -> Config:
    """The config, if its section `figures` or `experiments` has this name and kind."""
    config = load_config(*files)
    known = [key for key, found in getattr(config, section).items() if found.kind == kind]
    if name not in known:
        listed, option = ", ".join(known) or "none", section.removesuffix("s")
        raise ConfigError(
            f"--{option}: expected one of kind {kind}: {listed}, got {name!r}; define it under"
            f" {section}"
        )
    return config


def _limit_threads(threads: int | None) -> None:
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
