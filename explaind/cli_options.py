"""Options that the commands share, and what they name: the config, a run, an experiment."""

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explaind.errors import ConfigError
from explaind.experiments.spec import Spec
from explaind.own_code import search_first

if TYPE_CHECKING:
    from explaind.config.schema import Config

Files = Annotated[
    list[str],
    typer.Option(
        "--config",
        help="Config file, YAML or JSON, - for standard input; may be repeated, later ones win. "
        "Laid over config/config.yaml of the root, unless it says `defaults: false`.",
    ),
]
Root = Annotated[str, typer.Option(help="Directory that holds data/ and results/.")]
Run = Annotated[str, typer.Option(help="Name of the run in the config.")]
Experiment = Annotated[str, typer.Option(help="Its name in the config, under experiments.")]
AnyExperiment = Annotated[str, typer.Option("--experiment", help="Its name in the config.")]
Part = Annotated[str, typer.Option(help="Name of the part.")]
Threads = Annotated[
    int | None, typer.Option(min=1, help="Threads for torch; without it torch decides.")
]
Cores = Annotated[
    int | None, typer.Option(min=1, help="Cores that the jobs share; without it all there are.")
]


def read_config(files: list[str], root: str) -> "Config":
    """Read the config as the workflow does: over the defaults of the project, if it has some.

    Args:
        files: the config files, later ones win.
        root: directory that holds data/ and results/.

    Returns:
        The config; what is wrong with it is a `ConfigError`.
    """
    from explaind.config.load import load_config

    search_first(root)
    return load_config(*files, defaults=Path(root, "config", "config.yaml"))


def with_run(files: list[str], root: str, run: str) -> "Config":
    """Read the config of a command about a run.

    Args:
        files: the config files.
        root: directory that holds data/ and results/.
        run: name of the run; one that is not there is refused (`ConfigError`).

    Returns:
        The config.
    """
    config = read_config(files, root)
    check_known("run", run, config.runs)
    return config


def with_experiment(files: list[str], root: str, name: str, spec: Spec | None = None) -> "Config":
    """Read the config of a command about an experiment.

    Args:
        files: the config files.
        root: directory that holds data/ and results/.
        name: name of the experiment; one that is not there is refused (`ConfigError`).
        spec: its kind; None = any.

    Returns:
        The config.
    """
    config = read_config(files, root)
    if spec is None:
        check_known("experiment", name, config.experiments)
        return config
    known = [key for key in config.experiments if config.spec(key).name == spec.name]
    check_known("experiment", name, known, f"kind {spec.name}: ")
    return config


def check_known(
    option: str, name: str, known: Collection[str], kind: str = "", hint: str = ""
) -> None:
    """Refuse a name that the config does not define.

    Args:
        option: the option that names it, and its section.
        name: the name.
        known: the names that there are.
        kind: what they are of, for the message.
        hint: what to do; by default to define it.

    Raises:
        ConfigError: if it is none of those.
    """
    if name not in known:
        raise ConfigError(
            f"--{option}: expected one of {kind}{', '.join(sorted(known)) or 'none'}, got {name!r};"
            f" {hint or f'define it under {option}s'}"
        )


def limit_threads(threads: int | None) -> None:
    """Limit the threads of torch, if a number is given."""
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
