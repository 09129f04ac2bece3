"""A complete store comes back as it was written, or is refused."""

import pytest

from explaind.errors import StoreError
from explaind.store import StoreWriter, open_sealed, stored_attributes
from tests.store.conftest import ROWS, dataset


def test_values_labels_units_and_attributes_come_back(written):
    found = open_sealed(written)
    assert found.x.to_numpy().tolist() == dataset().x.to_numpy().tolist()
    assert found.column.to_numpy().tolist() == ["a", "b", "c"]
    assert found.x.attrs["units"] == "nat"
    assert found.attrs["config"] == {"a": {"b": 1}, "c": 2}


def test_missing_store_names_the_rule_to_run(path):
    with pytest.raises(StoreError, match=r"does not exist.*`train`"):
        open_sealed(path, rule="train")


def test_other_config_is_refused_and_the_key_named(written):
    open_sealed(written, {"a": {"b": 1}, "c": 2})
    with pytest.raises(StoreError, match=r"a\.b is 1, now 5"):
        open_sealed(written, {"a": {"b": 5}, "c": 2})


def test_attributes_of_an_unsealed_store_can_be_read(path):
    assert stored_attributes(path) == {}
    StoreWriter.create(path, {"rows": ROWS}, {"config": {"a": 1}})
    assert stored_attributes(path)["config"] == {"a": 1}
