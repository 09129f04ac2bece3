"""An experiment is added as the documentation says: a folder, and two lines in the registry."""

import json

import pandas as pd
import pytest

from explaind.files import write_text
from explaind.paths import Paths

FOLDER = {
    "__init__.py": '''
"""How many training samples help each explained one."""

from explaind.experiments.helpers.settings import HelpersSettings
from explaind.experiments.spec import Computed, Shown, Spec

SPEC = Spec(
    name="helpers",
    title="Who helps?",
    summary="How many training samples raised the output of each explained sample.",
    settings=HelpersSettings,
    computed=Computed(reads=("influence",), minutes=10),
    shown=Shown(tables=("counts.csv",)),
)
''',
    "settings.py": '''
"""Config of the experiment."""

from typing import Literal

from pydantic import Field

from explaind.config.base import Section
from explaind.config.experiment import ExperimentSettings


class HelpersPage(Section):
    """What its page shows."""

    shown: int = Field(10, ge=1, description="Explained samples shown.")


class HelpersSettings(ExperimentSettings):
    """Count the training samples that raised the output of each explained sample."""

    kind: Literal["helpers"] = "helpers"
    least: float = Field(0.0, ge=0, description="Least influence that counts.")
    page: HelpersPage = Field(HelpersPage(), description="What its page shows.")
''',
    "compute.py": '''
"""Training samples that help."""

import pandas as pd

from explaind.experiments.helpers.settings import HelpersSettings
from explaind.experiments.job import Job


def compute(job: Job[HelpersSettings]) -> pd.DataFrame:
    """Count the training samples whose influence is above the least one, per explained sample."""
    helps = job.influence["influence"].isel(output=0) > job.settings.least
    return pd.DataFrame({"sample": job.influence["test"], "helpers": helps.sum("train")})
''',
    "tables.py": '''
"""The numbers of the page."""

from dataclasses import dataclass

import pandas as pd

from explaind.experiments.helpers.settings import HelpersSettings
from explaind.report.sources import Sources


@dataclass(frozen=True)
class HelpersTables:
    """All numbers of the page: the `counts`."""

    counts: pd.DataFrame

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return {"counts": self.counts}


def read(sources: Sources, settings: HelpersSettings) -> HelpersTables:
    """Read the first counts."""
    return HelpersTables(sources.result("helpers").head(settings.page.shown))
''',
    "page.py": '''
"""The page."""

import plotly.graph_objects as go

from explaind.experiments.helpers.tables import HelpersTables
from explaind.report.page import About, Page, Panel, Plot


def draw(tables: HelpersTables, about: About) -> Page:
    """Put the page together."""
    bars = go.Figure(go.Bar(x=tables.counts["sample"], y=tables.counts["helpers"]))
    panel = Panel(
        title="Helpers", plots=(Plot("helpers", bars),), tables=(about.files["counts"],)
    )
    return Page(about, lead="Training samples that raised each output.", panels=(panel,))
''',
}
CONFIG = {"experiments": {"helpers": {"run": "grokking"}}}
CHANGES = [
    ({"least": 0.5}, {"helpers": 1, "page_helpers": 1, "report": 1}),
    ({"page": {"shown": 3}}, {"page_helpers": 1, "report": 1}),
]


@pytest.fixture
def added(project):
    for name, text in FOLDER.items():
        write_text(project.root / "explaind" / "experiments" / "helpers" / name, text.lstrip())
    registry = "explaind/experiments/registry.py"
    last_import = "from explaind.experiments.label_noise import"
    new_import = "from explaind.experiments.helpers import SPEC as HELPERS\n"
    project.replace(registry, last_import, new_import + last_import)
    project.replace(
        registry, "        LEAVE_GROUP_OUT,\n", "        LEAVE_GROUP_OUT,\n        HELPERS,\n"
    )
    write_text(project.root / "mine.yaml", json.dumps(CONFIG))
    return project


def options(*more):
    return ("--configfile", "config/tiny.yaml", "mine.yaml", *more)


def test_a_new_experiment_runs_and_nothing_else_is_computed_again(added):
    linked = ("grokking", "training", "epk_validation", "pruning", "sanity")  # pages of the run
    expected = {"helpers": 1, "page_helpers": 1, "report": 1}
    assert added.planned() == {}  # as long as no config names it
    assert added.planned(*options()) == expected | {f"page_{kind}": 1 for kind in linked}

    added.snakemake(*options("--", "all"))

    paths = Paths(added.root)
    table = pd.read_parquet(paths.experiment("grokking", "helpers"))
    assert table["helpers"].between(1, 53).all()
    assert len(pd.read_csv(paths.table("helpers", "counts"))) == 10
    assert "Who helps?" in paths.figure("helpers").read_text()
    assert 'href="helpers.html"' in paths.figure("training").read_text()
    assert 'href="figures/helpers.html"' in paths.index().read_text()
    assert added.planned(*options()) == {}
    for keys, reruns in CHANGES:
        change = json.dumps({"helpers": keys})
        assert added.planned(*options("--config", f"experiments={change}")) == reruns


def test_a_new_experiment_is_listed_everywhere(added):
    summary = "How many training samples raised the output of each explained sample."
    listed = added.snakemake(*options("--list-rules"))
    assert f"helpers ({summary})" in listed
    assert f"page_helpers (Draw the page “Who helps?”. {summary})" in listed
    assert "page-helpers" in added.explaind("--help")
    reference = added.call("-m", "explaind.config.reference")
    assert "## `experiments.<name>`, kind `helpers`" in reference
    assert "## `experiments.<name>.page`" in reference
    assert "`least`" in reference
