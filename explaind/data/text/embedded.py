"""Three "languages" that need no download: what every Python brings, and generated arithmetic."""

import platform
import sysconfig
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np

PARTS = 16
"""Parts of each language."""

LENGTH = 2000
"""Bytes of a part."""

MODULES = ("argparse", "ast", "dataclasses", "inspect", "pathlib", "statistics", "textwrap")
"""Modules whose source is read."""


def embedded_text() -> tuple[dict[str, dict[int, bytes]], str]:
    """Return English (help topics), Python (source) and arithmetic, and where they come from."""
    library = Path(sysconfig.get_path("stdlib"))
    sources = (library / f"{name}.py" for name in MODULES if (library / f"{name}.py").is_file())
    python = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    english = "\n".join(topics[name] for name in sorted(topics))
    languages = {"English": english, "Python": python, "arithmetic": _arithmetic()}
    provenance = (
        f"help topics and standard library of Python {platform.python_version()}; sums generated"
        " with numpy default_rng(0)"
    )
    return {name: _parts(text.encode()) for name, text in languages.items()}, provenance


def _arithmetic() -> str:
    numbers = np.random.default_rng(0).integers(100, size=(PARTS * LENGTH // 8, 2))
    return "".join(f"{a} + {b} = {a + b}\n" for a, b in numbers.tolist())


def _parts(text: bytes) -> dict[int, bytes]:
    """Parts of equal length, spread over the text."""
    starts = np.linspace(0, len(text) - LENGTH, PARTS).astype(int)
    return {part: text[start : start + LENGTH] for part, start in enumerate(starts.tolist())}
