"""What undisturbed rules make."""

import shutil

import pytest

from tests.faults.kills import run_in_peace
from tests.faults.stages import stage

RULES = ("prepare-dataset", "train", "plan-epk", "predict-epk", "validate-epk", "page-training")


@pytest.fixture(scope="session")
def peace(tmp_path_factory):
    """Project directory of an undisturbed run."""
    return tmp_path_factory.mktemp("faults") / "peace"


@pytest.fixture(scope="session")
def in_peace(peace):
    """The rules that ran there."""
    return run_in_peace(peace, [stage(name) for name in RULES])


@pytest.fixture
def prepared(peace, in_peace):
    """Makes a copy of the undisturbed project in which one rule has not run."""

    def prepare(rule, root):
        shutil.copytree(peace, root, dirs_exist_ok=True)
        stage(rule).remove(root)
        return next(found for found in in_peace if found.stage == stage(rule))

    return prepare
