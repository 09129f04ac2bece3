"""What is known of an array before it is written."""

import numpy as np
import pytest
import xarray as xr

from explaind.store import labels_of, spec, spec_of


def array(*shape, dtype="float64", **attrs):
    return xr.DataArray(np.zeros(shape, dtype), dims=["a", "b", "c"][: len(shape)], attrs=attrs)


def test_a_spec_is_that_of_the_array():
    found = spec_of(array(2, 3, dtype="int32", units="nat", description="numbers"))
    assert (found.dims, found.shape, found.chunks) == (("a", "b"), (2, 3), (2, 3))
    assert (found.dtype, found.units, found.description) == ("int32", "nat", "numbers")


def test_other_lengths_leave_the_chunks_as_they_are():
    found = spec_of(array(2, 3), {"a": 10})
    assert (found.shape, found.chunks) == ((10, 3), (2, 3))


@pytest.mark.parametrize(
    ("shape", "chunks"),
    [
        ((4, 5), (4, 5)),  # 160 bytes
        ((10, 5), (5, 5)),  # 5 divides 10, and is the longest that fits
        ((7, 5), (5, 5)),  # nothing between 5 and 2 divides 7
        ((3, 50), (1, 25)),  # a single row is too long
        ((0, 5), (1, 5)),
    ],
)
def test_leading_dimensions_are_cut_to_the_target_size(monkeypatch, shape, chunks):
    monkeypatch.setattr(spec, "TARGET_CHUNK_BYTES", 200)
    assert spec_of(array(*shape)).chunks == chunks


def test_labels_are_those_of_text_coordinates():
    dataset = xr.Dataset({"x": array(2, 3)}, coords={"a": ["p", "q"], "b": [1, 2, 3]})
    assert labels_of(dataset) == {"a": ["p", "q"]}
