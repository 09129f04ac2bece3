"""A ResNet-18 of torchvision that is trained on, its batch norm in evaluation mode."""

import torch
from torchvision.models import resnet18

import explaind

x, y = torch.randn(8, 3, 32, 32), torch.arange(8) % 2
train_data = torch.utils.data.TensorDataset(x[:6], y[:6])
loader = torch.utils.data.DataLoader(train_data, batch_size=3)
model = resnet18(num_classes=2).eval()  # statistics of batch norm stay as they are
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
loss_fn = torch.nn.CrossEntropyLoss(reduction="none")

with explaind.record(model, optimizer, loss_fn, store="resnet18.zarr") as recorder:
    for batch in recorder.batches(loader):
        optimizer.zero_grad()
        loss_fn(model(batch.x), batch.y).mean().backward()
        optimizer.step()

kernel = explaind.PathKernel("resnet18.zarr", model, loss_fn, train_data)
explained = kernel.explain(x[6:], y[6:], keep=["influence"])
