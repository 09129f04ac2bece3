"""The numbers of the grokking page, from the stores of a run and the experiments on it."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from explaind.experiments.grokking.claims import verdicts
from explaind.experiments.grokking.phases import Phase, phase_evidence, story_phases
from explaind.experiments.grokking.settings import GrokkingSettings
from explaind.experiments.grokking.story import Story, read_story
from explaind.report.sources import Sources
from explaind.report.tables.classes import class_maps, difference_profile
from explaind.report.tables.explained import Explained, explained_output


@dataclass(frozen=True)
class GrokkingTables:
    """All numbers of the page.

    Attributes:
        explained: the explained output.
        story: what is known of the run.
        phases: its phases, see `story_phases`.
        evidence: see `phase_evidence`.
        verdicts: see `claims.verdicts`.
        pages: names of the pages of the experiments that the story is told from, by kind.
        p: the modulus.
        train_samples: number of training samples.
    """

    explained: Explained
    story: Story
    phases: list[Phase]
    evidence: pd.DataFrame
    verdicts: pd.DataFrame
    pages: Mapping[str, str]
    p: int
    train_samples: int

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables behind the panels by name."""
        return {
            "curves": self.story.metrics,
            "cancellation": self.explained.cancellation,
            "phases": self.evidence,
            "verdicts": self.verdicts,
        }


def read(sources: Sources, settings: GrokkingSettings) -> GrokkingTables:
    """Read the numbers of the page.

    Args:
        sources: what the run left on disk.
        settings: the experiments that the story is told from.

    Returns:
        The numbers.
    """
    influence, p = sources.influence, sources.data.attrs["p"]
    # the model may have more outputs, for tokens that are no results
    by_class = class_maps(influence, p, by_component=False).isel(component=0, drop=True)
    story = read_story(sources, settings, difference_profile(by_class))
    phases = story_phases(story)
    return GrokkingTables(
        explained=explained_output(influence, sources.metrics),
        story=story,
        phases=phases,
        evidence=phase_evidence(story, phases),
        verdicts=verdicts(story),
        pages=dict(sources.results.values()),
        p=p,
        train_samples=influence.sizes["train"],
    )
