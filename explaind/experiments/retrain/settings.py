"""Config of the retraining with transplanted components."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from explaind.config.base import Section, canonical
from explaind.config.experiment import ExperimentSettings, Seeds
from explaind.experiments.component_sets import ComponentSet

Fraction = Annotated[float, Field(ge=0, le=1)]
Fractions = Annotated[tuple[Fraction, ...], AfterValidator(canonical), Field(min_length=1)]

ATTENTION = ("QKV projection", "output projection")
PUBLISHED = (
    ("embedding", "linear2", "decoder"),
    (*ATTENTION, "linear1"),
    ("embedding", "linear1", "linear2", "decoder"),
)


class RetrainPage(Section):
    """Options of the page of a retraining, which alone is drawn again."""

    goal: float = Field(
        1.0, gt=0, le=1, description="Validation accuracy up to which the steps are counted."
    )


class RetrainSettings(ExperimentSettings):
    """Transplant components into random networks and train them on as the run is trained."""

    needs_classes: ClassVar[bool] = True

    kind: Literal["retrain"] = "retrain"
    sources: Fractions = Field(
        (0.25, 0.5, 0.75, 1.0),
        description="Where on the path of the run components are taken from, as fractions of its "
        "steps: 0 = its start, 1 = its end.",
    )
    transplants: tuple[ComponentSet, ...] = Field(
        PUBLISHED,
        min_length=1,
        description="Sets of components that are transplanted, by name; all others start from "
        "random numbers. An empty set: a network of random numbers alone, to compare with.",
    )
    seeds: Seeds = Field(
        (0, 1, 2, 3, 4), description="Seeds of the random numbers and of the order of the samples."
    )
    scale: float = Field(
        0.1, gt=0, description="Standard deviation of the random numbers, biases included."
    )
    max_steps: int = Field(500, ge=1, description="Steps after which a training ends anyway.")
    page: RetrainPage = Field(RetrainPage(), description="Options of the page.")

    def parts(self) -> dict[str, "RetrainSettings"]:
        """Return the settings of the parts by name: one per source, and one without any."""
        taken = tuple(components for components in self.transplants if components)
        parts = {}
        if taken:
            for source in self.sources:
                only = {"sources": (source,), "transplants": taken}
                parts[f"source-{source}"] = self.model_copy(update=only)
        if len(taken) < len(self.transplants):
            only = {"sources": (1.0,), "transplants": ((),)}
            parts["random"] = self.model_copy(update=only)
        return parts
