"""The examples, as a newcomer runs them: complete to rounding, and short."""

import ast
import runpy

import numpy as np
import pytest

from explaind.data.download import torchvision_datasets
from tests.workflow.project import REPOSITORY

EXAMPLES = sorted((REPOSITORY / "examples").glob("*.py"))
LINES = 25
"""An example has fewer of code, apart from its imports."""

WARNING = {"lightning_trainer", "huggingface_trainer"}
"""Examples whose other library warns of itself."""

QUIET = [
    pytest.param(
        file,
        marks=[pytest.mark.filterwarnings("ignore")] if file.stem in WARNING else [],
        id=file.stem,
    )
    for file in EXAMPLES
]


@pytest.fixture(autouse=True, scope="module")
def _torchvision_can_be_imported():
    torchvision_datasets()  # also beside a torch that its compiled operators do not fit


@pytest.mark.parametrize("file", QUIET)
def test_it_is_complete(file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    explained = runpy.run_path(str(file))["explained"]
    assert float(np.abs(explained["influence"]).max()) > 0
    assert explained.attrs["completeness_error"] < 1e-5


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_it_is_short(file):
    imports = ast.Import | ast.ImportFrom
    nodes = list(ast.walk(ast.parse(file.read_text())))
    texts = [n for n in nodes if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)]
    left_out = [node for node in nodes if isinstance(node, imports)] + texts
    known = {line for node in left_out for line in range(node.lineno, node.end_lineno + 1)}
    code = [
        line
        for number, line in enumerate(file.read_text().splitlines(), start=1)
        if number not in known and line.strip() and not line.lstrip().startswith("#")
    ]
    assert 5 < len(code) < LINES
