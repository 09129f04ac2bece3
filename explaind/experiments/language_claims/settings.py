"""Config of the page with the claims about languages."""

from typing import Literal

from pydantic import Field

from explaind.config.base import Name
from explaind.experiments.language_influence.settings import FamilySettings


class LanguageClaimsSettings(FamilySettings):
    """Judge the claims about languages over a run and its replicates."""

    kind: Literal["language_claims"] = "language_claims"
    replicates: tuple[Name, ...] = Field(
        (),
        description="Runs that differ from it in their seeds; without any nothing is judged.",
    )

    @property
    def runs(self) -> tuple[str, ...]:
        """The run and its replicates."""
        return (self.run, *self.replicates)
