"""The whole config; its defaults are the embedded case of ``config/config.yaml``."""

from pydantic import Field, model_validator

from explaind.config.base import Name, Section
from explaind.config.dataset import Dataset
from explaind.config.experiments import Experiments
from explaind.config.figures import Figures
from explaind.config.modulo import ModuloDataset
from explaind.config.run import Run
from explaind.config.sizes import size_problems

RESERVED_RUNS = {"figures"}  # results/figures holds the pages


class Config(Section):
    """Datasets, runs, experiments and figures, each by name."""

    datasets: dict[Name, Dataset] = Field(
        {"modulo": ModuloDataset()}, description="Datasets by name."
    )
    runs: dict[Name, Run] = Field({"grokking": Run()}, description="Training runs by name.")
    experiments: Experiments = Field({}, description="Experiments on the runs by name.")
    figures: Figures = Field(Figures(), description="Pages by name.")

    @model_validator(mode="after")
    def _check_references(self) -> "Config":
        problems = [
            *(problem for name, run in self.runs.items() for problem in self._problems(name, run)),
            *(
                _dangling(f"experiments.{name}.run", experiment.run, self.runs)
                for name, experiment in self.experiments.items()
            ),
            *(
                _dangling(f"figures.{name}.run", getattr(self.figures, name).run, self.runs)
                for name in type(self.figures).model_fields
            ),
        ]
        found = [problem for problem in problems if problem]
        if found:
            raise ValueError("\n".join(found))
        return self

    def _problems(self, name: str, run: Run) -> list[str]:
        """Problems of one run that only show beside its dataset."""
        if name in RESERVED_RUNS:
            return [f"runs.{name}: expected another name, {name!r} is taken; rename the run"]
        if run.dataset not in self.datasets:
            return [_dangling(f"runs.{name}.dataset", run.dataset, self.datasets)]
        data = self.datasets[run.dataset]
        return [
            *_fit_problems(name, run, data),
            *size_problems(name, run, data.train_size, data.validation_size),
        ]


def _fit_problems(name: str, run: Run, data: Dataset) -> list[str]:
    """Parts of a run that do not fit each other or the dataset."""
    problems = []
    if run.model.inputs != data.inputs:
        problems.append(
            f"runs.{name}.model.kind: expected a model of {data.inputs} for the dataset"
            f" {run.dataset!r} (kind {data.kind}), got {run.model.kind}, a model of"
            f" {run.model.inputs}; change one of them"
        )
    if run.training.loss == "nll" and not run.model.log_softmax:
        problems.append(
            f"runs.{name}.training.loss: expected cross_entropy for a model with log_softmax"
            " false, got nll, which needs log-probabilities; change one of them"
        )
    return problems


def _dangling(key: str, name: str, known: dict[str, Dataset] | dict[str, Run]) -> str:
    """Problem text if a name refers to nothing, else an empty text."""
    if name in known:
        return ""
    return (
        f"{key}: expected one of {', '.join(sorted(known))}, got {name!r}; define it or correct it"
    )
