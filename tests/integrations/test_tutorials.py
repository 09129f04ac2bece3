"""The tutorials for other libraries: their blocks of Python, run in order from an empty folder."""

import pytest

from tests.documents import blocks
from tests.requirements import library

TUTORIALS = {"docs/huggingface.md": "transformers", "docs/lightning.md": "lightning"}


@pytest.mark.parametrize("document", TUTORIALS)
@pytest.mark.filterwarnings("ignore")  # of the libraries, about themselves
def test_it_ends_in_an_explanation(document, tmp_path, monkeypatch):
    library(TUTORIALS[document])
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "tutorial"}
    for block in blocks(document):
        if block.language == "python":
            exec(compile(block.text, document, "exec"), names)
    explained = names["explained"]
    assert explained.attrs["completeness_error"] < 1e-5
    assert float(abs(explained.final_output - explained.initial_output).max()) > 0.1
    strongest = names["strongest"].iloc[0]
    row = explained.influence[strongest["test"], 0]
    assert strongest["influence"] == row.values.max()
