"""Config of the maps of samples."""

from typing import Literal

from pydantic import Field

from explaind.config.base import Name
from explaind.config.experiment import ExperimentSettings


class MapsSettings(ExperimentSettings):
    """Place the samples of a similarity experiment in three dimensions, by UMAP and by PCA."""

    kind: Literal["maps"] = "maps"
    similarity: Name = Field("similarity", description="The experiment that compared the samples.")
    neighbours: int = Field(15, ge=2, description="Neighbours of each sample that UMAP looks at.")
    seed: int = Field(42, ge=0, description="Seed of UMAP.")
