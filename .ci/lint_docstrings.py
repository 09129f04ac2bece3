"""Ruff's DOC rules for one-line docstrings, of public functions only.

Ruff spares either all docstrings of one line or none. A private function may say in its line what
it returns; a public one has sections for it, or begins its line with "Return".
"""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

RUFF = (sys.executable, "-m", "ruff", "check", "--output-format", "json")
STRICT = ("--config", "lint.pydoclint.ignore-one-line-docstrings=false")
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def names_around(tree: ast.AST, line: int) -> Iterator[str]:
    """Names of the classes and functions that a line is in."""
    for node in ast.walk(tree):
        if isinstance(node, Definition) and node.lineno <= line <= (node.end_lineno or 0):
            yield node.name


def problems() -> Iterator[str]:
    """What ruff finds in public functions."""
    done = subprocess.run([*RUFF, *STRICT, "explaind"], capture_output=True, text=True, check=False)
    for found in json.loads(done.stdout):
        file, line = Path(found["filename"]), found["location"]["row"]
        names = names_around(ast.parse(file.read_text(encoding="utf-8")), line)
        public = not any(name.startswith("_") for name in names)
        if public and found["code"].startswith("DOC"):
            yield f"{file.relative_to(Path.cwd())}:{line}: {found['code']} {found['message']}\n"


if __name__ == "__main__":
    found = list(problems())
    sys.stdout.writelines(found)
    sys.exit(bool(found))
