"""What the config sections of all experiments and pages share."""

from abc import abstractmethod
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field

from explaind.config.base import Name, Section, canonical

Seed = Annotated[int, Field(ge=0)]
Seeds = Annotated[tuple[Seed, ...], AfterValidator(canonical), Field(min_length=1)]

ENCODERS = "encoders"
"""Folder below `results` of the encoders and of what is computed of them; no run is named so."""


def several(names: object) -> object:
    """Return a list of one name for the name, and of none for null."""
    if names is None:
        return ()
    return (names,) if isinstance(names, str) else names


Names = Annotated[tuple[Name, ...], BeforeValidator(several)]
"""Names, or the one, or null for none."""


class Settings(Section):
    """What all entries of `experiments` share."""

    only_rounding: ClassVar[tuple[str, ...]] = ()
    """Keys that change a result by rounding at most, and so rerun nothing."""

    of_datasets: ClassVar[tuple[str, ...]] = ()
    """Kinds of dataset that the run must be trained on; none = any."""

    needs_classes: ClassVar[bool] = False
    """Whether it tells right answers from wrong ones: the loss of the run is of classes."""

    takes_groups: ClassVar[bool | None] = False
    """Whether it reads influence summed by group (`epk.groups`), and not that of samples; None =
    either."""

    kind: str

    @property
    @abstractmethod
    def subject(self) -> str:
        """Folder below `results` of what is computed: the run, or `encoders`."""

    def named_by(self, option: str) -> dict[str, str]:
        """Return the experiments that an option names.

        Args:
            option: the option, which may hold a name, null or several names.

        Returns:
            Their names: by the option if it holds one, by themselves if it may hold several.
        """
        value = getattr(self, option)
        if isinstance(value, tuple):
            return {name: name for name in value}
        return {} if value is None else {option: value}


class ExperimentSettings(Settings):
    """One entry of `experiments` about a run; each kind has its own keys beside these.

    A kind that both computes something and has a page keeps the options of the page in a section
    `page` of its own, so that they rerun the page alone.
    """

    run: Name = Field(description="The run that it is about.")

    @property
    def subject(self) -> str:
        """Name of the run."""
        return self.run

    @property
    def runs(self) -> tuple[str, ...]:
        """All runs that are read: the one, and its replicates if a kind has some."""
        return (self.run,)


class EncoderExperimentSettings(Settings):
    """One entry of `experiments` about encoders, which are trained on one dataset."""

    only_rounding: ClassVar[tuple[str, ...]] = ("memory_gb",)

    encoders: Annotated[Names, Field(min_length=1)] = Field(
        description="The encoders that it is about, or the one."
    )
    memory_gb: float = Field(
        0.25,
        gt=0,
        description="Memory that the passes of one batch of samples may take, in GB (10^9 bytes).",
    )

    @property
    def memory(self) -> int:
        """Return the memory in bytes."""
        return int(self.memory_gb * 10**9)

    @property
    def subject(self) -> str:
        """`encoders`."""
        return ENCODERS
