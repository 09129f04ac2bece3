"""An LSTM that tells whether a sequence rises."""

import torch

import explaind


class Classifier(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = torch.nn.LSTM(1, 8, batch_first=True)
        self.head = torch.nn.Linear(8, 2)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])


x = torch.randn(24, 6, 1)
y = (x[:, -1, 0] > x[:, 0, 0]).long()
model, loss_fn = Classifier(), torch.nn.CrossEntropyLoss(reduction="none")
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
with explaind.record(model, optimizer, loss_fn, store="lstm.zarr") as recorder:
    for _ in range(5):
        batch = recorder.step_of(torch.arange(20), x[:20], y[:20])
        optimizer.zero_grad()
        loss_fn(model(batch.x), batch.y).mean().backward()
        optimizer.step()
kernel = explaind.PathKernel("lstm.zarr", model, loss_fn, (x[:20], y[:20]))
explained = kernel.explain(x[20:], y[20:])
