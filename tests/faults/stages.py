"""Every rule of the workflow as a process that can be killed, on a case of a second or two."""

import json
import multiprocessing
import os
import resource
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from explaind.config.load import load_config
from explaind.errors import StoreError
from explaind.paths import Paths
from explaind.store import MADE_WITH, MEASURED, is_sealed, open_sealed
from tests.faults.case import CASE, ENCODERS, LANGUAGES, OF_ENCODERS, OF_SAMPLES, PAGES, RUN

ROAR_PARTS = ("saliency-0.2", "random-0.2")
OF_TEXT = ("single_steps", "passages", "parallel_parts")
OTHER_PAGES = ("labelfree", "language_influence", "language_claims", *OF_TEXT)
PLANNED = ("blocks", "config", "made_for", "samples_per_block", "shards", "sized_by")
IMPORTED = ("cli", "pipeline.prepare", "pipeline.train", "pipeline.plan", "pipeline.predict")
AFTER = (
    "pipeline.accumulate",
    "pipeline.validate",
    "experiments.job",
    "experiments.drawing",
    "experiments.influence_over_training.compute",
    "experiments.influence_matrices.compute",
    "experiments.swap.compute",
    "experiments.retrain.compute",
    "experiments.pruning.compute",
    "experiments.label_noise.compute",
    "experiments.leave_group_out.compute",
    *(f"experiments.{name}.compute" for name in OF_SAMPLES),
    *(f"experiments.{name}.compute" for name in OF_TEXT),
    "pipeline.train_encoder",
    *(f"experiments.{name}.compute" for name in OF_ENCODERS),
    *(f"experiments.{name}.page" for name in (*PAGES, *OF_ENCODERS, *OTHER_PAGES)),
)

# Children are forked from a process that has imported everything and done nothing yet: a kill
# strikes the work, not the imports.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload([f"explaind.{module}" for module in (*IMPORTED, *AFTER)])

Process = multiprocessing.process.BaseProcess


@dataclass(frozen=True)
class Stage:
    """One rule.

    Attributes:
        command: its subcommand with the options that all rules do not have.
        outputs: its stores and files below a project directory.
    """

    command: str
    outputs: tuple[Path, ...]

    def start(self, root: Path, largest_file: int | None = None) -> Process:
        """Run the stage in a process of its own; what it says goes to the log beside `root`.

        Args:
            root: the project directory.
            largest_file: most bytes that the process may write to a file; None = any number.
        """
        arguments = (self.command, str(root), largest_file)
        process = PROCESSES.Process(target=run_command, args=arguments)
        process.start()
        return process

    def run(self, root: Path) -> None:
        """Run the stage to its end."""
        process = self.start(root)
        process.join()
        assert process.exitcode == 0, log_of(root).read_text()

    def remove(self, root: Path) -> None:
        """Remove the outputs of the stage."""
        for output in self.outputs:
            if (root / output).is_dir():
                shutil.rmtree(root / output)
            else:
                (root / output).unlink()

    def contents(self, root: Path) -> dict[str, bytes]:
        """Every byte of the outputs, by file, except for what was measured while it was made."""
        return {
            str(file.relative_to(root)): _without_measurements(file)
            for output in self.outputs
            for file in sorted([root / output, *(root / output).rglob("*")])
            if file.is_file()
        }

    def taken_for_data(self, root: Path) -> list[Path]:
        """The outputs that a later rule would read."""
        return [output for output in self.outputs if _is_read(root / output)]


def _stages() -> tuple[Stage, ...]:
    paths, of_run = Paths(Path()), f"--run {RUN}"
    tables = [paths.table("grokking", name) for name in ("curves", "cancellation")]
    return (
        Stage("prepare-dataset --dataset modulo", (paths.dataset("modulo"),)),
        Stage(f"train {of_run}", (paths.history(RUN), paths.metrics(RUN))),
        Stage(f"plan-epk {of_run}", (paths.plan(RUN),)),
        Stage(f"predict-epk {of_run} --shard 0/2", (paths.shard(RUN, "0-of-2"),)),
        Stage(f"predict-epk {of_run} --shard 1/2", (paths.shard(RUN, "1-of-2"),)),
        Stage(f"accumulate-kernel {of_run}", (paths.influence(RUN),)),
        Stage(f"validate-epk {of_run}", (paths.validation(RUN), paths.validation_summary(RUN))),
        Stage(
            "influence-over-training --experiment influence_over_training",
            (paths.experiment(RUN, "influence_over_training"),),
        ),
        Stage(
            "influence-matrices --experiment influence_matrices",
            (paths.experiment(RUN, "influence_matrices", "zarr"),),
        ),
        Stage("swap --experiment swap", (paths.experiment(RUN, "swap", "zarr"),)),
        Stage(
            "retrain-part --experiment retrain --part source-1.0",
            (paths.part(RUN, "retrain", "source-1.0"),),
        ),
        Stage("retrain --experiment retrain", (paths.experiment(RUN, "retrain"),)),
        Stage("pruning --experiment pruning", (paths.experiment(RUN, "pruning"),)),
        Stage("label-noise --experiment label_noise", (paths.experiment(RUN, "label_noise"),)),
        Stage(
            "leave-group-out --experiment leave_group_out",
            (paths.experiment(RUN, "leave_group_out"),),
        ),
        Stage("similarity", (paths.experiment(RUN, "similarity", "zarr"),)),
        Stage("maps", (paths.experiment(RUN, "maps"),)),
        Stage("spectrum", (paths.experiment(RUN, "spectrum"),)),
        Stage("plotly-js", (paths.plotly_js(),)),
        Stage("page-training", (paths.figure("training"),)),
        Stage("page-epk-validation", (paths.figure("epk_validation"),)),
        Stage("page-grokking", (paths.figure("grokking"), *tables)),
        Stage("page-influence-over-training", (paths.figure("influence_over_training"),)),
        Stage("page-influence-matrices", (paths.figure("influence_matrices"),)),
        Stage("page-swap", (paths.figure("swap"),)),
        Stage("page-retrain", (paths.figure("retrain"),)),
        Stage("page-pruning", (paths.figure("pruning"),)),
        Stage("page-examples", (paths.figure("examples"),)),
        Stage("page-sanity", (paths.figure("sanity"),)),
        *(Stage(f"page-{name}", (paths.figure(name),)) for name in OF_SAMPLES),
        *_stages_of_languages(paths),
        *_stages_of_encoders(paths),
        *(Stage(f"page-{_command(name)}", (paths.figure(name),)) for name in OTHER_PAGES),
        Stage("report", (paths.index(),)),
    )


def _stages_of_languages(paths: Paths) -> list[Stage]:
    of_run = f"--run {LANGUAGES}"
    return [
        Stage(f"prepare-dataset --dataset {LANGUAGES}", (paths.dataset(LANGUAGES),)),
        Stage(f"train {of_run}", (paths.history(LANGUAGES), paths.metrics(LANGUAGES))),
        Stage(f"plan-epk {of_run}", (paths.plan(LANGUAGES),)),
        Stage(f"predict-epk {of_run} --shard 0/1", (paths.shard(LANGUAGES, "0-of-1"),)),
        Stage(f"accumulate-kernel {of_run}", (paths.influence(LANGUAGES),)),
        Stage(
            f"validate-epk {of_run}",
            (paths.validation(LANGUAGES), paths.validation_summary(LANGUAGES)),
        ),
        *(Stage(_command(name), (paths.experiment(LANGUAGES, name, "zarr"),)) for name in OF_TEXT),
    ]


def _stages_of_encoders(paths: Paths) -> list[Stage]:
    return [
        Stage("prepare-dataset --dataset all_digits", (paths.dataset("all_digits"),)),
        *(Stage(f"train-encoder --encoder {name}", (paths.encoder(name, 0),)) for name in ENCODERS),
        *(
            Stage(f"roar-part --part {part}", (paths.part("encoders", "roar", part),))
            for part in ROAR_PARTS
        ),
        *(
            Stage(_command(name), (paths.experiment("encoders", name, suffix),))
            for name, suffix in OF_ENCODERS.items()
        ),
        *(Stage(f"page-{_command(name)}", (paths.figure(name),)) for name in OF_ENCODERS),
    ]


def _command(name: str) -> str:
    return name.replace("_", "-")


STAGES = _stages()


def stage(command: str) -> Stage:
    """The stage whose command begins so."""
    return next(found for found in STAGES if found.command.startswith(command))


def warm_up() -> None:
    """Start the process that all others are forked from."""
    process = PROCESSES.Process(target=sys.getsizeof, args=(0,))
    process.start()
    process.join()


def write_config(root: Path) -> None:
    """Write the complete config of the case below a project directory."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "config.json").write_text(json.dumps(load_config(CASE).model_dump(mode="json")))


def log_of(root: Path) -> Path:
    """What the last command below a project directory said; beside it, whose disk may be full."""
    return root.with_name(f"{root.name}.log")


def run_command(command: str, root: str, largest_file: int | None) -> None:
    """Run a subcommand in this process, as the rule does."""
    import torch

    from explaind.cli import main

    torch.set_num_threads(1)
    log = os.open(log_of(Path(root)), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    if largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
    config = [] if command == "plotly-js" else ["--config", str(Path(root, "config.json"))]
    sys.argv = ["explaind", *command.split(), "--root", root, *config]
    main()


def _without_measurements(file: Path) -> bytes:
    """A plan depends on the speed of the machine; metadata may hold memory used, and a commit."""
    content = file.read_bytes()
    if file.name == "plan.json":
        plan = json.loads(content)
        return json.dumps([plan[key] for key in PLANNED], sort_keys=True).encode()
    if file.name == "zarr.json":
        metadata = json.loads(content)
        for attribute in (MEASURED, MADE_WITH):  # no seal covers them either
            metadata.get("attributes", {}).pop(attribute, None)
        return json.dumps(metadata, sort_keys=True).encode()
    return content


def _is_read(output: Path) -> bool:
    if output.suffix != ".zarr":
        return output.exists()
    try:
        open_sealed(output).load()
    except StoreError:
        assert not is_sealed(output), f"{output} is sealed, and cannot be read"
        return False
    return True
