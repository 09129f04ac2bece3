"""The table of single steps of a large pre-training, in the docs as the script prints it."""

import pytest

from benchmarks.single_steps import (
    COPIES,
    MIDPOINTS,
    in_markdown,
    sizes_of_a_step,
    table_of,
)
from explaind.plan.memory import explain_bytes
from tests.workflow.project import REPOSITORY

SMALL = {"parameters": 7e4, "layers": 2, "groups": 7, "batch": 16, "micro_batch": 4}
REST = {"positions": 8, "points": 3, "gpus": 5, "teraflops": 1e-3}


def test_the_docs_have_the_table_of_the_script():
    assert in_markdown(table_of()) in (REPOSITORY / "docs/scaling.md").read_text(encoding="utf-8")


def test_the_published_way_is_counted_by_hand():
    row = table_of(**SMALL, **REST).set_index("way").loc["published"]
    width = (7e4 / 14) ** 0.5  # of 14 tensors
    activations = 4 * 3 * 4 * 8 * width * 14  # of 4 samples: 3 numbers of 4 bytes at 8 positions
    assert row["GB of a GPU"] == pytest.approx((COPIES * 7e4 * 4 + activations) / 1e9, rel=0.01)
    gradient = 3 * 2 * 8 * 7e4  # forward and twice that backward, 2 operations each
    operations = 3 * 7 * (16 + MIDPOINTS) * gradient
    assert row["hours"] == pytest.approx(operations / (5 * 1e9 * 3600), rel=1e-3)


def test_queries_share_the_pass_of_the_batch():
    table = table_of(**SMALL, **REST).iloc[1:]
    assert table["passes of the batch"].tolist() == [7, 7, 1]  # a seventh of 7 is one
    assert table["hours"].iloc[-1] < table["hours"].iloc[0] / 2
    assert (table["asked for"] > table["GB of a GPU"]).all()


def test_a_micro_batch_is_in_memory_and_the_batch_is_worked_on():
    step, micro = sizes_of_a_step(**SMALL, positions=8)
    assert (step.batch, micro.batch, step.steps, step.kept_train) == (16, 4, 1, 7)
    assert explain_bytes(micro, 1) < explain_bytes(step, 1)
