"""The division of the explained samples fits into memory and covers all of them."""

from dataclasses import replace
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explaind.errors import PlanError
from explaind.plan.choose import HEADROOM, divide, largest_fitting
from explaind.plan.memory import explain_bytes
from tests.plan.sizes import SIZES, machine


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
    assert found.peak == given_to.device_bytes + explain_bytes(SIZES, found.samples_per_block)
    assert HEADROOM * found.peak <= found.memory
    covered = found.blocks * found.samples_per_block
    assert covered >= ceil(SIZES.samples / found.shards) > covered - found.samples_per_block
    if shards != "auto":
        assert found.shards == shards


def test_automatic_shards_are_the_fewest_that_need_one_block():
    given_to = machine(3 * 10**9, gpu=True)
    found = divide(SIZES, given_to, "auto")
    assert found.shards > 1
    assert found.blocks == 1
    assert divide(SIZES, given_to, found.shards - 1).blocks == 2


def test_more_memory_never_means_more_blocks():
    blocks = [divide(SIZES, machine(gb * 10**9), 2).blocks for gb in (2, 3, 4, 8, 16)]
    assert blocks == sorted(blocks, reverse=True)
    assert blocks[0] > blocks[-1] == 1


def test_a_refusal_names_what_is_needed_what_is_given_and_a_remedy():
    long = replace(SIZES, block_steps=10**4)
    with pytest.raises(PlanError) as refused:
        divide(long, machine(2 * 10**9, cores=4), 2)
    needed = HEADROOM * (3 * 10**8 + explain_bytes(long, 1)) / 10**6
    message = str(refused.value)
    assert f"needs {needed:,.0f} MB" in message
    assert "2 jobs at once is given 1,000 MB (test: 2,000 MB)" in message
    assert "Raise epk.memory_gb" in message
    assert "record a checkpointed history" in message


@given(st.integers(0, 300), st.integers(0, 300))
def test_the_largest_that_fits(memory, most):
    found = largest_fitting(lambda n: n * n, memory, most)
    assert found == max(n for n in range(most + 1) if n * n <= memory)
