"""What all rules share: the checked config, paths, and the parameters of each stage.

What the command line adds (`--configfile`, `--config`) is laid over config/config.yaml by explaind,
not by Snakemake, which would leave the keys of AdamW in an optimizer section that becomes SGD, and
does not say which file a mistake is in.

The commands read results/config.json, which is written when the jobs start. It is not an input of
the rules: their parameters hold the values they use, and nothing else may rerun them. As an
`ancient` input with a job of its own it would hide changes, because Snakemake 9 does not look at
the parameters of jobs behind one that reruns, even if the file between them is ancient.
"""

import json
import os
import re
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

from explaind.config.experiment import ENCODERS
from explaind.config.load import load_config
from explaind.config.schema import Config
from explaind.config.stages import stage_config
from explaind.config.load import resolve_config
from explaind.errors import ConfigError
from explaind.fingerprint import code_fingerprint
from explaind.own_code import search_first
from explaind.pipeline.stored_plan import PLANNED, is_made_for
from explaind.paths import Paths, seal, shard_labels

# The `explaind` command of the environment that Snakemake runs in, activated or not.
shell.prefix(f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH; ")


def checked_config() -> Config:
    """The defaults under what the command line adds; a mistake in it stops the workflow here.

    As a module of another workflow it has the config that it is given there, and no defaults.
    """
    search_first(".")
    given = workflow.config_settings
    files = [os.path.relpath(file) for file in given.configfiles]
    defaults = Path(workflow.basedir).parent / "config" / "config.yaml"
    try:
        if IS_MODULE:
            return load_config(config, {"defaults": False})
        return load_config(
            *files, given.config or {}, defaults=os.path.relpath(defaults)
        )
    except ConfigError as error:
        raise WorkflowError(str(error)) from None


def cores_at_hand() -> int:
    """Cores that the shards share; one on a cluster, where each has memory and cores of its own."""
    try:
        return workflow.cores
    except WorkflowError:  # no total is set
        return 1


IS_MODULE = not workflow.modifier.is_main_snakefile()
CONFIG = checked_config()
PATHS = Paths()
RUNS = sorted(CONFIG.runs)
CORES = cores_at_hand()
KINDS = CONFIG.specs()
COMPUTED = [spec for spec in KINDS if spec.computed]
IN_PARTS = [spec for spec in COMPUTED if spec.computed.parts]
SHOWN = [spec for spec in KINDS if spec.shown]
PAGES = [
    PATHS.figure(name) for name in sorted(CONFIG.experiments) if CONFIG.spec(name).shown
]


wildcard_constraints:
    dataset="|".join(CONFIG.datasets),
    run="|".join(CONFIG.runs) or "(?!)",
    encoder="|".join(CONFIG.encoders) or "(?!)",
    replicate=r"\d+",
    shard=r"\d+-of-\d+(_t\d+-of-\d+)?",


def dataset_of(wildcards):
    """Seal of the dataset that a run is trained on."""
    return seal(PATHS.dataset(CONFIG.runs[wildcards.run].dataset))


def dataset_of_encoder(wildcards):
    """Seal of the dataset that an encoder is trained on."""
    return seal(PATHS.dataset(CONFIG.encoders[wildcards.encoder].dataset))


def replicates(encoders):
    """Encoders with the numbers of their replicates."""
    return [
        (name, k) for name in encoders for k in range(CONFIG.encoders[name].replicates)
    ]


def trained(encoders):
    """Seals of all replicates of encoders."""
    return [seal(PATHS.encoder(name, k)) for name, k in replicates(encoders)]


def of_encoder(wildcards):
    """What the training of an encoder takes from the config."""
    return stage_config(CONFIG, "train_encoder", wildcards.encoder)


def file_of_dataset(wildcards):
    """The user's file that a dataset is made from, if it is made from one."""
    settings = CONFIG.datasets[wildcards.dataset]
    return getattr(settings, "path", None) or []


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


def merged_shards(wildcards):
    """Seals of the shards that an influence store is merged from."""
    return shards_of(wildcards.run)


def threads_per_shard(wildcards):
    """All cores divided among the shards of a run."""
    return max(1, CORES // len(shards_of(wildcards.run)))


def half_of_the_cores(_):
    """Two jobs at a time: small networks gain little from many threads."""
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


def of_dataset(wildcards):
    """What the preparation of a dataset takes from the config."""
    return stage_config(CONFIG, "prepare_dataset", wildcards.dataset)


def of_experiment(stage):
    """Parameter function: what computing or drawing an experiment takes from the config."""
    return lambda wildcards: stage_config(CONFIG, stage, wildcards.experiment)


def of_part(kind):
    """Parameter function: what computing a part of an experiment takes from the config."""

    def values(wildcards):
        name = wildcards.experiment
        return stage_config(CONFIG.of_part(name, wildcards.part), kind, name)

    return values


def parts_of_kind(kind):
    """Pattern of the names of all parts of the experiments of a kind."""
    names = [name for name in CONFIG.experiments if CONFIG.spec(name).name == kind]
    parts = {re.escape(part) for name in names for part in CONFIG.parts(name)}
    return "|".join(sorted(parts)) or "(?!)"


def of_kind(kind):
    """Pattern of the names of the experiments of a kind; one that fits nothing if there are none."""
    names = [name for name in CONFIG.experiments if CONFIG.spec(name).name == kind]
    return "|".join(names) or "(?!)"


def modules_of(spec, *names):
    """Dotted names of modules in the folder of an experiment."""
    return [f"{spec.folder}.{name}" for name in names]


def subjects_of_kind(kind):
    """Pattern of the folders that the results of a kind lie in: runs, or that of the encoders."""
    found = {
        entry.subject
        for name, entry in CONFIG.experiments.items()
        if CONFIG.spec(name).name == kind
    }
    return "|".join(sorted(found)) or "(?!)"


def sources(settings, reads):
    """Files and seals of what is read (`explaind.experiments.spec.Source`), by name."""
    if settings.subject == ENCODERS:
        return sources_of_encoders(settings.encoders, reads)
    return sources_of_runs(settings.runs, reads)


def sources_of_encoders(encoders, reads):
    """What is read of encoders; a recorded path is written by the job that trains."""
    dataset = CONFIG.encoders[encoders[0]].dataset
    files = {"dataset": seal(PATHS.dataset(dataset)), "encoders": trained(encoders)}
    return {name: files[name] for name in reads}


def sources_of_runs(runs, reads):
    """What is read of a run, or of replicates of one, on one dataset."""
    stores, summaries = map(PATHS.validation, runs), map(PATHS.validation_summary, runs)
    files = {
        "dataset": seal(PATHS.dataset(CONFIG.runs[runs[0]].dataset)),
        "history": [seal(PATHS.history(run)) for run in runs],
        "metrics": [PATHS.metrics(run) for run in runs],
        "influence": [seal(PATHS.influence(run)) for run in runs],
        "validation": [*map(seal, stores), *summaries],
    }
    return {name: files[name] for name in reads}


def result(run, name, computed):
    """What a finished experiment leaves: its table, or the seal of its store."""
    path = PATHS.experiment(run, name, computed.suffix)
    return seal(path) if computed.suffix == "zarr" else path


def result_of(name):
    """What an experiment of the config leaves."""
    return result(CONFIG.experiments[name].subject, name, CONFIG.spec(name).computed)


def results_of(name, rule):
    """What the experiments leave that a rule of another one reads, by the key that names them."""
    settings = CONFIG.experiments[name]
    named = {key: settings.named_by(key).values() for key in rule.results}
    return {
        key: [result_of(other) for other in others] for key, others in named.items()
    }


def read_by(spec):
    """Input function: what an experiment, or each part of one, is computed from."""

    def inputs(wildcards):
        settings = CONFIG.experiments[wildcards.experiment]
        others = results_of(wildcards.experiment, spec.computed)
        return {**sources(settings, spec.computed.reads), **others}

    return inputs


def merged_by(spec):
    """Input function: what the rule of an experiment reads, which may be what its parts made."""

    def inputs(wildcards):
        run, name = wildcards.run, wildcards.experiment
        return {"parts": [PATHS.part(run, name, part) for part in CONFIG.parts(name)]}

    return inputs if spec.computed.parts else read_by(spec)


def shown_by(spec):
    """Input function: what a page is drawn from."""

    def inputs(wildcards):
        name = wildcards.experiment
        settings = CONFIG.experiments[name]
        own = {"result": result_of(name)} if spec.computed else {}
        others = results_of(name, spec.shown)
        return {**sources(settings, spec.shown.reads), **own, **others}

    return inputs


def tables_of(spec):
    """The tables behind the panels of a page."""
    return [table_of(spec, table) for table in spec.shown.tables]


def table_of(spec, table):
    """A table behind the panels of a page, as Snakemake's own report shows it."""
    file = PATHS.table("{experiment}", *table.split("."))
    labels = {"file": table, "what it shows": "numbers behind the panels"}
    placed = {"category": category, "subcategory": spec.title, "labels": labels}
    return report(file, caption="../report/table.rst", **placed)


def category(wildcards):
    """Where Snakemake's own report puts what belongs to an experiment: with its run."""
    subject = CONFIG.experiments[wildcards.experiment].subject
    return "Encoders" if subject == ENCODERS else f"Run {subject}"


def command(name, spec, own):
    """Subcommand that computes or draws an experiment; those of the user's own share theirs.

    A parameter, because Snakemake evaluates shell commands when the loop over the rules has ended.
    """
    return (own if spec.package else name).replace("_", "-")
