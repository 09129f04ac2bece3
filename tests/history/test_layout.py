"""Where the trained tensors lie in the flat vector."""

import pytest
import torch
from torch import nn

from explaind.errors import ConfigError, RecordingError
from explaind.history.layout import ParameterLayout


@pytest.fixture
def model():
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2), nn.Linear(2, 1, bias=False))
    model[1].bias.requires_grad_(False)
    return model


@pytest.fixture
def layout(model):
    biases = [model[0].bias]
    groups = [{"params": [model[0].weight, model[1].weight]}, {"params": biases}]
    return ParameterLayout.of(model, torch.optim.SGD(groups, lr=0.1))


def test_trained_tensors_lie_one_behind_the_other(layout):
    """Neither the frozen bias nor the layer that no optimizer knows is among them."""
    names = [(slot.name, slot.start, slot.stop, slot.group) for slot in layout.slots]
    assert names == [("0.weight", 0, 6, 0), ("0.bias", 6, 8, 1), ("1.weight", 8, 12, 0)]
    assert layout.size == 12
    assert layout.components == ("0", "1")


def test_flatten_and_unflatten_are_inverse(layout, model):
    vector = layout.flatten(dict(model.named_parameters()))
    for name, tensor in layout.unflatten(vector).items():
        assert torch.equal(tensor, model.get_parameter(name))


def test_the_mask_of_components(layout):
    whole = {tuple(names): layout.mask(names).tolist() for names in ([], ["0"], ["1"], ["1", "0"])}
    first = [slot.component == "0" for slot in layout.slots for _ in range(slot.start, slot.stop)]
    assert whole[("0",)] == first == [True] * 8 + [False] * 4
    assert whole[("1",)] == [not inside for inside in first]
    assert whole[()] == [False] * 12
    assert whole[("1", "0")] == [True] * 12
    with pytest.raises(ConfigError, match=r"expected some of 0, 1, got '2'"):
        layout.mask(["0", "2"])


def test_gradient_is_that_by_the_whole_vector_and_zero_where_nothing_depends_on_it(layout):
    def function(tensors):
        return (tensors["0.weight"] ** 3).sum() * tensors["0.bias"].sum()

    vector = torch.arange(1.0, 13.0)
    (expected,) = torch.autograd.grad(
        function(layout.unflatten(leaf := vector.clone().requires_grad_(True))), leaf
    )
    found = layout.gradient(function, vector)
    assert torch.equal(found, expected)
    assert found[:8].all()
    assert not found[8:].any()


def test_json_and_back(layout):
    assert ParameterLayout.from_json(layout.to_json()) == layout


def test_adjacent_ranges_of_a_component_are_merged(layout):
    assert layout.component_ranges() == {"0": [(0, 8)], "1": [(8, 12)]}
    apart = layout.with_components({"0.bias": "b", "1.weight": "0"})
    assert apart.component_ranges() == {"0": [(0, 6), (8, 12)], "b": [(6, 8)]}
    assert layout.components == ("0", "1")  # the layout itself is unchanged


def test_unknown_names_are_refused(layout):
    with pytest.raises(RecordingError, match=r"components names \['1.bias'\]"):
        layout.with_components({"1.bias": "b"})


def test_a_tensor_of_no_model_is_refused(model):
    stranger = torch.optim.SGD([*model.parameters(), nn.Parameter(torch.ones(1))], lr=0.1)
    with pytest.raises(RecordingError, match=r"holds 1 tensor\(s\) that are not parameters"):
        ParameterLayout.of(model, stranger)


def test_a_scalar_is_one_entry():
    model = nn.ParameterDict({"scale": nn.Parameter(torch.tensor(2.0))})
    (slot,) = ParameterLayout.of(model, torch.optim.SGD(model.parameters(), lr=0.1)).slots
    assert (slot.entries, slot.entry_size) == (1, 1)
