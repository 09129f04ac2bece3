"""What a history stores."""

import pytest

from explaind.history.forward_passes import Room
from explaind.history.schema import HistorySchema
from tests.history.checkpointed import PROBLEMS, Wide, both


def size(store, prefix):
    return sum(
        file.stat().st_size
        for folder in store.iterdir()
        if folder.is_dir() and folder.name.startswith(prefix)
        for file in folder.rglob("*")
        if file.is_file() and file.name != "zarr.json"
    )


def test_bytes_fall_as_many_times_as_steps_lie_between_snapshots(tmp_path):
    """Full: parameters and second moment of each step; else with both moments, at snapshots."""
    steps, every = 20, 5
    problem = PROBLEMS["adamw"].but(make_model=Wide, steps=steps)
    (full, checkpointed), _ = both(problem, tmp_path, every, chunk=1)
    row = 8 * sum(tensor.numel() for tensor in problem.model().parameters())
    assert size(full, ("params", "second")) == pytest.approx((2 * steps + 1) * row, rel=1e-3)
    snapshots = steps / every + 1
    assert size(checkpointed, ("params", "state")) == pytest.approx(3 * snapshots * row, rel=1e-3)
    assert size(checkpointed, "") == pytest.approx(3 * snapshots * row, rel=0.01)


@pytest.mark.parametrize(("every", "snapshots"), [(1, []), (4, ["params", "state_exp_avg"])])
def test_only_snapshots_have_fewer_rows_than_steps(every, snapshots):
    schema = HistorySchema(
        parameters=5,
        dtype="float32",
        tensors=3,
        groups=2,
        adaptive=True,
        chunk=8,
        every=every,
        room=Room(3),
        metrics=("loss",),
        states=("exp_avg",) if every > 1 else (),
        options=("lr",) if every > 1 else (),
    )
    arrays = schema.arrays()
    apart = [name for name in arrays if schema.steps_per_row(name) == every > 1]
    assert sorted(apart) == snapshots
    assert ("second_moment" in arrays) == (every == 1)
    assert arrays["params"].chunks == (8 // every, 5)
    assert arrays["batch"].shape == arrays["forward_pass"].shape == (0, 3)
    assert arrays["metric_loss"].dims == ("step_point",)
