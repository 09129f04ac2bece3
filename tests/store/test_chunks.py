"""Damage to a sealed store is found when it is read, and named."""

import json

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from explaind.errors import DamagedStoreError, StoreError
from explaind.paths import SEAL
from explaind.store import is_sealed, open_sealed, spec, withdraw_seal, write_store
from tests.store.conftest import flip


@pytest.fixture(scope="module")
def chunked(tmp_path_factory):
    """A store with compressed integers and plain floats in several chunks."""
    path = tmp_path_factory.mktemp("chunked") / "store.zarr"
    numbers = np.random.default_rng(0).standard_normal((6, 5))
    arrays = {
        "floats": (("row", "column"), numbers),
        "integers": (("row", "column"), (9 * numbers).astype(np.int64)),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spec, "TARGET_CHUNK_BYTES", 100)
        write_store(path, xr.Dataset(arrays), {})
    return path


@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_any_flipped_bit_of_a_chunk_is_found_and_the_chunk_named(chunked, data):
    chunks = sorted(file for file in chunked.glob("*/c/**/*") if file.is_file())
    assert len(chunks) > 4
    chunk = data.draw(st.sampled_from(chunks))
    position = data.draw(st.integers(0, chunk.stat().st_size - 1))
    with flip(chunk, position, data.draw(st.integers(0, 7))):
        opened = open_sealed(chunked, rule="predict_epk")
        with pytest.raises(DamagedStoreError) as error:
            opened.load()
    message = str(error.value)
    array = chunk.relative_to(chunked).parts[0]
    assert f"{chunked}, array {array}: the chunk {chunk} is corrupted" in message
    assert message.endswith("Run the rule `predict_epk` again.")
    assert error.value.store == chunked
    open_sealed(chunked).load()  # whole again


def test_intact_chunks_beside_a_damaged_one_can_be_read(chunked):
    chunk = sorted(file for file in (chunked / "floats" / "c").rglob("*") if file.is_file())[-1]
    with flip(chunk):
        opened = open_sealed(chunked)
        assert np.isfinite(opened["floats"][0, 0].values)
        opened["integers"].load()


def test_a_shortened_chunk_is_found(written):
    chunk = written / "x" / "c" / "0" / "0"
    chunk.write_bytes(chunk.read_bytes()[:-9])
    with pytest.raises(DamagedStoreError, match="is corrupted"):
        open_sealed(written).load()


def test_a_chunk_lost_after_opening_is_not_read_as_fill_value(written):
    opened = open_sealed(written)
    (written / "x" / "c" / "0" / "0").unlink()
    with pytest.raises(DamagedStoreError, match="x/c/0/0 is gone"):
        opened.load()


def test_changed_metadata_are_found(written):
    file = written / "zarr.json"
    metadata = json.loads(file.read_text())
    metadata["attributes"]["coordinates"]["column"] = ["b", "a", "c"]  # plausible, and wrong
    file.write_text(json.dumps(metadata))
    with pytest.raises(DamagedStoreError, match=r"zarr\.json"):
        open_sealed(written)


def test_an_unreadable_seal_is_damage(written):
    (written / SEAL).write_text("{")
    with pytest.raises(DamagedStoreError, match="seal"):
        open_sealed(written)


def test_reading_by_the_library_leaves_the_seal_and_withdrawing_removes_it(written):
    with flip(written / "x" / "c" / "0" / "0"), pytest.raises(DamagedStoreError):
        open_sealed(written).load()
    assert is_sealed(written)
    withdraw_seal(written)
    withdraw_seal(written)  # another process may have done so
    with pytest.raises(StoreError, match="not sealed"):
        open_sealed(written)
