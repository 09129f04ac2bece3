"""Choice of one output per validation sample."""

import numpy as np
import pytest

from explaind.report.tables import outputs
from explaind.report.tables.outputs import (
    blocks,
    chosen_output,
    output_name,
    output_unit,
    select_output,
)
from tests.report.synthetic import SyntheticRun, influence_dataset


@pytest.fixture
def one_output():
    return influence_dataset(SyntheticRun(), np.random.default_rng(0))


@pytest.fixture
def all_outputs():
    return influence_dataset(SyntheticRun(all_outputs=True), np.random.default_rng(0))


def test_only_output(one_output):
    assert not chosen_output(one_output).any()
    assert output_name(one_output) == "the log-probability of the correct class"


def test_own_class_of_all_outputs(all_outputs):
    chosen = chosen_output(all_outputs)
    np.testing.assert_array_equal(chosen, all_outputs["test_target"])
    picked = select_output(all_outputs["step_data"], chosen)
    assert picked.dims == ("step", "test")
    for test, target in enumerate(all_outputs["test_target"].to_numpy()):
        expected = all_outputs["step_data"].to_numpy()[:, test, target]
        np.testing.assert_array_equal(picked.to_numpy()[:, test], expected)
    assert output_name(all_outputs) == "the log-probability of the correct class"


def test_a_sample_with_several_targets_has_no_class(all_outputs):
    several = all_outputs.drop_vars(["test_target", "train_target"])
    assert not chosen_output(several).any()
    assert output_name(several) == "the output"
    for functional, name in (
        ("mean_logprob", "the mean log-probability of the targets"),
        ("loss", "the loss"),
        ("logit[1]", "the output “logit[1]”"),
    ):
        assert output_name(several.assign_attrs(functional=functional)) == name


def test_first_of_other_functionals(all_outputs):
    """However many numbers a functional of one's own has."""
    other = all_outputs.assign_attrs(functional="norms")
    assert not chosen_output(other).any()
    assert output_name(other) == "the output “norms”"


@pytest.mark.parametrize(
    ("functional", "unit", "name"),
    [
        ("logit[3]", "nat", "the log-probability of class 3"),
        ("logit[3]", "1", "the logit of class 3"),
        ("margin", "nat", "the margin of the correct class (its log-odds)"),
        ("loss", "m2", "the loss"),
    ],
)
def test_names_and_units_are_those_of_the_functional(one_output, functional, unit, name):
    final = one_output["final_output"].assign_attrs(units=unit)
    store = one_output.assign(final_output=final).assign_attrs(functional=functional)
    assert output_name(store) == name
    assert output_unit(store) == unit


def test_all_outputs_of_logits_are_logits(all_outputs):
    final = all_outputs["final_output"].assign_attrs(units="1")
    assert output_name(all_outputs.assign(final_output=final)) == "the logit of the correct class"


def test_blocks_cover_the_dimension_within_the_limit(one_output, monkeypatch):
    array = one_output["step_data"]
    monkeypatch.setattr(outputs, "BLOCK_BYTES", 8 * 7 * array.sizes["test"])
    found = list(blocks(array, "step"))
    assert max(block.stop - block.start for block in found) == 7
    covered = np.concatenate([np.arange(array.sizes["step"])[block] for block in found])
    np.testing.assert_array_equal(covered, np.arange(array.sizes["step"]))
