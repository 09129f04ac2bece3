"""Config of the experiments, one section per experiment and a kind for every sort of it."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from explaind.config.base import Name, Section, canonical


class Experiment(Section):
    """What every experiment needs."""

    kind: str
    run: Name = Field("digits", description="The run that it is about.")


Fraction = Annotated[float, Field(gt=0, le=1)]
Fractions = Annotated[tuple[Fraction, ...], AfterValidator(canonical), Field(min_length=1)]
Seed = Annotated[int, Field(ge=0)]

COARSE = tuple(percent / 100 for percent in range(1, 31))
FINE = tuple(permille / 1000 for permille in range(1, 31))


class PruningExperiment(Experiment):
    """Prune the trained network by several scores; what is left is tested on held-out samples."""

    kind: Literal["pruning"] = "pruning"
    coarse: Fractions = Field(
        COARSE, description="Shares of the parameters that are kept, coarse grid."
    )
    fine: Fractions = Field(FINE, description="The same, fine grid.")
    spared: tuple[str, ...] = Field(
        ("linear.weight",), description="Parameter tensors that are never pruned, by name."
    )
    scoring: float = Field(
        0.75,
        gt=0,
        lt=1,
        description="Share of the validation samples that parameters are scored on; the network is "
        "tested on the others.",
    )
    seeds: Annotated[tuple[Seed, ...], AfterValidator(canonical)] = Field(
        (1, 2, 3, 4, 5),
        min_length=2,
        description="Seeds of the divisions of the validation samples, and of random pruning.",
    )
    block: int = Field(
        64, ge=1, description="Samples scored at a time; fewer take less memory and more time."
    )


AnyExperiment = PruningExperiment  # a union over `kind`, as `AnyFigure`, once there are several
