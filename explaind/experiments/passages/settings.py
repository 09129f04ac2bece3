"""Config of held-out passages and the training passages that mattered most to them."""

from typing import ClassVar, Literal

from pydantic import Field

from explaind.config.experiment import ExperimentSettings


class PassagesSettings(ExperimentSettings):
    """Held-out passages, and the training passages that mattered most to them, by token."""

    of_datasets: ClassVar[tuple[str, ...]] = ("text",)

    kind: Literal["passages"] = "passages"
    languages: tuple[str, ...] | None = Field(
        None,
        min_length=1,
        description="Languages (or other groups) whose first held-out passage is explained; null ="
        " all.",
    )
    top: int = Field(3, ge=1, description="Training passages kept per side.")
