"""The lists as tables of the docs: what was tried, and what came of it.

    python -m tests.support.table

writes them into `docs/own_model.md` in place of those that are there.
"""

import re
from collections.abc import Mapping
from typing import Any

from tests.documents import REPOSITORY
from tests.support.batches import BATCHES
from tests.support.layers import LAYERS, TOKEN_LAYERS
from tests.support.loops import LOOPS
from tests.support.losses import LOSSES
from tests.support.optimizers import OPTIMIZERS

DOCUMENT = REPOSITORY / "docs" / "own_model.md"
HEADING = "## What was tried"
INTRODUCTION = (
    "Each line is a test: what is explained equals a plain float64 implementation, sample by sample"
    " and tensor by\ntensor, and what is refused is refused while recording. Generated trainings"
    " combine the lines (`tests/fuzz`)."
)


def rows(title: str, result: str, kinds: Mapping[str, Any]) -> list[str]:
    """A table of one list."""
    lines = [f"| {title} | {result} |", "|---|---|"]
    for name, kind in kinds.items():
        refused = getattr(kind, "refused", "")
        lines.append(f"| {name} | {'refused' if refused else getattr(kind, 'way', 'yes')} |")
    return [*lines, ""]


def section() -> str:
    """The section of the docs, with its heading."""
    tables = [
        ("layer or call", "gradients by", TOKEN_LAYERS | LAYERS),
        ("loss", "explained", LOSSES),
        ("optimizer of torch", "explained", OPTIMIZERS),
        ("loop", "explained", LOOPS),
        ("batches", "explained", BATCHES),
    ]
    lines = [HEADING, "", INTRODUCTION, ""]
    for table in tables:
        lines += rows(*table)
    return "\n".join(lines)


def documented() -> str:
    """The section as it stands in the docs."""
    found = re.search(rf"^{HEADING}\n.*?(?=^## |\Z)", DOCUMENT.read_text("utf-8"), re.M | re.S)
    return found[0] if found else ""


if __name__ == "__main__":
    text = DOCUMENT.read_text("utf-8")
    DOCUMENT.write_text(text.replace(documented(), section()), "utf-8")
