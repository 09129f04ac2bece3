"""The plan: its division fits, its costs are those of what is stored and measured."""

import json
from dataclasses import replace
from math import ceil, prod

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from explaind.config.load import load_config
from explaind.errors import PlanError, StoreError
from explaind.kernel.gradients import Work
from explaind.paths import Paths
from explaind.pipeline.measure import activation_bytes, forward_flops
from explaind.pipeline.stored_plan import read_plan
from explaind.plan.build import build_plan
from explaind.plan.choose import HEADROOM, divide, largest_fitting
from explaind.plan.flops import stage_flops
from explaind.plan.hypothetical import hypothetical_machine, hypothetical_sizes
from explaind.plan.machine import Machine
from explaind.plan.memory import explain_bytes
from explaind.plan.output_arrays import SLICES, disk_bytes
from explaind.plan.routes import choose_routes
from explaind.plan.sizes import Layer
from explaind.plan.table import plan_table
from explaind.store import open_sealed, stored_attributes
from tests.workflow.project import Project

SIZES = hypothetical_sizes(10**6, 10, 5000, 300, 1000, 64, keep=("influence", "component"))


def machine(memory, cores=1, gpu=False):
    return Machine(memory, "test", 3 * 10**8, 0 if gpu else 3 * 10**8, cores, 1e11, gpu)


@given(
    memory=st.integers(4 * 10**8, 2 * 10**10),
    cores=st.integers(1, 8),
    gpu=st.booleans(),
    shards=st.one_of(st.just("auto"), st.integers(1, 40)),
)
@settings(deadline=None, max_examples=30)
def test_a_division_fits_and_covers_all_samples_or_is_refused(memory, cores, gpu, shards):
    given_to = machine(memory, cores, gpu)
    at_once = 1 if gpu else min(cores, 1 if shards == "auto" else shards)
    one = given_to.device_bytes + explain_bytes(SIZES, 1)
    try:
        found = divide(SIZES, given_to, shards)
    except PlanError:
        assert HEADROOM * one > memory // at_once
        return
    assert found.jobs_at_once == (1 if gpu else min(cores, found.shards))
    assert found.memory == memory // found.jobs_at_once
    assert found.peak == given_to.device_bytes + explain_bytes(SIZES, found.samples_per_pass)
    assert HEADROOM * found.peak <= found.memory
    covered = found.passes * found.samples_per_pass
    assert covered >= ceil(SIZES.samples / found.shards) > covered - found.samples_per_pass
    if shards != "auto":
        assert found.shards == shards


def test_automatic_shards_are_the_fewest_that_need_one_pass():
    given_to = machine(3 * 10**9, gpu=True)
    found = divide(SIZES, given_to, "auto")
    assert found.shards > 1
    assert found.passes == 1
    assert divide(SIZES, given_to, found.shards - 1).passes == 2


def test_more_memory_never_means_more_passes():
    passes = [divide(SIZES, machine(gb * 10**9), 2).passes for gb in (2, 3, 4, 8, 16)]
    assert passes == sorted(passes, reverse=True)
    assert passes[0] > passes[-1] == 1


def test_a_refusal_names_what_is_needed_what_is_given_and_a_remedy():
    long = replace(SIZES, block_steps=10**4)
    with pytest.raises(PlanError) as refused:
        divide(long, machine(2 * 10**9, cores=4), 2)
    needed = HEADROOM * (3 * 10**8 + explain_bytes(long, 1)) / 10**6
    message = str(refused.value)
    assert f"needs {needed:,.0f} MB" in message
    assert "2 jobs at once is given 1,000 MB (test: 2,000 MB)" in message
    assert "Raise epk.memory_gb" in message
    assert "history thinned" in message


@given(st.integers(0, 300), st.integers(0, 300))
def test_the_largest_that_fits(memory, most):
    found = largest_fitting(lambda n: n * n, memory, most)
    assert found == max(n for n in range(most + 1) if n * n <= memory)


ARRAYS = {
    "step": ("step_true", "step_data", "step_decay", "step_residual"),
    "influence": ("influence",),
    "component": ("influence_by_component",),
    "interval": ("influence_by_interval",),
    "parameter": ("parameter_data", "parameter_decay"),
    "step_component": ("step_data_by_component", "step_decay_by_component"),
    "absolute": ("step_absolute_by_component",),
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
    """Plan and shard with every slice."""
    keep = [name for name in SLICES if name != "step"]
    root = predicted(tiny_run, tmp_path_factory.mktemp("all"), keep=keep, intervals=3)
    plan = json.loads(Paths(root).plan("grokking").read_text())
    return plan, open_sealed(Paths(root).shard("grokking", "0-of-1"))


@pytest.mark.parametrize("name", SLICES)
def test_a_slice_takes_the_disk_that_the_plan_says(everything, name):
    plan, shard = everything
    assert plan["disk"]["slices"][name] == sum(shard[array].nbytes for array in ARRAYS[name])


def test_the_table_of_slices_is_that_of_the_config(everything):
    keep = load_config({"runs": {"grokking": {"epk": {"keep": sorted(SLICES.keys() - {"step"})}}}})
    assert {*keep.runs["grokking"].epk.keep, "step"} == SLICES.keys() == ARRAYS.keys()


def test_passes_change_nothing_but_rounding(tiny_run, tmp_path, everything):
    whole = everything[1]
    keep = [name for name in SLICES if name != "step"]
    over = {"samples_per_pass": 5}  # 13 samples: 5, 5, 3
    root = predicted(tiny_run, tmp_path, over, keep=keep, intervals=3)
    passed = open_sealed(Paths(root).shard("grokking", "0-of-1"))
    assert passed.sizes == whole.sizes
    scale = float(abs(whole["final_output"] - whole["initial_output"]).max())
    for name, array in whole.data_vars.items():
        assert float(abs(passed[name] - array).max()) <= 1e-5 * scale, name
    assert passed["test_index"].values.tolist() == list(range(13))
    assert passed.attrs["account_mismatch"] < 1e-5


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


def test_activations_and_operations_of_a_known_network():
    network = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 3))
    x = torch.rand(2, 5)
    params = dict(network.named_parameters())
    # one sample: the input, the output of the first layer after ReLU (in place of before)
    assert activation_bytes(lambda n: network(x[:n].clone()), params) == 4 * (5 + 7)
    assert forward_flops(lambda n: network(x[:n])) == 2 * (5 * 7 + 7 * 3)


def test_routes_follow_the_number_of_queries():
    wide = Work(gradient=10**6, read=10**4, forming=2 * 10**6, contracting=2 * 10**6, between=10**3)
    many = Work(gradient=10**6, read=10**4, forming=2 * 10**7, contracting=2 * 10**7, between=10**4)
    layers = (Layer("wide", "a", 10**6, (wide,)), Layer("many", "b", 10**6, (many,)))
    sizes = replace(SIZES, layers=(*layers, Layer("odd", "c", 10, general=True)))
    few, more = choose_routes(sizes, 1), choose_routes(sizes, 1000)
    assert few == {"wide": "contracted", "many": "contracted", "odd": "linearised"}
    assert more == {"wide": "contracted", "many": "gradients", "odd": "gradients"}


def test_operations_grow_as_the_mathematics_says():
    large = replace(SIZES, samples=3000)
    base = stage_flops(large, 3000, 1)
    assert base["training"] > 2 * 3000 * large.parameters * large.batch * large.steps
    doubled = stage_flops(replace(large, steps=2 * large.steps), 3000, 1)
    for name in base.keys() - {"store"}:
        assert doubled[name] == pytest.approx(2 * base[name])
    batch = stage_flops(replace(large, batch=2 * large.batch), 3000, 1)
    assert batch["training"] == pytest.approx(2 * base["training"])
    assert batch["query"] == base["query"]
    train = stage_flops(replace(large, train=2 * large.train, kept_train=2 * large.train), 3000, 1)
    assert train["training"] == base["training"]  # with the batch, not with the training set
    assert stage_flops(large, 3000, 3)["history"] == pytest.approx(3 * base["history"])


def test_segments_divide_the_steps_and_warm_up():
    cut = replace(SIZES, segments=4, warm_up=100)
    assert (cut.job_steps, cut.worked_steps) == (250, 350)
    whole, part = (stage_flops(sizes, 300, 1) for sizes in (SIZES, cut))
    assert part["training"] == pytest.approx(whole["training"] / 4)
    assert part["adjoint"] == pytest.approx(whole["adjoint"] * 0.35)
    plan = build_plan(cut, machine(10**11), 2)
    rows = {"step": 4 * 1000 * 300 * 8, "influence": 4 * 300 * 5000 * 4}
    assert {name: plan["disk"]["slices"][name] for name in rows} == rows


def test_a_plan_without_a_run_states_its_numbers():
    sizes = hypothetical_sizes(10**8, 50, 10**6, 1000, 10**5, 256, every=16, keep=("influence",))
    plan = build_plan(sizes, hypothetical_machine(80.0, 5.0), "auto")
    assert json.loads(json.dumps(plan))["sizes"]["parameters"] == 10**8
    # snapshots: parameters and both moments, in float32
    assert plan["disk"]["history_bytes"] == 10**5 // 16 * 3 * 10**8 * 4
    assert plan["disk"]["slices"]["influence"] == 1000 * 10**6 * 4
    assert plan["jobs"]["predict_epk"]["gpu"] == 1
    rows = plan_table(plan, 64).splitlines()
    assert "| parameters P | 100,000,000 in 50 tensors |" in rows
    assert "| influence | 4 GB |" in rows
    waves = ceil(plan["shards"] / 64)
    hours = waves * plan["jobs"]["predict_epk"]["seconds"] / 3600
    assert any(f"{hours:.3g} h all" in row for row in rows)


def test_the_numbers_of_a_slice_are_the_product_of_its_dimensions():
    row, length = SLICES["component"], SIZES.lengths(7)
    expected = prod(length[dim] for dim in ("component", "query", "train"))
    assert disk_bytes(row, SIZES, 7) == 4 * expected == 4 * 10 * 7 * 5000
