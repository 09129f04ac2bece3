"""The plan: its segments, and what it says of experiments."""

from dataclasses import replace

import pytest

from explaind.plan.build import build_plan
from explaind.plan.flops import stage_flops
from explaind.plan.table import plan_table
from tests.plan.sizes import SIZES, machine


def test_segments_divide_the_steps_and_warm_up():
    cut = replace(SIZES, segments=4, warm_up=100)
    assert (cut.job_steps, cut.worked_steps) == (250, 350)
    whole, part = (stage_flops(sizes, 300, 1) for sizes in (SIZES, cut))
    assert part["training"] == pytest.approx(whole["training"] / 4)
    assert part["adjoint"] == pytest.approx(whole["adjoint"] * 0.35)
    plan = build_plan(cut, machine(10**11), 2)
    rows = {"step": 4 * 1000 * 300 * 8, "influence": 4 * 300 * 5000 * 4}
    assert {name: plan["disk"]["arrays"][name] for name in rows} == rows


def test_experiments_are_listed_with_their_memory_and_disk():
    plan = build_plan(SIZES, machine(10**10), 1)
    assert "experiment" not in plan_table(plan)
    found = plan_table(plan, experiments={"similarity": (2 * 10**9, 3 * 10**6)})
    assert "| experiment | memory | on disk at most |" in found
    assert "| similarity | 2 GB | 3 MB |" in found
