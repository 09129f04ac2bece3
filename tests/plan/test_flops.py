"""Operations grow as the mathematics says."""

from dataclasses import replace

import pytest

from explaind.plan.build import build_plan
from explaind.plan.flops import sample_calls, seconds, stage_flops
from explaind.plan.table import plan_table
from tests.plan.sizes import SIZES, machine


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


def test_calls_of_single_samples_take_time_where_torch_cannot_batch_the_model():
    alone = replace(SIZES, batched=False, samples=10)
    assert sample_calls(SIZES, 10, 1) == 0
    training = alone.steps * alone.batch
    calls = [sample_calls(alone, 10, blocks) for blocks in (1, 2)]
    assert calls[1] - calls[0] == training  # every query block walks through the training side
    assert sample_calls(replace(alone, outputs=2 * alone.outputs), 10, 1) == 2 * calls[0] - training
    batched = seconds(replace(alone, batched=True), 10, 1, 1e15)
    assert seconds(alone, 10, 1, 1e15) > batched + calls[0] * 1e-4
    job = build_plan(alone, machine(10**10), 1)["jobs"]["predict_epk"]
    assert job["sample_calls"] == calls[0]
    assert f"{calls[0]:,} per job" in plan_table(build_plan(alone, machine(10**10), 1))
    assert "autograd calls" not in plan_table(build_plan(SIZES, machine(10**10), 1))
