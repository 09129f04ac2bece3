"""Config of the models."""

from typing import Literal

from pydantic import Field, model_validator

from explaind.config.base import Section


class TransformerModel(Section):
    """One transformer layer as in the publication; vocabulary and classes follow the dataset."""

    kind: Literal["transformer"] = "transformer"
    width: int = Field(64, ge=1, description="Width d of the residual stream.")
    heads: int = Field(4, ge=1, description="Attention heads; must divide width.")
    mlp_width: int = Field(256, ge=1, description="Hidden units of the feed-forward block.")
    embedding_std: float = Field(
        0.25, gt=0, description="Standard deviation of the initial embedding; torch's own is 1."
    )
    seed: int = Field(2, ge=0, description="Seed of the initial parameters.")

    @model_validator(mode="after")
    def _check_heads(self) -> "TransformerModel":
        if self.width % self.heads:
            raise ValueError(
                f"expected heads to divide width, got width {self.width} and heads {self.heads}; "
                "change one of them"
            )
        return self


Model = TransformerModel  # becomes a union over `kind` with the second model
