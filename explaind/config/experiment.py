"""What the config sections of all experiments and pages share."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from explaind.config.base import Name, Section, canonical

Seed = Annotated[int, Field(ge=0)]
Seeds = Annotated[tuple[Seed, ...], AfterValidator(canonical), Field(min_length=1)]


class ExperimentSettings(Section):
    """One entry of `experiments`; each kind has its own keys beside these.

    A kind that both computes something and has a page keeps the options of the page in a section
    `page` of its own, so that they rerun the page alone.
    """

    only_rounding: ClassVar[tuple[str, ...]] = ()
    """Keys that change a result by rounding at most, and so rerun nothing."""

    of_datasets: ClassVar[tuple[str, ...]] = ()
    """Kinds of dataset that the run must be trained on; none = any."""

    takes_groups: ClassVar[bool] = False
    """Whether it reads influence summed by group (`epk.groups`), and not that of samples."""

    kind: str
    run: Name = Field(description="The run that it is about.")
