"""From nothing to a first result, by the documents alone: what they show is all that is run.

The installation is that of the tests. A whole study in the workflow, with model and data by
`package.module:name`, is done the same way in tests/workflow/test_own_project.py.
"""

import re
import subprocess
import sys

from explaind.files import write_text
from tests.documents import blocks, prose
from tests.workflow.project import REPOSITORY

DOCUMENT = "docs/index.md"
SENTENCE = re.compile(r"Completeness error (\S+): the influence of all training samples adds up to")


def run(folder, *command):
    own = {"cwd": folder, "env": {"PYTHONPATH": str(REPOSITORY)}}
    done = subprocess.run(command, **own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_first_script_says_what_the_document_says(tmp_path):
    (script,) = (block.text for block in blocks(DOCUMENT) if block.language == "python")
    (name,) = re.findall(r"`\.venv/bin/python (\S+)`", prose(DOCUMENT))
    shown = next(block.text for block in blocks(DOCUMENT) if SENTENCE.match(block.text))
    write_text(tmp_path / name, script)
    written = run(tmp_path, sys.executable, name)
    assert float(SENTENCE.search(written)[1]) < 1e-5
    ending = " ".join(shown.partition("adds up to")[2].split())
    assert ending in written
    assert (tmp_path / "first.zarr").is_dir()


def test_the_doctor_examines_a_training_of_ones_own(tmp_path):
    """The command that the document on own models shows, on the model and data of the first."""
    (script,) = (block.text for block in blocks(DOCUMENT) if block.language == "python")
    made = script.partition("with explaind.record")[0]
    lines = "\n".join(f"    {line}" for line in made.splitlines() if line)
    returned = "    return model, optimizer, loss_fn, loader\n"
    write_text(tmp_path / "my_module.py", f"def build():\n{lines}\n{returned}")
    said = run(tmp_path, sys.executable, "-m", "explaind", "doctor", "my_module:build")
    assert said.endswith("This training can be recorded and explained.\n")
