"""What only the whole of the segments tells: residual, rounding and the strongest samples."""

import numpy as np
import pytest

from explaind.errors import RecordingError
from explaind.pipeline.merge_segments import COMPLETING, MergedSegments
from explaind.pipeline.merge_stores import MergedStores
from explaind.store import open_sealed, write_store
from tests.pipeline.test_merge_stores import cut, whole_run

SAMPLES = 6


@pytest.fixture
def run():
    return whole_run(tests=SAMPLES, steps=4, intervals=2)


def arrays(segments):
    """The arrays put together of their chunks."""
    made = {name: np.empty(spec.shape, spec.dtype) for name, spec in segments.specs.items()}
    dims = {name: spec.dims for name, spec in segments.specs.items()}
    for block in segments.blocks():
        region = tuple(block.region[dim] for dim in dims[block.name])
        made[block.name][region] = block.values
    return made


def test_residuals_and_strongest_samples_are_those_of_the_whole(run, tmp_path):
    stores = MergedStores(cut(run, tmp_path, [0, 4, SAMPLES], [0, 1, 4]))
    found = arrays(MergedSegments(stores, top=2))
    change = (run.final_output - run.initial_output).values
    np.testing.assert_array_equal(found["residual"], change - (run.data + run.decay).values)
    np.testing.assert_array_equal(
        found["rounding"], found["residual"] - run.step_data.sum("step").values
    )
    total = run.influence.values
    order = np.sort(total, axis=-1)
    np.testing.assert_array_equal(found["helpful_influence"], order[..., :-3:-1])
    np.testing.assert_array_equal(found["harmful_influence"], order[..., :2])
    for side in ("helpful", "harmful"):
        chosen = np.take_along_axis(total, found[f"{side}_index"], -1)
        np.testing.assert_array_equal(chosen, found[f"{side}_influence"])
    assert {*found} > {*COMPLETING}


def test_influence_that_does_not_add_up_is_refused(run, tmp_path):
    paths = cut(run, tmp_path, [0, SAMPLES], [0, 1, 4])
    segment = open_sealed(paths[0][0]).load()
    broken = segment.assign(data=(segment["data"] + 100).assign_attrs(segment["data"].attrs))
    write_store(tmp_path / "broken.zarr", broken, segment.attrs)
    stores = MergedStores([[tmp_path / "broken.zarr", paths[0][1]]])
    with pytest.raises(RecordingError):
        MergedSegments(stores, top=2)
