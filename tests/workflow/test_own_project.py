"""docs/own_project.md, done as it says: own model, data and experiment, from a directory apart."""

import json
import re
import shutil

import pandas as pd
import pytest
import yaml

from explaind.files import write_text
from explaind.paths import Paths
from explaind.store import open_sealed
from tests.documents import blocks, files_shown
from tests.forks.run import run_module
from tests.workflow.project import REPOSITORY

DOCUMENT = "docs/own_project.md"
SNAKEFILE = str(REPOSITORY / "workflow" / "Snakefile")
PACKAGE = "my_study/average"

pytestmark = pytest.mark.long


def snakemake(folder, *arguments, fails=False):
    command = ("snakemake", "--snakefile", SNAKEFILE, "--configfile", "mine.yaml", "--cores", "2")
    return call(folder, *command, *arguments, fails=fails)


def call(folder, *command, fails=False):
    done = run_module(command, folder, REPOSITORY)
    assert (done.returncode != 0) == fails, done.stdout
    return done.stdout


def average_of_ones_own():
    """The files of docs/add_an_experiment.md as a package of the study."""
    for path, text in files_shown("docs/add_an_experiment.md").items():
        if "registry" not in path:
            moved = path.replace("explaind/experiments/average", PACKAGE)
            own = text.replace("explaind.experiments.average", "my_study.average")
            yield moved, own.replace('    kind: Literal["average"] = "average"\n', "")


def study(folder):
    """The files of the document, and an experiment of one's own."""
    for path, text in (*files_shown(DOCUMENT).items(), *average_of_ones_own()):
        write_text(folder / path, text)
    config = yaml.safe_load(next(b.text for b in blocks(DOCUMENT) if b.language == "yaml"))
    config["experiments"]["mine"] = {"kind": "my_study.average", "run": "prices"}
    config["runs"]["prices"]["training"]["max_steps"] = 3
    write_text(folder / "mine.yaml", json.dumps(config))
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished study, in a directory with blanks in its name; not to be changed."""
    folder = study(tmp_path_factory.mktemp("studies") / "my study")
    snakemake(folder, "--", "all")
    return folder


@pytest.fixture
def copied(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "a copy")


def test_the_chain_ends_in_pages(finished):
    influence = open_sealed(Paths(finished).influence("prices"))
    assert influence.sizes["test"] == 10
    assert influence.sizes["train"] == 30
    assert influence.attrs["completeness_error"] < 1e-5
    statistics = json.loads(Paths(finished).validation_summary("prices").read_text())
    assert statistics["relative_error"] < 1e-3
    index = Paths(finished).index().read_text()
    assert all(f"{page}.html" in index for page in ("training", "epk_validation", "mine"))
    assert "logit" not in Paths(finished).figure("epk_validation").read_text()


def test_an_experiment_of_ones_own_is_computed_and_drawn(finished):
    influence = open_sealed(Paths(finished).influence("prices"))["influence"].load()
    table = pd.read_csv(Paths(finished).table("mine", "average", "csv"))
    expected = influence.mean(("test", "output")).to_series().sort_values(ascending=False)
    assert table["influence"].to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-6)


def planned(folder):
    """Rules that Snakemake would run."""
    output = snakemake(folder, "--dry-run", "--", "all")
    jobs = re.findall(r"^(\w+) +\d+$", output, flags=re.MULTILINE)
    assert jobs or "Nothing to be done" in output
    return set(jobs)


def test_only_changed_code_runs_again(copied):
    assert planned(copied) == set()
    models = copied / "my_study/models.py"
    text = models.read_text()
    write_text(models, text.replace("def build", "# a comment\ndef build"))
    assert planned(copied) == set()
    write_text(models, text.replace("nn.ReLU()", "nn.Tanh()"))
    again = planned(copied)
    assert "train" in again
    assert "prepare_dataset" not in again


def test_a_change_of_an_own_experiment_runs_it_again(copied):
    compute = copied / PACKAGE / "compute.py"
    write_text(compute, compute.read_text().replace("mean(", "sum("))
    again = planned(copied)
    assert again >= {"average", "page_average"}
    assert "train" not in again


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("mine.yaml", "my_study.models", "my_studio.models", "runs.prices.model"),
        ("mine.yaml", '"hidden"', '"hiden"', "model.kind"),
        ("my_study/models.py", "nn.ReLU()", "nn.RELU()", "my_study/models.py, line 5"),
        ("my_study/models.py", "def build", "def biuld", "models.py"),
        ("my_study/data.py", '"y_test": y[30:]', '"y_test": y[31:]', "datasets.houses"),
        ("my_study/average/compute.py", "def compute", "def  (", "my_study/average/compute.py"),
        ("my_study/average/__init__.py", "Spec(", "Speck(", "experiments.mine"),
    ],
)
def test_mistakes_are_said_with_key_and_file(tmp_path, file, old, new, said):
    folder = study(tmp_path / "my study")
    text = (folder / file).read_text()
    assert old in text
    write_text(folder / file, text.replace(old, new))
    assert said in snakemake(folder, "--", "all", fails=True)


def test_as_a_module_of_another_workflow(finished, tmp_path):
    folder = tmp_path / "another"
    shutil.copytree(finished / "my_study", folder / "my_study")
    shutil.copy(finished / "mine.yaml", folder)
    text = next(block.text for block in blocks(DOCUMENT) if "use rule" in block.text)
    write_text(
        folder / "Snakefile", text.replace("/path/to/explaind/workflow/Snakefile", SNAKEFILE)
    )
    call(folder, "snakemake", "--cores", "2")
    assert Paths(folder).index().is_file()
    assert "Nothing to be done" in call(folder, "snakemake", "--cores", "2")


def test_from_another_directory(copied, tmp_path):
    page = Paths(copied).figure("mine")
    page.unlink()
    command = ("snakemake", "--snakefile", SNAKEFILE, "--cores", "2")
    config = ("--configfile", str(copied / "mine.yaml"), "--directory", str(copied))
    call(tmp_path, *command, *config, "--", "all")
    assert page.is_file()
    assert list(tmp_path.iterdir()) == [copied]
    assert "Nothing to be done" in call(tmp_path, *command, *config, "--dry-run", "--", "all")
