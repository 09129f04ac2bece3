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
        16, ge=1, description="Samples scored at a time; fewer take less memory and more time."
    )


class LabelNoiseExperiment(Experiment):
    """Flip training labels, train again, and look for them by influence and by other scores."""

    kind: Literal["label_noise"] = "label_noise"
    share: float = Field(
        0.1, gt=0, le=0.5, description="Share of the training samples whose label is flipped."
    )
    seeds: Annotated[tuple[Seed, ...], AfterValidator(canonical)] = Field(
        (1, 2, 3),
        min_length=2,
        description="Seeds of the flipped labels; the network is trained once for each.",
    )
    ranked: int | None = Field(
        None,
        ge=4,
        description="Training samples that are ranked, drawn at random with as many flipped ones "
        "in proportion; null = all.",
    )
    held_out: int | None = Field(
        None,
        ge=1,
        description="Validation samples, the first ones, that count as held-out data; null = all.",
    )
    block: int = Field(
        256, ge=1, description="Samples explained at a time; fewer take less memory and more time."
    )


class LeaveGroupOutExperiment(Experiment):
    """Train without groups of training samples; compare what changes with what influence says."""

    kind: Literal["leave_group_out"] = "leave_group_out"
    targets: int = Field(
        16,
        ge=1,
        description="Validation samples, drawn at random, whose log-probability is looked at.",
    )
    shares: Annotated[
        tuple[Annotated[float, Field(gt=0, lt=1)], ...], AfterValidator(canonical)
    ] = Field(
        (0.05, 0.1, 0.2),
        min_length=1,
        description="Shares of the training samples that are removed: the most helpful, the most "
        "harmful and random ones.",
    )
    draws: int = Field(3, ge=1, description="Random groups of each share.")
    seed: int = Field(0, ge=0, description="Seed of the targets and of the random groups.")
    block: int = Field(
        256, ge=1, description="Samples explained at a time; fewer take less memory and more time."
    )


AnyExperiment = Annotated[
    PruningExperiment | LabelNoiseExperiment | LeaveGroupOutExperiment,
    Field(discriminator="kind"),
]
