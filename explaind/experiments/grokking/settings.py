"""Config of the pages on grokking."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from explaind.config.base import Name
from explaind.config.experiment import ExperimentSettings
from explaind.experiments.component_sets import ComponentSet

Other = Annotated[Name | None, Field(description="The experiment on the run; null = left out.")]


class GrokkingSettings(ExperimentSettings):
    """How a run on modular addition grokked, told by the experiments on it."""

    of_datasets: ClassVar[tuple[str, ...]] = ("modulo",)
    needs_classes: ClassVar[bool] = True

    kind: Literal["grokking"] = "grokking"
    influence_over_training: Other = None
    similarity: Other = None
    spectrum: Other = None
    swap: Other = None
    retrain: Other = None
    embedding: str = Field("embedding", description="The component that reads the numbers.")
    last: ComponentSet = Field(
        ("decoder", "linear2"),
        min_length=1,
        description="The components that make the output; with the embedding these are the outer "
        "layers of the paper, and all others its representation pipeline.",
    )
    attention: ComponentSet = Field(
        ("QKV projection", "output projection"),
        min_length=1,
        description="The components of the attention; a network that keeps all others is a control "
        "of the paper.",
    )
