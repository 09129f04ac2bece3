"""TracIn against a loop over the recorded parameters."""

import numpy as np
import pytest
import torch

from explaind.errors import ConfigError
from explaind.kernel.attributor import Attributor
from explaind.labelfree.tracin import TracIn
from tests.labelfree.autoencoders import STEPS, Autoencoder, inputs, record, squared_error


@pytest.mark.parametrize("every", [1, 5])
def test_scores_are_gradient_products_at_checkpoints(tmp_path, every):
    """D9, D10, D11: checkpoints of the history, learning rates, and the model as it was."""
    model, kernel, _ = record(tmp_path / "run.zarr", every=every)
    before = {name: p.clone() for name, p in model.named_parameters()}
    x, test = inputs(), inputs(3, seed=5)
    method = TracIn(kernel.history, model, squared_error, (x, x), checkpoints=4)
    assert isinstance(method, Attributor)
    scores = method.scores(test, test)
    expected = np.zeros((3, 12))
    twin = Autoencoder()
    for step, rate in ((4, 0.1 / 5), (8, 0.1 / 9), (12, 0.1 / 13), (16, 0.1 / 16)):
        theta = kernel.history.layout.unflatten(kernel.history.theta(step))
        twin.load_state_dict(theta)
        rows = {}
        for name, samples in (("train", x), ("test", test)):
            rows[name] = []
            for row in samples:
                twin.zero_grad()
                squared_error(twin(row[None]), row[None]).sum().backward()
                rows[name].append(torch.cat([p.grad.flatten() for p in twin.encoder.parameters()]))
        expected += rate * (torch.stack(rows["test"]) @ torch.stack(rows["train"]).T).numpy()
    np.testing.assert_allclose(scores, expected, rtol=1e-6, atol=1e-12)
    assert np.abs(scores).max() > 0
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name])


def test_more_checkpoints_than_steps_are_refused(tmp_path):
    model, kernel, _ = record(tmp_path / "run.zarr")
    x = inputs()
    with pytest.raises(ConfigError, match=f"1 to {STEPS}, the number of recorded steps, got 17"):
        TracIn(kernel.history, model, squared_error, (x, x), checkpoints=17)
    model.encoder.append(torch.nn.Linear(3, 3))
    with pytest.raises(ConfigError, match="the model that was recorded"):
        TracIn(kernel.history, model, squared_error, (x, x))
