"""The state that is recorded, and its files."""

import copy
import resource

import pytest
import torch
from torch import nn

from explaind.errors import DamagedStoreError, DiskFullError, RecordingError, UnsupportedError
from explaind.history.state import TrainingState, load_state, save_state
from explaind.store import is_sealed
from tests.history.training_loop import SGD, Training
from tests.oracles.problems import cross_entropy


@pytest.mark.parametrize("every", [1, 2])
def test_a_group_added_while_recording_is_refused(store, every):
    training = Training(store)
    training.every = every
    frozen = nn.Parameter(torch.zeros(2))
    training.after_step = lambda: training.optimizer.add_param_group({"params": [frozen]})
    with pytest.raises(
        RecordingError, match=r"groups of \[6, 1\] tensors at step 1, expected \[6\]"
    ):
        training.run()
    assert not is_sealed(store)


def test_an_optimizer_that_has_taken_steps_is_refused(store):
    """Its momentum would come from samples that nobody recorded."""
    training = Training(store)
    model = training.model
    training.optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    x, y = SGD.train_data()
    cross_entropy(model(x), y).mean().backward()
    training.optimizer.step()
    with pytest.raises(RecordingError, match="step"):
        training.run()


def test_a_buffer_that_changes_is_refused(store):
    training = Training(store)
    training.model.register_buffer("count", torch.zeros(1))
    training.after_step = lambda: training.model.count.add_(1)
    with pytest.raises(RecordingError, match=r"'count' is not trained .* but changed"):
        training.run()
    assert not is_sealed(store)


def test_a_checkpointed_history_needs_all_gradients(store):
    training = Training(store)
    training.every = 2
    training.before_step = lambda _: setattr(training.model.last.bias, "grad", None)
    with pytest.raises(RecordingError, match=r"'last.bias' has no gradient at step 0"):
        training.run()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.complex64], ids=str)
def test_parameters_that_no_sample_can_be_credited_with_are_refused(dtype):
    model = nn.Module()
    model.weight = nn.Parameter(torch.zeros(2, dtype=dtype))
    name = str(dtype).removeprefix("torch.")
    with pytest.raises(UnsupportedError, match=rf"'weight' is {name}; expected float32 or float64"):
        TrainingState(model, torch.optim.SGD(model.parameters()), None)


def test_a_checkpoint_puts_model_and_optimizer_back():
    model = SGD.model()
    state = TrainingState(model, torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9), None)
    x, y = SGD.train_data()

    def step():
        cross_entropy(model(x), y).mean().backward()
        state.optimizer.step()
        state.optimizer.zero_grad()
        return state.theta()

    before = step()
    checkpoint = copy.deepcopy(state.checkpoint())
    expected = step()
    step()
    assert state.moved_from(before)
    state.restore(checkpoint)
    assert not state.moved_from(before)
    assert torch.equal(step(), expected)


def test_a_file_comes_back_and_damage_is_found(tmp_path):
    path = tmp_path / "state.pt"
    save_state(path, {"values": torch.arange(3.0), "steps": 7})
    found = load_state(path)
    assert (found["values"].tolist(), found["steps"]) == ([0.0, 1.0, 2.0], 7)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedStoreError, match="corrupted"):
        load_state(path)
    path.unlink()
    with pytest.raises(DamagedStoreError, match="missing"):
        load_state(path)


@pytest.mark.parametrize("room", [0, 100, 20_000, 60_000, 80_300])
def test_a_file_that_there_is_no_room_for_is_named_and_the_one_before_kept(tmp_path, room):
    path = tmp_path / "state.pt"
    save_state(path, {"a": torch.zeros(1)})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
    try:
        with pytest.raises(DiskFullError, match=str(path)):
            save_state(path, {"a": torch.randn(10_000), "b": torch.randn(10_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert torch.equal(load_state(path)["a"], torch.zeros(1))
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
