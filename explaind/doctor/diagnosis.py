"""What was found out about a training, as values and as text; no torch."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "note", "refused"]


@dataclass(frozen=True)
class Finding:
    """One thing that was tried.

    Attributes:
        about: what was tried.
        verdict: "ok", "note" (it works, and one should know), or "refused".
        text: what was found; if it is refused, why and what to do.
    """

    about: str
    verdict: Verdict
    text: str


@dataclass(frozen=True)
class Diagnosis:
    """All that was found.

    Attributes:
        findings: in the order in which they were tried; nothing is tried behind a refusal.
    """

    findings: tuple[Finding, ...]

    @property
    def accepted(self) -> bool:
        """Whether the training can be recorded and explained."""
        return all(finding.verdict != "refused" for finding in self.findings)

    def __str__(self) -> str:
        lines = [f"{f.verdict:<8} {f.about}: {f.text}" for f in self.findings]
        end = {
            True: "This training can be recorded and explained.",
            False: "This training cannot be recorded and explained as it is.",
        }
        return "\n".join([*lines, end[self.accepted]])


def listed(names: Iterable[str], shown: int = 5) -> str:
    """Names for a line of text.

    Args:
        names: any names.
        shown: how many are listed.

    Returns:
        The first ones, and how many there are beside.
    """
    known = list(names)
    more = f" and {len(known) - shown} more" if len(known) > shown else ""
    return ", ".join(known[:shown]) + more
