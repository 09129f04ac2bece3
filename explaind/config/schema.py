"""The whole config; its defaults are the embedded case of ``config/config.yaml``."""

from pydantic import Field, model_validator

from explaind.config.base import Name, Section
from explaind.config.dataset import Dataset, ModuloDataset
from explaind.config.epk import Epk
from explaind.config.figures import Figures
from explaind.config.model import Model, TransformerModel
from explaind.config.training import Training

RESERVED_RUNS = {"figures"}  # results/figures holds the pages


class Run(Section):
    """One training run and what is computed from it."""

    dataset: Name = Field("modulo", description="Name of the dataset trained on.")
    model: Model = Field(TransformerModel(), description="The network.")
    training: Training = Field(Training(), description="How it is trained.")
    epk: Epk = Field(Epk(), description="What the exact path kernel explains.")


class Config(Section):
    """Datasets, runs and figures, each by name."""

    datasets: dict[Name, Dataset] = Field(
        {"modulo": ModuloDataset()}, description="Datasets by name."
    )
    runs: dict[Name, Run] = Field({"grokking": Run()}, description="Training runs by name.")
    figures: Figures = Field(Figures(), description="Pages by name.")

    @model_validator(mode="after")
    def _check_references(self) -> "Config":
        problems = [
            *(problem for name, run in self.runs.items() for problem in self._problems(name, run)),
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
        explained = run.epk.samples or data.validation_size
        return [
            _above(f"runs.{name}.training.batch_size", run.training.batch_size, data.train_size),
            _above(f"runs.{name}.epk.samples", run.epk.samples, data.validation_size),
            _above(
                f"runs.{name}.epk.shards",
                None if run.epk.shards == "auto" else run.epk.shards,
                explained,
            ),
            _above(
                f"runs.{name}.epk.train_samples", _count(run.epk.train_samples), data.train_size
            ),
            _above(f"runs.{name}.epk.segments", run.epk.segments, run.training.max_steps),
        ]


def _dangling(key: str, name: str, known: dict[str, Dataset] | dict[str, Run]) -> str:
    """Problem text if a name refers to nothing, else an empty text."""
    if name in known:
        return ""
    return (
        f"{key}: expected one of {', '.join(sorted(known))}, got {name!r}; define it or correct it"
    )


def _count(index: tuple[int, ...] | None) -> int | None:
    """How many samples there must be for an index to exist."""
    return None if index is None else index[-1] + 1


def _above(key: str, value: int | None, limit: int) -> str:
    """Problem text if more samples are asked for than there are, else an empty text."""
    if value is None or value <= limit:
        return ""
    return (
        f"{key}: expected at most {limit}, the number of samples there are, got {value}; lower it"
    )
