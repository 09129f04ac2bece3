"""What all rules share: the checked config, paths, and the parameters of each stage.

The global `config` of Snakemake holds only what the command line adds (`--configfile`, `--config`).
It is laid over config/config.yaml by explaind, not by a `configfile:` directive: Snakemake would
leave the keys of AdamW in an optimizer section that becomes SGD.

The commands read results/config.json, which is written when the jobs start. It is not an input of
the rules: their parameters hold the values they use, and nothing else may rerun them. As an
`ancient` input with a job of its own it would hide changes, because Snakemake 9 does not look at
the parameters of jobs behind one that reruns, even if the file between them is ancient.
"""

import json
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

from explaind.config import Config, load_config, stage_config
from explaind.config.resolve import resolve_config
from explaind.errors import ConfigError
from explaind.fingerprint import code_fingerprint
from explaind.pipeline.stored_plan import PLANNED, is_made_for
from explaind.paths import Paths, seal, shard_labels

# The `explaind` command of the environment that Snakemake runs in, activated or not.
shell.prefix(f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH; ")


def checked_config() -> Config:
    """The defaults under what the command line adds; a mistake in it stops the workflow here."""
    try:
        return load_config(
            Path(workflow.basedir).parent / "config" / "config.yaml", config
        )
    except ConfigError as error:
        raise WorkflowError(str(error)) from None


def cores_at_hand() -> int:
    """Cores that the shards share; one on a cluster, where each has memory and cores of its own."""
    try:
        return workflow.cores
    except WorkflowError:  # no total is set
        return 1


CONFIG = checked_config()
PATHS = Paths()
FIGURES = sorted(CONFIG.figures)
RUNS = sorted(CONFIG.runs)
CORES = cores_at_hand()
DRAWN_RUNS = sorted({figure.run for figure in CONFIG.figures.values()})


wildcard_constraints:
    dataset="|".join(CONFIG.datasets),
    run="|".join(CONFIG.runs),
    shard=r"\d+-of-\d+(_t\d+-of-\d+)?",


def dataset_of(wildcards):
    """Seal of the dataset that a run is trained on."""
    return seal(PATHS.dataset(CONFIG.runs[wildcards.run].dataset))


def file_of_dataset(wildcards):
    """The user's file that a dataset is made from, if it is made from one."""
    settings = CONFIG.datasets[wildcards.dataset]
    return settings.path if settings.kind == "npz" else []


def shards_of(run):
    """Seals of the shards of a run, one for each part of the samples and of the steps.

    With `shards: auto` their number is known after the plan.
    """
    epk = CONFIG.runs[run].epk
    count = epk.shards
    if count == "auto":
        plan = checkpoints.plan_epk.get(run=run).output.plan
        count = json.loads(Path(plan).read_text(encoding="utf-8"))["shards"]
    labels = shard_labels(count, epk.segments)
    return [seal(PATHS.shard(run, label)) for row in labels for label in row]


def shards_to_gather(wildcards):
    """Seals of the shards that an influence store is gathered from."""
    return shards_of(wildcards.run)


def threads_per_shard(wildcards):
    """All cores divided among the shards of a run."""
    return max(1, CORES // len(shards_of(wildcards.run)))


def half_of_the_cores(_):
    """Two experiments at a time: small networks gain little from many threads."""
    return max(1, CORES // 2)


def memory(base):
    """Resource function for `mem_mb`: the base, twice that for the second attempt, and so on.

    A job that was killed for its memory gets more when it is tried again (`retries`). The base is a
    number of MB, or a function of the wildcards that returns one.
    """

    def mem_mb(wildcards, attempt):
        return attempt * (base(wildcards) if callable(base) else base)

    return mem_mb


def shard_options(wildcards):
    """The shard as the command line takes it, e.g. --shard 0/2 --segment 1/3."""
    shard, _, segment = wildcards.shard.partition("_t")
    options = f"--shard {shard}" + (f" --segment {segment}" if segment else "")
    return options.replace("-of-", "/")


def plan_for(rule):
    """Input function: the plan of the run, which a rule takes its resources from.

    It is `ancient` as long as what is computed is what the plan was made for. Then a new plan
    (after a change of `memory_gb`, say) makes no shard stale. Otherwise it is not, because
    Snakemake 9 does not look at the parameters of jobs behind one that reruns.
    """

    def plan(wildcards):
        path = PATHS.plan(wildcards.run)
        known = is_made_for(CONFIG, PATHS, wildcards.run, rule)
        return ancient(path) if known else path

    return plan


def plans(_):
    """Plans of all runs.

    An input of `all`, and through `checkpoints`, so that Snakemake looks again, after each plan, at
    the jobs behind it: their parameters may have changed as well.
    """
    return [checkpoints.plan_epk.get(run=run).output.plan for run in RUNS]


def shards_of_all_runs(_):
    """Seals of the shards of all runs."""
    return [shard for run in RUNS for shard in shards_of(run)]


def planned(rule, resource):
    """Function of the wildcards: a resource of a rule, from the plan of the run.

    Before there is a plan the missing file is one of the inputs, so Snakemake asks again later.
    """

    def value(wildcards):
        plan = json.loads(PATHS.plan(wildcards.run).read_text(encoding="utf-8"))
        return plan["jobs"][rule][resource]

    return value


def of_run(stage):
    """Parameter function: what a stage of a run takes from the config."""
    return lambda wildcards: stage_config(CONFIG, stage, wildcards.run)


def of_experiment(kind):
    """Parameter function: what an experiment of a kind takes from the config."""
    return lambda wildcards: stage_config(CONFIG, kind, wildcards.experiment)


def of_dataset(wildcards):
    """What the preparation of a dataset takes from the config."""
    return stage_config(CONFIG, "prepare_dataset", wildcards.dataset)


def of_figure(wildcards):
    """What the drawing of a figure takes from the config."""
    kind = CONFIG.figures[wildcards.figure].kind
    return stage_config(CONFIG, f"figure_{kind}", wildcards.figure)


def of_kind(section, kind):
    """Pattern of the names of a kind in a section; one that fits nothing if there are none."""
    names = [name for name, found in section.items() if found.kind == kind]
    return "|".join(names) or "(?!)"


def metrics_of_figure(wildcards):
    """The metrics of the run that a figure shows."""
    return PATHS.metrics(CONFIG.figures[wildcards.figure].run)


def experiments_of_figure(wildcards):
    """The results of the experiments that a figure shows."""
    figure = CONFIG.figures[wildcards.figure]
    return {
        key: PATHS.experiment(figure.run, getattr(figure, key)) for key in figure.shows
    }


def dataset_of_figure(wildcards):
    """Seal of the dataset of the run that a figure shows."""
    run = CONFIG.runs[CONFIG.figures[wildcards.figure].run]
    return seal(PATHS.dataset(run.dataset))


def stores_of_figure(wildcards):
    """What a figure is drawn from: the results of the run it shows."""
    run = CONFIG.figures[wildcards.figure].run
    return {
        "metrics": PATHS.metrics(run),
        "influence": seal(PATHS.influence(run)),
        "validation": seal(PATHS.validation(run)),
        "statistics": PATHS.validation_summary(run),
    }
