"""Operations grow as the mathematics says."""

from dataclasses import replace

import pytest

from explaind.plan.flops import stage_flops
from tests.plan.sizes import SIZES


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
