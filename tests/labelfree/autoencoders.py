"""Small autoencoders in float64, their losses and data, and a recorded training of one."""

import torch
from torch import nn

import explaind
from tests.kernel.engine import loader

SAMPLES, STEPS = 12, 16


class Autoencoder(nn.Module):
    """Rows of 5 numbers through 3 units."""

    def __init__(self, smooth=True):
        super().__init__()
        torch.manual_seed(3)
        curve = nn.Tanh() if smooth else nn.ReLU()
        self.encoder = nn.Sequential(nn.Linear(5, 6), curve, nn.Linear(6, 3)).double()
        self.decoder = nn.Linear(3, 5).double()

    def forward(self, x):
        return self.decoder(self.encoder(x))


def squared_error(output, target):
    return (output - target).square().flatten(1).mean(1)


def absolute_error(output, target):
    return (output - target).abs().flatten(1).mean(1)


def inputs(count=SAMPLES, seed=4):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 5, generator=generator, dtype=torch.float64)


def record(store, *, smooth=True, every=1):
    """A recorded training; returns the model, its kernel and the batches of its steps."""
    model, x = Autoencoder(smooth), inputs()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.5, weight_decay=1e-2)
    batches = [[(3 * step + i) % SAMPLES for i in range(4)] for step in range(STEPS)]
    options = {"max_batch_size": 4, "every": every}
    with explaind.record(model, optimizer, squared_error, store, **options) as recorder:
        for batch in recorder.batches(loader((x, x), batches)):
            for group in optimizer.param_groups:
                group["lr"] = 0.1 / (1 + recorder.steps)
            optimizer.zero_grad()
            squared_error(model(batch.x), batch.y).mean().backward()
            optimizer.step()
    return model, explaind.PathKernel(store, model, squared_error, (x, x)), batches
