"""Config of the influence of language on language."""

from typing import ClassVar, Literal

from pydantic import Field

from explaind.config.experiment import ExperimentSettings


class FamilySettings(ExperimentSettings):
    """What pages about influence by language share."""

    of_datasets: ClassVar[tuple[str, ...]] = ("text",)
    takes_groups: ClassVar[bool] = True

    families: dict[str, tuple[str, ...]] = Field(
        {},
        description="Known families that the clustering is compared with: languages by family; "
        "those in none are families of their own.",
    )
    permutations: int = Field(
        1000, ge=1, description="Random families that the known ones are compared with."
    )


class LanguageInfluenceSettings(FamilySettings):
    """Influence of every language (or other group of text) on every other one."""

    kind: Literal["language_influence"] = "language_influence"
