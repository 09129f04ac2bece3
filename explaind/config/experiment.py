"""What the config sections of all experiments and pages share."""

from typing import ClassVar

from pydantic import Field

from explaind.config.base import Name, Section


class ExperimentSettings(Section):
    """One entry of `experiments`; each kind has its own keys beside these.

    A kind that both computes something and has a page keeps the options of the page in a section
    `page` of its own, so that they rerun the page alone.
    """

    only_rounding: ClassVar[tuple[str, ...]] = ()
    """Keys that change a result by rounding at most, and so rerun nothing."""

    kind: str
    run: Name = Field(description="The run that it is about.")
