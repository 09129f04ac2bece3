"""A plan without a run."""

import json
from math import ceil

from explaind.plan.build import build_plan
from explaind.plan.hypothetical import hypothetical_machine, hypothetical_sizes
from explaind.plan.table import plan_table


def test_a_plan_without_a_run_states_its_numbers():
    sizes = hypothetical_sizes(10**8, 50, 10**6, 1000, 10**5, 256, every=16, keep=("influence",))
    plan = build_plan(sizes, hypothetical_machine(80.0, 5.0), "auto")
    assert json.loads(json.dumps(plan))["sizes"]["parameters"] == 10**8
    # snapshots: parameters and both moments, in float32
    assert plan["disk"]["history_bytes"] == 10**5 // 16 * 3 * 10**8 * 4
    assert plan["disk"]["arrays"]["influence"] == 1000 * 10**6 * 4
    assert plan["jobs"]["predict_epk"]["gpu"] == 1
    rows = plan_table(plan, 64).splitlines()
    assert "| parameters P | 100,000,000 in 50 tensors |" in rows
    assert "| influence | 4 GB |" in rows
    waves = ceil(plan["shards"] / 64)
    hours = waves * plan["jobs"]["predict_epk"]["seconds"] / 3600
    assert any(f"{hours:.3g} h all" in row for row in rows)
