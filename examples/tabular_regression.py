"""A network on a table, with the mean squared error."""

import torch
from sklearn.datasets import load_diabetes

import explaind

x, y = (torch.tensor(array, dtype=torch.float32) for array in load_diabetes(return_X_y=True))
x, y = x / x.std(0), ((y - y.mean()) / y.std())[:, None]
train_data = torch.utils.data.TensorDataset(x[:100], y[:100])
loader = torch.utils.data.DataLoader(train_data, batch_size=25, shuffle=True)
model = torch.nn.Sequential(torch.nn.Linear(10, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
loss_fn = lambda output, target: (output - target).square().mean(1)  # noqa: E731

with explaind.record(model, optimizer, loss_fn, store="tabular.zarr") as recorder:
    for _ in range(3):
        for batch in recorder.batches(loader):
            optimizer.zero_grad()
            loss_fn(model(batch.x), batch.y).mean().backward()
            optimizer.step()

kernel = explaind.PathKernel("tabular.zarr", model, loss_fn, train_data)
explained = kernel.explain(x[100:103], y[100:103], outputs="all")
