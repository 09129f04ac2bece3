"""Every command and every block of Python in the README and the docs is run as it stands there."""

import pytest
import yaml

from explaind.config.load import load_config
from explaind.config.schema import Config
from explaind.files import write_text
from tests.documents import INDENT, blocks, commands, documents
from tests.workflow.project import REPOSITORY, Project

DRY_RUN = {
    "snakemake --cores 8 all",
    "snakemake --configfile config/cifar2-cpu.yaml -- all",
    "snakemake --configfile config/grokking-cpu.yaml -- all",
    "snakemake --configfile config/paper.yaml -- all",
    "snakemake --configfile mine.yaml -- all",
    "snakemake --config 'runs={grokking: {epk: {intervals: 20}}}' -- all",
    "snakemake --workflow-profile workflow/profiles/slurm --configfile mine.yaml -- all",
    "snakemake --workflow-profile workflow/profiles/slurm all",
    "snakemake results/figures/grokking.html",
    "snakemake results/figures/pruning.html",
    "snakemake results/grokking/plan.json",
}
LARGE = (
    "snakemake --configfile config/labelfree-cpu.yaml -- all",
    "snakemake --configfile config/labelfree-paper.yaml -- all",
    "snakemake --configfile config/languages-cpu.yaml -- all",
)
"""Dry runs with data of one's own, of many jobs."""

RUN = (  # in this order, from nothing, with the tiny case as config/config.yaml
    "explaind --help",
    "explaind prepare-dataset --config mine.yaml --dataset modulo",
    "explaind prepare-dataset --config config/config.yaml --dataset modulo",
    "explaind train --config config/config.yaml --run grokking",
    "explaind plan --config config/config.yaml --run grokking",
    "explaind plan-epk --config config/config.yaml --run grokking",
    "explaind predict-epk --config config/config.yaml --run grokking --shard 0/2",
    "explaind pruning --config config/config.yaml --experiment pruning",
    "explaind page-pruning --config config/config.yaml --experiment pruning",
    "snakemake --list",
    "snakemake --unlock",
)
ELSEWHERE = {
    ".ci/run": "runs these tests itself",
    "apt-get install munge slurmctld slurmd slurm-client": "system packages; done by .ci/run",
    "explaind doctor my_module:build": "tests/doctor/test_sources.py",
    "explaind plan --parameters 1e8 --gpus 64 ...": "shortened; in full further down",
    "explaind train --config mine.yaml": "shortened; in full in the README",
    "make docs": "tests/integrations/test_site.py builds the site",
    "make all": "the main job; done by .ci/run",
    "make lint": "done by .ci/run",
    "make test": "runs these tests itself; done by .ci/run",
    "make test-all": "the same",
    "pip install --constraint constraints.txt --editable .[slurm]": "network; done by make",
    "pip install --constraint constraints.txt --editable .[vision]": "network; done by make",
    "pip install tensorstore": "network; a comparison with what is not used",
    "python -m benchmarks.chunks": "the same; measures the machine",
    "python -m benchmarks.epk": "minutes, and measures the machine",
    "python -m benchmarks.large_model main": "minutes, and measures the machine",
    "python -m benchmarks.layer_rules": "measures the machine",
    "python -m benchmarks.memory --steps 8": "minutes, and measures the machine",
    "python -m benchmarks.peers": "measures the machine; tests/integrations/test_peers.py",
    "python -m benchmarks.recording": "minutes, and measures the machine",
    "python -m benchmarks.rooms": "tests/test_docs_tree.py compares what it draws",
    "python -m benchmarks.rules results": "tests/test_benchmarks.py, of planted times",
    "python -m benchmarks.single_steps": "tests/plan/test_single_steps.py",
    "python -m benchmarks.small_jobs main": "minutes, and measures the machine",
    "python -m benchmarks.windows main": "minutes, and measures the machine",
    "python -m benchmarks.startup": "measures the machine",
    "python -m benchmarks.threads main": "measures the machine",
    "python -m tests.faults.kills": "minutes; tests/faults does it with fewer kills",
    "python -m venv .venv": "network follows; done by make",
    "snakemake --snakefile $EXPLAIND/workflow/Snakefile --configfile mine.yaml --cores 2 -- all": (
        "tests/workflow/test_own_project.py"
    ),
    **dict.fromkeys(LARGE, "test_large_workflows"),
    "snakemake --report report.zip": "tests/workflow/test_report.py",
    "snakemake results/figures/average.html": "tests/test_docs_experiment.py",
}
TRANSCRIPTS = {
    command.line: command.output
    for document in documents()
    for command in commands(document)
    if command.output
}
SMALL_TRAINING = """
import torch
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 5))
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2, gamma=0.9)
loss_fn = torch.nn.CrossEntropyLoss(reduction="none")
train_data = (torch.randn(12, 4), torch.arange(12) % 5)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*train_data), batch_size=4)
x, y, epochs = torch.randn(2, 4), torch.tensor([0, 1]), 4
"""
SMALL_AUTOENCODER = """
import explaind, torch
torch.manual_seed(0)
model = torch.nn.Sequential()
model.add_module("encoder", torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh()))
model.add_module("decoder", torch.nn.Linear(3, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
loss_fn = lambda output, target: (output - target).square().mean(1)
x_train, x = torch.randn(8, 4), torch.randn(2, 4)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x_train, x_train), batch_size=4)
with explaind.record(model, optimizer, loss_fn, store="history.zarr") as recorder:
    for batch in recorder.batches(loader):
        optimizer.zero_grad()
        loss_fn(model(batch.x), batch.y).mean().backward()
        optimizer.step()
"""
SETUP = {
    "README.md": SMALL_TRAINING,
    "docs/index.md": "",  # what a newcomer copies needs nothing beside it
    "docs/labelfree.md": SMALL_AUTOENCODER,
    "docs/migration.md": SMALL_TRAINING,
    "docs/own_model.md": SMALL_TRAINING,
    "docs/reading.md": "",
}
"""What the blocks of Python of a document take for granted."""
OWN_CODE = "docs/own_project.md"  # whose configs tests/workflow/test_own_project.py runs


def configs():
    """What a document shows of a config: whole sections, and the line of its block."""
    for document in documents():
        for number, block in enumerate(blocks(document)):
            if document == OWN_CODE or block.language not in ("yaml", INDENT):
                continue
            try:
                content = yaml.safe_load(block.text)
            except yaml.YAMLError:
                continue  # commands, say
            if isinstance(content, dict) and content.keys() <= Config.model_fields.keys():
                yield pytest.param(content, id=f"{document} block {number}")


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """A project as it is checked out, with the file that the README shows as `mine.yaml`."""
    project = Project.create(tmp_path_factory.mktemp("fresh"))
    mine = next(block for block in blocks("README.md") if block.language == "yaml")
    write_text(project.root / "mine.yaml", mine.text)
    return project


def test_every_command_is_tried():
    shown = {
        command.line
        for document in documents()
        if document != "CHANGELOG.md"  # speaks of former ones, too
        for command in commands(document)
    }
    assert shown == DRY_RUN | set(RUN) | set(ELSEWHERE) | set(TRANSCRIPTS)


@pytest.mark.parametrize("shown", list(configs()))
def test_configs_are_valid(shown):
    config = load_config(shown, defaults=REPOSITORY / "config/config.yaml")
    assert shown["experiments"].keys() <= config.experiments.keys()


@pytest.mark.parametrize("command", sorted(DRY_RUN))
def test_workflow(fresh, command):
    _, arguments = command.split(" ", 1)
    assert "This was a dry-run" in fresh.shell(f"snakemake --dry-run {arguments}")


@pytest.mark.long
@pytest.mark.parametrize("command", LARGE)
def test_large_workflows(fresh, tmp_path, command):
    """Of files that are there, whatever they hold: a dry run opens none."""
    project = fresh.copy(tmp_path)
    file = next(word for word in command.split() if word.endswith(".yaml"))
    for dataset in yaml.safe_load((tmp_path / file).read_text())["datasets"].values():
        if "path" in dataset:
            write_text(tmp_path / dataset["path"], "")
    test_workflow(project, command)


@pytest.mark.long
def test_commands_of_a_run(fresh, tmp_path):
    project = fresh.copy(tmp_path)
    tiny = ("--config", "config/config.yaml", "--config", "config/tiny.yaml")
    project.explaind("resolve-config", *tiny)
    resolved = (tmp_path / "results/config.json").read_text()
    write_text(tmp_path / "config/config.yaml", resolved)
    for command in RUN:
        project.shell(command)
    assert (tmp_path / "results/figures/pruning.html").is_file()


@pytest.mark.parametrize("command", TRANSCRIPTS)
def test_transcripts(fresh, command):
    written = fresh.shell(command, fails=TRANSCRIPTS[command].startswith("error: "))
    assert written.split() == TRANSCRIPTS[command].split()


def test_every_document_with_python_is_run():
    with_python = {
        document
        for document in documents()
        if any(block.language == "python" for block in blocks(document))
    }
    apart = {
        "docs/add_an_experiment.md": "tests/test_docs_experiment.py",
        "docs/huggingface.md": "tests/integrations/test_tutorials.py",
        "docs/lightning.md": "tests/integrations/test_tutorials.py",
        "docs/own_project.md": "tests/workflow/test_own_project.py",
    }
    assert with_python == SETUP.keys() | apart.keys()


@pytest.mark.parametrize("document", SETUP)
def test_python(document, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(SETUP[document], names)
    for block in blocks(document):
        if block.language == "python":
            exec(compile(block.text, document, "exec"), names)
    assert names["explained"].influence.dims == ("test", "output", "train")
    if document == "docs/reading.md":
        assert (names["a"], names["b"]) == pytest.approx((0.3, -0.3))
