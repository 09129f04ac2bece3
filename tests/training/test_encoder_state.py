"""A state survives its file; one of another origin is not taken."""

import pytest
import torch

from explaind.training.encoder_state import EncoderState


def network_and_optimizer(family, **options):
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    return network, family(network.parameters(), lr=0.1, **options)


def step(network, optimizer, seed):
    torch.manual_seed(seed)
    optimizer.zero_grad()
    network(torch.rand(5, 2)).square().sum().backward()
    optimizer.step()


@pytest.mark.parametrize(
    ("family", "options"),
    [(torch.optim.Adam, {}), (torch.optim.SGD, {"momentum": 0.9}), (torch.optim.SGD, {})],
)
def test_a_restored_training_goes_on_with_the_same_bits(tmp_path, family, options):
    network, optimizer = network_and_optimizer(family, **options)
    step(network, optimizer, 1)
    state = EncoderState({"validation_loss": [0.5]})
    state.note(network, optimizer)
    state.best = state.network
    state.save(tmp_path / "c.npz", {"seed": 1})
    step(network, optimizer, 2)
    other, its = network_and_optimizer(family, **options)
    loaded = EncoderState.load(tmp_path / "c.npz", {"seed": 1})
    loaded.restore(other, its)
    step(other, its, 2)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name]), name
    assert loaded.curves == {"validation_loss": [0.5]}
    assert loaded.epochs == 1
    assert loaded.best.keys() == network.state_dict().keys()


def test_another_origin_or_no_file_is_a_training_that_begins(tmp_path):
    state = EncoderState({"validation_loss": [0.5]})
    state.save(tmp_path / "c.npz", {"seed": 1})
    assert EncoderState.load(tmp_path / "c.npz", {"seed": 2}).epochs == 0
    assert EncoderState.load(tmp_path / "none.npz", {}).epochs == 0
