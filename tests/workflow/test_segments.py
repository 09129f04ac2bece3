"""Shards divided by training time, through the workflow and by hand."""

import numpy as np
import pytest

from explaind.paths import Paths
from explaind.store import open_sealed

SEGMENTS = "runs={grokking: {epk: {segments: 2, keep: [influence, interval, top], top: 3}}}"


@pytest.mark.long
def test_segments_through_the_workflow_add_up_to_the_single_pass(project):
    paths = Paths(project.root)
    single = open_sealed(paths.influence("grokking")).load()

    project.snakemake("all", "--until", "accumulate_kernel", "--config", SEGMENTS)

    labels = [f"{k}-of-2_t{t}-of-2" for k in range(2) for t in range(2)]
    assert all(paths.shard("grokking", label).is_dir() for label in labels)
    found = open_sealed(paths.influence("grokking")).load()
    for name in ("influence", "influence_by_interval", "step_true", "decay"):
        scale = float(np.abs(single[name]).max())
        np.testing.assert_allclose(found[name], single[name], rtol=0, atol=1e-5 * scale)
    assert found.sizes["rank"] == 3
    np.testing.assert_array_equal(found.helpful_index[:, :, 0], single.influence.argmax("train"))


def test_a_segment_by_hand_gives_the_result_of_the_rule(project):
    paths = Paths(project.root)
    config = ("--config", "config/tiny.yaml")
    by_hand = ("predict-epk", *config, "--run", "grokking", "--shard", "0/2", "--threads", "1")

    project.explaind(*by_hand, "--segment", "1/3")

    part = open_sealed(paths.shard("grokking", "0-of-2_t1-of-3"))
    whole = open_sealed(paths.shard("grokking", "0-of-2"))
    assert part.sizes["step"] == 10
    np.testing.assert_array_equal(part.step_true, whole.step_true[10:20])
    message = project.explaind(*by_hand, "--segment", "3/3", fails=True)
    assert "--segment: expected T/M with T < M, got '3/3'" in message
