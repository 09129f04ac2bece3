"""One step of a training, explained from its checkpoint: nothing before it was recorded."""

import torch

import explaind

x = torch.randn(60, 4)
y = (x[:, 0] > x[:, 1]).long()
train_data = torch.utils.data.TensorDataset(x[:50], y[:50])
loader = torch.utils.data.DataLoader(train_data, batch_size=10)
loss_fn = torch.nn.CrossEntropyLoss(reduction="none")
model = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.ReLU(), torch.nn.Linear(16, 2))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)


def step(x, y):
    optimizer.zero_grad()
    loss_fn(model(x), y).mean().backward()
    optimizer.step()


for batch_x, batch_y in loader:  # long before, not recorded
    step(batch_x, batch_y)
torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, "checkpoint.pt")

checkpoint = torch.load("checkpoint.pt")  # of model and optimizer
model.load_state_dict(checkpoint["model"])
optimizer.load_state_dict(checkpoint["optimizer"])
with explaind.record(model, optimizer, loss_fn, store="one_step.zarr") as recorder:
    batch = recorder.step_of(torch.arange(10), x[:10], y[:10])
    step(batch.x, batch.y)

kernel = explaind.PathKernel("one_step.zarr", model, loss_fn, train_data)
explained = kernel.explain(x[50:], y[50:])
before = explained.carry  # what the momentum brought along, apart from the samples of the step
