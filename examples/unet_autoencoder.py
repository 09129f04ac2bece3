"""A U-Net that rebuilds images; explained is one of its hidden units."""

import torch
from torch import nn

import explaind


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU())
        self.bottom = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(4, 8, 3, padding=1), nn.ReLU())
        self.up = nn.ConvTranspose2d(8, 4, 2, stride=2)
        self.out = nn.Conv2d(8, 1, 1)

    def forward(self, x):
        wide = self.down(x)
        hidden = self.bottom(wide)
        return self.out(torch.cat([wide, self.up(hidden)], 1)), hidden.mean((2, 3))


x, model = torch.rand(14, 1, 8, 8), UNet()
loss_fn = lambda output, image: (output[0] - image).square().flatten(1).mean(1)  # noqa: E731
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x[:12], x[:12]), batch_size=4)
with explaind.record(model, optimizer, loss_fn, store="unet.zarr") as recorder:
    for batch in recorder.batches(loader):
        optimizer.zero_grad()
        loss_fn(model(batch.x), batch.y).mean().backward()
        optimizer.step()
kernel = explaind.PathKernel("unet.zarr", model, loss_fn, loader)
explained = kernel.explain(x[12:], x[12:], outputs=lambda output, _: output[1][:, 2])
