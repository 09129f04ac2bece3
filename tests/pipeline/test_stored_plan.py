"""The plan as other rules read it."""

import pytest

from explaind.config.load import load_config
from explaind.errors import StoreError
from explaind.paths import Paths
from explaind.pipeline.stored_plan import read_plan


def test_a_plan_for_something_else_is_refused(tiny_run):
    config = load_config(Paths(tiny_run).config())
    paths = Paths(tiny_run)
    assert read_plan(config, paths, "grokking")["shards"] == 2
    other = config.model_dump()
    other["runs"]["grokking"]["epk"]["functional"] = "all"
    with pytest.raises(StoreError, match=r"another configuration. Run the rule `plan_epk`"):
        read_plan(load_config(other), paths, "grokking")
    with pytest.raises(StoreError, match=r"does not exist. Run the rule `plan_epk`"):
        read_plan(config, Paths("nowhere"), "grokking")
