"""What is planned is what the jobs take: disk, memory, query blocks."""

import json

import pytest

from explaind.config.load import load_config
from explaind.paths import Paths
from explaind.plan.output_arrays import COSTS
from explaind.store import open_sealed, stored_attributes
from tests.workflow.project import Project

ARRAYS = {
    "step": ("step_true", "step_data", "step_decay", "step_residual"),
    "influence": ("influence",),
    "component": ("influence_by_component",),
    "interval": ("influence_by_interval",),
    "parameter": ("parameter_data", "parameter_decay"),
    "step_component": ("step_data_by_component", "step_decay_by_component"),
    "absolute": ("step_absolute_by_component", "step_net_by_component"),
    "top": ("helpful_index", "helpful_influence", "harmful_index", "harmful_influence"),
    "top_component": (
        *("helpful_index_by_component", "helpful_influence_by_component"),
        *("harmful_index_by_component", "harmful_influence_by_component"),
    ),
}


def predicted(tiny_run, tmp_path, plan=None, **epk):
    """The tiny run planned and explained as one shard in a process of its own; its root."""
    project = Project(tiny_run).copy(tmp_path)
    over = {"runs": {"grokking": {"epk": {"shards": 1, **epk}}}}
    (project.root / "over.yaml").write_text(json.dumps(over))
    config = ("--config", "results/config.json", "--config", "over.yaml", "--run", "grokking")
    project.explaind("plan-epk", *config, "--cores", "1")
    if plan:
        path = Paths(project.root).plan("grokking")
        path.write_text(json.dumps({**json.loads(path.read_text()), **plan}))
    project.explaind("predict-epk", *config, "--shard", "0/1", "--threads", "1")
    return project.root


@pytest.fixture(scope="module")
def everything(tiny_run, tmp_path_factory):
    """Plan and shard with every output array."""
    keep = [name for name in COSTS if name != "step"]
    root = predicted(tiny_run, tmp_path_factory.mktemp("all"), keep=keep, intervals=3)
    plan = json.loads(Paths(root).plan("grokking").read_text())
    return plan, open_sealed(Paths(root).shard("grokking", "0-of-1"))


@pytest.mark.parametrize("name", COSTS)
def test_an_array_takes_the_disk_that_the_plan_says(everything, name):
    plan, shard = everything
    assert plan["disk"]["arrays"][name] == sum(shard[array].nbytes for array in ARRAYS[name])


def test_the_table_of_costs_is_that_of_the_config(everything):
    keep = load_config({"runs": {"grokking": {"epk": {"keep": sorted(COSTS.keys() - {"step"})}}}})
    assert {*keep.runs["grokking"].epk.keep, "step"} == COSTS.keys() == ARRAYS.keys()


def test_query_blocks_change_nothing_but_rounding(tiny_run, tmp_path, everything):
    whole = everything[1]
    keep = [name for name in COSTS if name != "step"]
    over = {"samples_per_block": 5}  # 13 samples: 5, 5, 3
    root = predicted(tiny_run, tmp_path, over, keep=keep, intervals=3)
    passed = open_sealed(Paths(root).shard("grokking", "0-of-1"))
    assert passed.sizes == whole.sizes
    scale = float(abs(whole["final_output"] - whole["initial_output"]).max())
    for name, array in whole.data_vars.items():
        assert float(abs(passed[name] - array).max()) <= 1e-5 * scale, name
    assert passed["test_index"].values.tolist() == list(range(13))
    assert passed.attrs["completeness_error"] < 1e-5


@pytest.mark.long
def test_projected_memory_is_what_is_measured(tmp_path):
    """Large enough that the explanation needs more than torch itself."""
    project = Project.create(tmp_path)
    over = {
        "datasets": {"modulo": {"p": 47}},
        "runs": {
            "grokking": {
                "training": {"max_steps": 3, "batch_size": 200, "stop_at_accuracy": None},
                "epk": {
                    "shards": 1,
                    "samples": 12,
                    "functional": "all",
                    "intervals": 2,
                    "quadrature": {"tolerance": 1e-9, "max_subintervals": 4},  # always refined
                },
            }
        },
    }
    (tmp_path / "over.yaml").write_text(json.dumps(over))
    config = ("--config", "over.yaml")
    project.explaind("prepare-dataset", *config, "--dataset", "modulo")
    for command in ("train", "plan-epk"):
        project.explaind(command, *config, "--run", "grokking")
    shard = ("--shard", "0/1", "--threads", "1")
    project.explaind("predict-epk", *config, "--run", "grokking", *shard)
    plan = json.loads(Paths(tmp_path).plan("grokking").read_text())
    measured = stored_attributes(Paths(tmp_path).shard("grokking", "0-of-1"))["measured"]
    projected, peak = measured["projected_bytes"], measured["peak_bytes"]
    process = plan["machine"]["main_bytes"]
    assert projected == plan["jobs"]["predict_epk"]["peak_bytes"]
    assert projected > 2 * process  # the case is not all torch
    assert 1 / 1.3 < projected / peak < 1.3
    assert 1 / 1.35 < (projected - process) / (peak - process) < 1.35
