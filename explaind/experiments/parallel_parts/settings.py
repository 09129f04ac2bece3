"""Config of the influence between translations."""

from typing import ClassVar, Literal

from pydantic import Field

from explaind.config.base import Section
from explaind.config.experiment import ExperimentSettings


class ParallelPartsPage(Section):
    """Options of the page."""

    permutations: int = Field(
        10000, ge=1, description="Random pairings of parts that the translations are compared with."
    )


class ParallelPartsSettings(ExperimentSettings):
    """Compare what a part does to its translations with what it does to other parts."""

    of_datasets: ClassVar[tuple[str, ...]] = ("text",)

    kind: Literal["parallel_parts"] = "parallel_parts"
    languages: tuple[str, ...] | None = Field(
        None, min_length=2, description="Languages (or other groups) compared; null = all."
    )
    parts: int = Field(
        8, ge=2, description="Parts compared, those with most training crops of these languages."
    )
    page: ParallelPartsPage = ParallelPartsPage()
