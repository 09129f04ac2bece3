"""The whole config; its defaults are one run, the first of ``config/config.yaml``."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator, model_validator

from explaind.config.base import Name, Section
from explaind.config.dataset import Dataset
from explaind.config.experiments import AnyExperiment
from explaind.config.figures import (
    AnyFigure,
    EpkValidationFigure,
    Figure,
    GrokkingFigure,
    TrainingFigure,
)
from explaind.config.fit import experiment_problems, figure_problems, fit_problems
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
    experiments: dict[Name, AnyExperiment] = Field(
        {}, description="Experiments on the runs by name."
    )
    figures: dict[Name, AnyFigure] = Field(
        {
            "grokking": GrokkingFigure(),
            "training": TrainingFigure(),
            "epk_validation": EpkValidationFigure(),
        },
        description="Pages by name.",
    )

    @field_validator("datasets", "runs", "experiments", "figures", mode="before")
    @classmethod
    def _drop_removed(cls, named: Any) -> Any:
        """Leave out what is null: how a config removes an entry of the one it is laid over."""
        if not isinstance(named, Mapping):
            return named
        return {name: section for name, section in named.items() if section is not None}

    @field_validator("experiments", "figures", mode="before")
    @classmethod
    def _name_kinds(cls, named: Any) -> Any:
        """An experiment or figure without a kind is of the kind that it is named like."""
        if not isinstance(named, Mapping):
            return named
        return {
            name: {"kind": name, **section} if isinstance(section, Mapping) else section
            for name, section in named.items()
        }

    @model_validator(mode="after")
    def _check_references(self) -> "Config":
        problems = [
            *(problem for name, run in self.runs.items() for problem in self._of_run(name, run)),
            *(
                _dangling(f"experiments.{name}.run", experiment.run, self.runs)
                for name, experiment in self.experiments.items()
                if experiment.run not in self.runs
            ),
            *(
                problem
                for name, figure in self.figures.items()
                for problem in self._of_figure(name, figure)
            ),
        ]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _of_run(self, name: str, run: Run) -> list[str]:
        """Problems of one run that only show beside its dataset."""
        if name in RESERVED_RUNS:
            return [f"runs.{name}: expected another name, {name!r} is taken; rename the run"]
        if run.dataset not in self.datasets:
            return [_dangling(f"runs.{name}.dataset", run.dataset, self.datasets)]
        data = self.datasets[run.dataset]
        return [
            *fit_problems(name, run, data),
            *size_problems(name, run, data.train_size, data.validation_size),
        ]

    def _of_figure(self, name: str, figure: Figure) -> list[str]:
        """Problems of one figure that only show beside its run."""
        if figure.run not in self.runs:
            return [_dangling(f"figures.{name}.run", figure.run, self.runs)]
        data = self.datasets.get(self.runs[figure.run].dataset)
        problems = experiment_problems(name, figure, self.experiments)
        return problems if data is None else [*problems, *figure_problems(name, figure, data)]


def _dangling(key: str, name: str, known: Mapping[str, Any]) -> str:
    """Problem text of a name that refers to nothing."""
    names = ", ".join(sorted(known)) or "no name, as none is defined"
    return f"{key}: expected one of {names}, got {name!r}; define it or correct it"
