"""A small vision transformer of torchvision."""

import torch
from torchvision.models import VisionTransformer

import explaind

x, y = torch.randn(16, 3, 16, 16), torch.arange(16) % 3
train_data = torch.utils.data.TensorDataset(x[:12], y[:12])
loader = torch.utils.data.DataLoader(train_data, batch_size=6, shuffle=True)
model = VisionTransformer(
    image_size=16, patch_size=8, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=32, num_classes=3
)
model.heads.head.reset_parameters()  # torchvision has zeros here; docs/reading.md says why not
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
loss_fn = torch.nn.CrossEntropyLoss(reduction="none")

with explaind.record(model, optimizer, loss_fn, store="vit.zarr") as recorder:
    for _ in range(2):
        for batch in recorder.batches(loader):
            optimizer.zero_grad()
            loss_fn(model(batch.x), batch.y).mean().backward()
            optimizer.step()

kernel = explaind.PathKernel("vit.zarr", model, loss_fn, train_data)
explained = kernel.explain(x[12:], y[12:], outputs="margin")
