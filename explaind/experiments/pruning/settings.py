"""Config of the pruning experiment."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from explaind.config.base import canonical
from explaind.config.experiment import ExperimentSettings, Seeds

Fraction = Annotated[float, Field(gt=0, le=1)]
Fractions = Annotated[tuple[Fraction, ...], AfterValidator(canonical), Field(min_length=1)]

GRIDS = ("coarse", "fine")
"""The keys that hold fractions of parameters kept."""

COARSE = tuple(percent / 100 for percent in range(1, 31))
FINE = tuple(permille / 1000 for permille in range(1, 31))


class PruningSettings(ExperimentSettings):
    """Prune the trained network by several scores; what is left is tested on held-out samples."""

    only_rounding: ClassVar[tuple[str, ...]] = ("block",)
    needs_classes: ClassVar[bool] = True

    kind: Literal["pruning"] = "pruning"
    coarse: Fractions = Field(COARSE, description="Fractions of parameters kept, coarse grid.")
    fine: Fractions = Field(FINE, description="The same, fine grid.")
    excluded: tuple[str, ...] = Field(
        ("linear.weight",), description="Parameter tensors that are never pruned, by name."
    )
    scoring: float = Field(
        0.75,
        gt=0,
        lt=1,
        description="Fraction of the validation samples that parameters are scored on; the network "
        "is tested on the others.",
    )
    seeds: Seeds = Field(
        (1, 2, 3, 4, 5),
        min_length=2,
        description="Seeds of the random splits of the validation samples, and of random pruning.",
    )
    block: int = Field(
        16, ge=1, description="Samples scored in a block; fewer take less memory and more time."
    )
