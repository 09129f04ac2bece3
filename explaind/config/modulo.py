"""Config of the generated dataset, modular addition."""

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from explaind.config.base import Section


class ModuloDataset(Section):
    """Modular addition: all unordered pairs `a >= b` below p, target `(a + b) mod p`."""

    inputs: ClassVar[str] = "tokens"

    kind: Literal["modulo"] = "modulo"
    p: int = Field(53, ge=2, description="Modulus; there are p (p + 1) / 2 pairs.")
    train_fraction: float | None = Field(
        0.8, gt=0, lt=1, description="Share of all pairs used for training; or give train_samples."
    )
    train_samples: int | None = Field(
        None, ge=1, description="Number of training pairs; then set train_fraction to null."
    )
    validation_samples: int | None = Field(
        None,
        ge=1,
        description="Number of validation pairs; null = all pairs not used for training.",
    )
    seed: int = Field(0, ge=0, description="Seed of the split.")

    @property
    def pairs(self) -> int:
        """Number of unordered pairs."""
        return self.p * (self.p + 1) // 2

    @property
    def train_size(self) -> int:
        """Number of training pairs, rounded to the nearest integer if given as a fraction."""
        if self.train_samples is not None:
            return self.train_samples
        assert self.train_fraction is not None  # checked below
        return round(self.train_fraction * self.pairs)

    @property
    def validation_size(self) -> int:
        """Number of validation pairs."""
        return self.validation_samples or self.pairs - self.train_size

    @model_validator(mode="after")
    def _check_split(self) -> "ModuloDataset":
        if (self.train_fraction is None) == (self.train_samples is None):
            raise ValueError(
                "expected exactly one of train_fraction and train_samples, got "
                f"{self.train_fraction} and {self.train_samples}; set the other one to null"
            )
        train, validation = self.train_size, self.validation_size
        if train < 1 or validation < 1 or train + validation > self.pairs:
            raise ValueError(
                f"expected a split of the {self.pairs} pairs (p = {self.p}) into two parts, "
                f"none empty, got {train} for training and {validation} for validation; change p, "
                "train_fraction, train_samples or validation_samples"
            )
        return self
