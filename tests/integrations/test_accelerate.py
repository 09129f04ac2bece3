"""A loop prepared by Accelerate, on one device."""

import pytest
import torch
from torch import nn

import explaind
from tests.requirements import library

accelerate = library("accelerate")

BATCH = 4


def loss_fn(output, target):
    return nn.functional.cross_entropy(output, target, reduction="none")


@pytest.fixture
def data():
    return torch.utils.data.TensorDataset(torch.randn(14, 4).double(), torch.arange(14) % 3)


@pytest.mark.parametrize("accumulated", [1, 2])
@pytest.mark.filterwarnings("ignore")  # of the library, about itself
def test_a_prepared_loop(tmp_path, data, accumulated):
    accelerator = accelerate.Accelerator(cpu=True, gradient_accumulation_steps=accumulated)
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)).double()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.05)
    loader = torch.utils.data.DataLoader(data, batch_size=BATCH, shuffle=True)
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    with explaind.record(model, optimizer, loss_fn, tmp_path / "run.zarr") as recorder:
        for _ in range(3):
            for batch in recorder.batches(loader):
                with accelerator.accumulate(model):
                    accelerator.backward(loss_fn(model(batch.x), batch.y).mean())
                    if accelerator.sync_gradients:
                        accelerator.clip_grad_norm_(model.parameters(), 0.5)
                    optimizer.step()
                    optimizer.zero_grad()  # Accelerate's, which waits for the step
    assert recorder.steps == 3 * (4 // accumulated)
    kernel = explaind.PathKernel(tmp_path / "run.zarr", model, loss_fn, loader)
    explained = kernel.explain(*data[:3])
    assert explained.attrs["completeness_error"] < 1e-9
    assert float(abs(explained.final_output - explained.initial_output).max()) > 0.05
    assert float(abs(explained.step_residual).max()) < 0.01
