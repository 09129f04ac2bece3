"""Which rooms of the library import from which, read off the source.

    python -m benchmarks.rooms

Rooms are the folders; the modules beside them are left out, and imports for types only, as in the
contract in `pyproject.toml`. `docs/architecture.md` has the drawing.
"""

import ast
from collections import Counter
from collections.abc import Iterator, Set
from pathlib import Path

import typer

LIBRARY = Path(__file__).parents[1] / "explaind"
ROOMS = sorted(init.parent.name for init in LIBRARY.glob("*/__init__.py"))

BACK = ("config", "experiments")
"""The one import against the direction: the schema of the config is made from the registry."""

Pair = tuple[str, str]
"""A room, and one that it imports from."""


def count_imports() -> Counter[Pair]:
    """Count the modules of each room that import from each other room."""
    counts: Counter[Pair] = Counter()
    for room in ROOMS:
        for file in (LIBRARY / room).rglob("*.py"):
            names = _imported(ast.parse(file.read_text(encoding="utf-8")))
            others = {name.split(".")[1] for name in names if name.startswith("explaind.")}
            counts.update((room, other) for other in others & {*ROOMS} - {room})
    return counts


def _imported(node: ast.AST) -> Iterator[str]:
    """Modules that a piece of source imports when it is run."""
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    if isinstance(node, ast.ImportFrom) and node.module:
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    for child in ast.iter_child_nodes(node):
        yield from _imported(child)


def drawing(pairs: Set[Pair]) -> str:
    """Return the rooms as a Mermaid graph; arrows that others imply are left out.

    Args:
        pairs: who imports from whom.

    Returns:
        The graph, for a Markdown document.
    """
    forward = pairs - {BACK}
    implied = {
        (room, last)
        for room, other in forward
        for last in ROOMS
        if last != other and _leads(forward, other, last)
    }
    arrows = [f"  {room} --> {other}" for room, other in sorted(forward - implied)]
    back = [f"  {BACK[0]} -. registry .-> {BACK[1]}"] if BACK in pairs else []
    return "\n".join(["```mermaid", "graph TD", *arrows, *back, "```"])


def _leads(pairs: Set[Pair], room: str, last: str) -> bool:
    """Whether a room imports from another one, perhaps through others; there are no circles."""
    direct = {other for first, other in pairs if first == room}
    return last in direct or any(_leads(pairs, other, last) for other in direct)


def main() -> None:
    """Print the drawing, and how many modules of each room import from each other room."""
    counts = count_imports()
    typer.echo(drawing(counts.keys()))
    for (room, other), count in sorted(counts.items()):
        typer.echo(f"{room:>12} -> {other:<12} {count:>4}")


if __name__ == "__main__":
    typer.run(main)
