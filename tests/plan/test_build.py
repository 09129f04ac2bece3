"""The plan of segments: steps are divided, and each job warms up."""

from dataclasses import replace

import pytest

from explaind.plan.build import build_plan
from explaind.plan.flops import stage_flops
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
