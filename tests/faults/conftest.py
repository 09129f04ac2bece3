"""What undisturbed rules make."""

import shutil

import pytest

from tests.faults.kills import run_in_peace
from tests.faults.stages import RUN, stage

RULES = ("prepare-dataset", "train", "plan-epk", "predict-epk", "validate-epk", "page-training")


READ_BY_THE_PAGE = (f"predict-epk --run {RUN} --shard 1/2", "accumulate-kernel")


@pytest.fixture(scope="session")
def peace(tmp_path_factory):
    """Project directory of an undisturbed run."""
    return tmp_path_factory.mktemp("faults") / "peace"


@pytest.fixture(scope="session")
def in_peace(peace):
    """The rules that ran there."""
    *rules, page = RULES
    return run_in_peace(peace, [stage(name) for name in (*rules, *READ_BY_THE_PAGE, page)])


@pytest.fixture
def prepared(peace, in_peace):
    """Makes a copy of the undisturbed project in which one rule has not run."""

    def prepare(rule, root):
        shutil.copytree(peace, root, dirs_exist_ok=True)
        stage(rule).remove(root)
        return next(found for found in in_peace if found.stage == stage(rule))

    return prepare
