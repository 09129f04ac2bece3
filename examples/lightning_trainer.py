"""A training by Lightning, recorded by a callback."""

import lightning.pytorch as pl
import torch
from torch import nn

import explaind
from explaind.integrations.lightning import RecordHistory


def loss_fn(output, target):
    return nn.functional.cross_entropy(output, target, reduction="none")


class Classifier(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))

    def training_step(self, batch, _):
        return loss_fn(self.net(batch[0]), batch[1]).mean()

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=1e-2)


x = torch.randn(60, 4)
y = (x[:, 0] > x[:, 1]).long()
train_data = torch.utils.data.TensorDataset(x[:50], y[:50])
loader = torch.utils.data.DataLoader(train_data, batch_size=10, shuffle=True)
module = Classifier()
record = RecordHistory("lightning.zarr", loss_fn, loader, module.net)
quiet = {"accelerator": "cpu", "logger": False, "enable_checkpointing": False}
trainer = pl.Trainer(max_epochs=4, gradient_clip_val=1.0, callbacks=[record], **quiet)
trainer.fit(module, loader)

kernel = explaind.PathKernel("lightning.zarr", module.net, loss_fn, train_data)
explained = kernel.explain(x[50:], y[50:])
