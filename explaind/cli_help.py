"""The list of commands, by group, as plain text.

Typer leaves lists with groups to rich, which takes half of the time of `explaind --help`.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, runtime_checkable

from typer.core import TyperGroup

WHOLE = 1000
"""Characters of a help text that are shown; it is wrapped."""

WORKFLOW = (
    "The workflow (Snakefile, config) is in the checkout and in the sdist of explaind-paths, not in"
    " a wheel."
)
"""What the list ends with."""


@runtime_checkable
class Formatter(Protocol):
    """What is used of click's, which some versions of typer bring in a module of their own."""

    def section(self, name: str) -> AbstractContextManager[None]:
        """Indent what is written in the block below a name."""

    def write_dl(self, rows: Sequence[tuple[str, str]]) -> None:
        """Write names, each with its description."""


class GroupedCommands(TyperGroup):
    """Commands below the names of their groups (`rich_help_panel`), in the order they are in."""

    def format_commands(self, ctx: object, formatter: Formatter) -> None:
        """Write the list.

        Args:
            ctx: the call that asks for help.
            formatter: click's, which is written to.
        """
        commands: Mapping[str, Any] = self.commands
        groups = defaultdict(list)
        for name, command in commands.items():
            groups[command.rich_help_panel].append((name, command.get_short_help_str(WHOLE)))
        for group, rows in groups.items():
            with formatter.section(group):
                formatter.write_dl(rows)
