"""Steps are taken again as they were, and nothing of the user is changed."""

import torch

from tests.history.checkpointed import PROBLEMS, Wide, read
from tests.kernel.engine import record


def test_the_module_and_the_threads_are_left_as_they_are(tmp_path):
    problem = PROBLEMS["adamw"]
    store = tmp_path / "run.zarr"
    model = record(problem, store, every=4)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.zero_grad()
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        read(problem, store, model).read(0, 9)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


class AlternatingThreads:
    """Stepped like a schedule: every other step with two threads, as if training was resumed."""

    def __init__(self, _):
        self.step()

    def step(self):
        torch.set_num_threads(3 - torch.get_num_threads())


def test_steps_are_replayed_with_the_threads_they_were_taken_with(tmp_path):
    problem = PROBLEMS["adamw"].but(make_model=Wide, scheduler=AlternatingThreads)
    x, y = problem.train_data()
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        found = []
        for every in (1, 3):
            store = tmp_path / f"{every}.zarr"
            model = problem.model().float()
            record(problem, store, every=every, model=model, data=(x.float(), y))
            found.append(read(problem, store, model).read(0, 9).params)
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(*found)
