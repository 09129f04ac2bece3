"""Config of held-out passages and the training passages that mattered most to them."""

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from explaind.config.experiment import ExperimentSettings


class PassagesSettings(ExperimentSettings):
    """Held-out passages, and the training passages that mattered most to them, by token."""

    of_datasets: ClassVar[tuple[str, ...]] = ("text",)

    kind: Literal["passages"] = "passages"
    languages: tuple[str, ...] | None = Field(
        None,
        min_length=1,
        description="Languages (or other groups) of which a held-out passage is explained; null ="
        " all.",
    )
    passage: int = Field(
        0,
        ge=0,
        description="Which of the held-out passages of a language; 0 = the beginning of the first "
        "held-out part.",
    )
    span: tuple[int, int] | None = Field(
        None,
        description="First token explained, and the first one behind, counted from 0, the "
        "beginning of the passage, which nothing predicts; null = all that are predicted.",
    )
    top: int = Field(3, ge=1, description="Training passages kept per side.")

    @model_validator(mode="after")
    def _check_span(self) -> "PassagesSettings":
        if self.span is not None and not 1 <= self.span[0] < self.span[1]:
            raise ValueError(
                f"expected a span of 1 <= first < behind, got {list(self.span)}; correct it"
            )
        return self
