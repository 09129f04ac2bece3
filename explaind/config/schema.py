"""The whole config; its defaults are one run, the first of `config/config.yaml`."""

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    SerializeAsAny,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from explaind.config.base import Name, Section
from explaind.config.dataset import Dataset, ModuloDataset
from explaind.config.encoder import Encoder, encoder_problems
from explaind.config.experiment import (
    ENCODERS,
    EncoderExperimentSettings,
    ExperimentSettings,
    Settings,
)
from explaind.config.problems import problem_lines
from explaind.config.run import Run, fit_problems, size_problems
from explaind.config.training import CLASSIFICATION
from explaind.experiments.own import own_spec, spec_of
from explaind.experiments.registry import SPECS
from explaind.experiments.spec import Spec

RESERVED_RUNS = {"figures", ENCODERS}  # folders of results that hold other things
RESERVED_ENCODERS = {"experiments", "benchmarks"}  # the same of results/encoders

OWN_PACKAGE = "package.module"
"""Tag of the experiments of the user's own, whose `kind` is the dotted name of their folder."""


def _kind(section: object) -> str:
    given = section["kind"] if isinstance(section, Mapping) else getattr(section, "kind", None)
    return OWN_PACKAGE if "." in str(given) else str(given)


def _own(section: object) -> object:
    """Return the settings of an experiment of the user's own.

    Raises:
        ValueError: listing what they refuse.
    """
    if not isinstance(section, Mapping):
        return section
    try:
        return own_spec(section["kind"]).settings.model_validate(section)
    except ValidationError as error:
        lines = problem_lines(error, section)
        raise ValueError("\n".join(f"{key}: {text}" for key, text in lines)) from error


if TYPE_CHECKING:
    Experiment = Settings
else:
    Experiment = Annotated[
        reduce(or_, (Annotated[spec.settings, Tag(name)] for name, spec in SPECS.items()))
        | Annotated[SerializeAsAny[ExperimentSettings], BeforeValidator(_own), Tag(OWN_PACKAGE)],
        Discriminator(_kind),
    ]


class Config(Section):
    """All runs, with their datasets and experiments."""

    defaults: bool = Field(
        True, description="Lay this config over config/config.yaml; false = it stands alone."
    )
    datasets: dict[Name, Dataset] = Field(
        {"modulo": ModuloDataset()}, description="Datasets by name."
    )
    runs: dict[Name, Run] = Field({"grokking": Run()}, description="Training runs by name.")
    encoders: dict[Name, Encoder] = Field({}, description="Encoders without labels, by name.")
    experiments: dict[Name, Experiment] = Field(
        {}, description="Experiments and pages about runs or encoders, by name."
    )

    def spec(self, experiment: str) -> Spec:
        """Return what is known of the kind of an experiment, given its name."""
        return spec_of(self.experiments[experiment].kind)

    def specs(self) -> list[Spec]:
        """Return all kinds of experiments: those of the registry and those of the user's own."""
        kinds = sorted({settings.kind for settings in self.experiments.values()})
        return [*SPECS.values(), *(spec_of(kind) for kind in kinds if kind not in SPECS)]

    def parts(self, experiment: str) -> Mapping[str, Settings]:
        """Return the settings of the parts of an experiment by name; none if it is one job."""
        computed, settings = self.spec(experiment).computed, self.experiments[experiment]
        return computed.parts(settings) if computed and computed.parts else {}

    def of_part(self, experiment: str, part: str) -> "Config":
        """Return the config in which an experiment asks for one of its parts alone."""
        narrowed = {**self.experiments, experiment: self.parts(experiment)[part]}
        return self.model_copy(update={"experiments": narrowed})

    @model_validator(mode="before")
    @classmethod
    def _name_what_moved(cls, config: object) -> object:
        if isinstance(config, Mapping) and "figures" in config:
            raise PydanticCustomError(
                "moved",
                "expected no such section, it is now part of `experiments`; move its entries there "
                "under their names, but leave out figures of kind pruning: the experiment has the "
                "page now",
            )
        return config

    @field_validator("datasets", "runs", "encoders", "experiments", mode="before")
    @classmethod
    def _drop_removed(cls, named: object) -> object:
        """Leave out what is null: how a config removes an entry, or all, of the one below it."""
        if named is None:
            return {}
        if not isinstance(named, Mapping):
            return named
        return {name: section for name, section in named.items() if section is not None}

    @field_validator("experiments", mode="before")
    @classmethod
    def _name_kinds(cls, named: object) -> object:
        """An experiment without a kind is of the kind that it is named like."""
        if not isinstance(named, Mapping):
            return named
        return {
            name: {"kind": name, **section} if isinstance(section, Mapping) else section
            for name, section in named.items()
        }

    @model_validator(mode="after")
    def _check_references(self) -> "Config":
        problems = [
            *(problem for name in self.runs for problem in self._of_run(name)),
            *(problem for name in self.encoders for problem in self._of_encoder(name)),
            *(problem for name in self.experiments for problem in self._of_experiment(name)),
            *self._twice(),
        ]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _twice(self) -> list[str]:
        """Problems of experiments of the user's own whose rules would have one name."""
        folders: dict[str, str] = {}
        return [
            f"experiments: expected different names in SPEC, got {spec.name!r} in"
            f" {folders[spec.name]} and {spec.folder}; rename one"
            for spec in self.specs()
            if folders.setdefault(spec.name, spec.folder) != spec.folder
        ]

    def _of_run(self, name: str) -> list[str]:
        """Problems of one run that only show beside its dataset."""
        run = self.runs[name]
        if name in RESERVED_RUNS:
            return [f"runs.{name}: expected another name, {name!r} is taken; rename the run"]
        if run.dataset not in self.datasets:
            return [_dangling(f"runs.{name}.dataset", run.dataset, self.datasets)]
        data = self.datasets[run.dataset]
        return [
            *fit_problems(name, run, data),
            *size_problems(name, run, data.train_size, data.validation_size),
        ]

    def _of_encoder(self, name: str) -> list[str]:
        """Problems of one encoder that only show beside its dataset."""
        encoder = self.encoders[name]
        if name in RESERVED_ENCODERS:
            return [f"encoders.{name}: expected another name, {name!r} is taken; rename it"]
        if encoder.dataset not in self.datasets:
            return [_dangling(f"encoders.{name}.dataset", encoder.dataset, self.datasets)]
        return list(encoder_problems(name, encoder, self.datasets[encoder.dataset]))

    def _of_experiment(self, name: str) -> list[str]:
        """Problems of one experiment that only show beside what it names."""
        settings, key = self.experiments[name], f"experiments.{name}"
        if isinstance(settings, ExperimentSettings):
            problems = self._of_its_run(settings, key) or self._of_groups(name, settings)
        else:
            assert isinstance(settings, EncoderExperimentSettings)  # there are these two
            problems = self._of_its_encoders(settings, key)
        return problems or self._of_its_results(name, settings)

    def _of_its_run(self, settings: ExperimentSettings, key: str) -> list[str]:
        unknown = [run for run in settings.runs if run not in self.runs]
        if unknown:
            return [_dangling(f"{key}.run", run, self.runs) for run in unknown]
        datasets = {self.runs[run].dataset for run in settings.runs}
        if len(datasets) > 1:
            found = ", ".join(sorted(datasets))
            return [f"{key}.replicates: expected runs on one dataset, got {found}; name others"]
        data = self.datasets.get(self.runs[settings.run].dataset)
        if data and settings.of_datasets and data.kind not in settings.of_datasets:
            problem = (
                f"{key}.run: expected a run on a dataset of kind"
                f" {' or '.join(settings.of_datasets)} for an experiment of kind {settings.kind},"
                f" got {settings.run!r}, whose dataset is of kind {data.kind}; change one of them"
            )
            return [problem]
        losses = {run: self.runs[run].training.loss for run in settings.runs}
        return [
            f"{key}.run: expected a run with the loss {' or '.join(CLASSIFICATION)} for an"
            f" experiment of kind {settings.kind}, which is about classes, got {run!r}, whose loss"
            f" is {loss}; name another run, or leave the experiment out"
            for run, loss in losses.items()
            if settings.needs_classes and loss not in CLASSIFICATION
        ]

    def _of_its_encoders(self, settings: EncoderExperimentSettings, key: str) -> list[str]:
        unknown = [name for name in settings.encoders if name not in self.encoders]
        if unknown:
            return [_dangling(f"{key}.encoders", name, self.encoders) for name in unknown]
        datasets = sorted({self.encoders[name].dataset for name in settings.encoders})
        if len(datasets) > 1:
            problem = (
                f"{key}.encoders: expected encoders of one dataset, got some of"
                f" {', '.join(datasets)}; name others, or make two experiments of it"
            )
            return [problem]
        return []

    def _of_its_results(self, name: str, settings: Settings) -> list[str]:
        problems: list[str] = []
        about = settings.subject
        for option, kind in self.spec(name).results.items():
            fitting = [
                entry
                for entry, found in self.experiments.items()
                if (self.spec(entry).name, found.subject) == (kind, about)
            ]
            where = about if about == ENCODERS else f"the run {about!r}"
            problems += [
                f"experiments.{name}.{option}: expected one of kind {kind} on {where}:"
                f" {', '.join(fitting) or 'none'}, got {other!r}; change one of them"
                for other in settings.named_by(option).values()
                if other not in fitting
            ]
        return problems

    def _of_groups(self, name: str, settings: ExperimentSettings) -> list[str]:
        """Problems of an experiment that reads influence by sample or by group, the other one."""
        spec = self.spec(name)
        reads = any("influence" in rule.reads for rule in (spec.computed, spec.shown) if rule)
        if not reads or settings.takes_groups is None:
            return []
        wanted = "a grouping" if settings.takes_groups else "null"
        remedy = "change it, or give the experiment another run"
        groups = {run: self.runs[run].epk.groups for run in settings.runs}
        return [
            f"runs.{run}.epk.groups: expected {wanted} for experiments.{name}, of kind"
            f" {settings.kind}, got {grouping}; {remedy}"
            for run, grouping in groups.items()
            if settings.takes_groups != (grouping is not None)
        ]


def _dangling(key: str, name: str, known: Mapping[str, Any]) -> str:
    """Problem text of a name that refers to nothing."""
    names = ", ".join(sorted(known)) or "no name, as none is defined"
    return f"{key}: expected one of {names}, got {name!r}; define it or correct it"
