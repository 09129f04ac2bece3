"""The published package `explaind` 0.0.2, in a folder and a process of its own."""

import re
import subprocess
import sys
from pathlib import Path

import torch

from tests.requirements import need
from tests.workflow.project import REPOSITORY

REQUIREMENT = "explaind==0.0.2"
CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)
IMPORTS = """
import torch
from explaind.data_paths import DataPath
from explaind.epk_model import ExactPathKernelModel
from explaind.model_paths import ModelPath
from explaind.modulo_model.loss import RegularizedCrossEntropyLoss
from explaind.optimizer_paths import AdamWOptimizerPath, SGDOptimizerPath
from tests.compat.problem import names
globals().update(names())
torch.set_num_threads(1)
"""
SAVED = """
model.model.load_state_dict(model.checkpoints[-1])  # its methods leave other parameters in it
torch.save({"result": preds[0][1], "model": model.model(val_loader.dataset.data)}, "published.pt")
"""


class Published:
    """The installed package.

    Args:
        folder: where it is installed, for no other process to see.
    """

    def __init__(self, folder):
        self.folder = folder
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        # torch and numpy are those of the tests; it asks for another version of Python, and runs
        command += ["--ignore-requires-python", "--target", str(folder), REQUIREMENT]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        need(done.returncode == 0, f"{REQUIREMENT} to be installed: {done.stderr.strip()[-300:]}")

    def snippets(self):
        """The training and the prediction of its README."""
        (metadata,) = self.folder.glob("explaind-*.dist-info/METADATA")
        return CODE.findall(metadata.read_text(encoding="utf-8"))

    def run(self, script, folder: Path):
        """What a script saves that is run with the package in a folder."""
        command = [sys.executable, "-W", "ignore", "-c", IMPORTS + script + SAVED]
        own = {"cwd": folder, "env": {"PYTHONPATH": f"{self.folder}:{REPOSITORY}"}}
        done = subprocess.run(command, **own, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return torch.load(folder / "published.pt", weights_only=True)
