"""Whether the parts of a run fit each other, its dataset and the figures that show it."""

from collections.abc import Mapping

from explaind.config.dataset import Dataset
from explaind.config.experiments import Experiment
from explaind.config.figures import Figure, GrokkingFigure
from explaind.config.modulo import ModuloDataset
from explaind.config.run import Run


def fit_problems(name: str, run: Run, data: Dataset) -> list[str]:
    """Parts of a run that do not fit each other or the dataset, one text each.

    Args:
        name: name of the run.
        run: the run.
        data: its dataset.
    """
    problems = []
    if run.model.inputs != data.inputs:
        problems.append(
            f"runs.{name}.model.kind: expected a model of {data.inputs} for the dataset"
            f" {run.dataset!r} (kind {data.kind}), got {run.model.kind}, a model of"
            f" {run.model.inputs}; change one of them"
        )
    if run.training.augmentation is not None and data.inputs != "images":
        problems.append(
            f"runs.{name}.training.augmentation: expected null for a dataset of {data.inputs}, got"
            f" {run.training.augmentation}, which is for images; change it"
        )
    if run.training.loss == "nll" and not run.model.log_softmax:
        problems.append(
            f"runs.{name}.training.loss: expected cross_entropy for a model with log_softmax"
            " false, got nll, which needs log-probabilities; change one of them"
        )
    return problems


def experiment_problems(
    name: str, figure: Figure, experiments: Mapping[str, Experiment]
) -> list[str]:
    """What keeps a figure from showing its experiments, one text each.

    Args:
        name: name of the figure.
        figure: the figure.
        experiments: all experiments by name.
    """
    problems = []
    for key, kind in figure.shows.items():
        shown = getattr(figure, key)
        fitting = [
            other
            for other, experiment in experiments.items()
            if (experiment.kind, experiment.run) == (kind, figure.run)
        ]
        if shown not in fitting:
            problems.append(
                f"figures.{name}.{key}: expected one of kind {kind} on the run {figure.run!r}:"
                f" {', '.join(fitting) or 'none'}, got {shown!r}; change run or experiment"
            )
    return problems


def figure_problems(name: str, figure: Figure, data: Dataset) -> list[str]:
    """What keeps a figure from showing its run, one text each.

    Args:
        name: name of the figure.
        figure: the figure.
        data: the dataset of the run it shows.
    """
    if not isinstance(figure, GrokkingFigure) or isinstance(data, ModuloDataset):
        return []
    problem = (
        f"figures.{name}.run: expected a run on a dataset of kind modulo for a figure of kind"
        f" grokking, got {figure.run!r}, whose dataset is of kind {data.kind}; change one of them"
    )
    return [problem]
