"""A training by Lightning, recorded by a callback."""

import lightning.pytorch as pl
import torch

import explaind
from explaind.integrations.lightning import RecordHistory


def loss_fn(output, target):
    return torch.nn.functional.cross_entropy(output, target, reduction="none")


class Classifier(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Sequential(
            torch.nn.Linear(4, 16), torch.nn.ReLU(), torch.nn.Linear(16, 2)
        )

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, _):
        x, y = batch
        return loss_fn(self(x), y).mean()

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=1e-2)


x = torch.randn(60, 4)
y = (x[:, 0] > x[:, 1]).long()
train_data = torch.utils.data.TensorDataset(x[:50], y[:50])
loader = torch.utils.data.DataLoader(train_data, batch_size=10, shuffle=True)
module = Classifier()
trainer = pl.Trainer(
    max_epochs=4,
    accelerator="cpu",
    gradient_clip_val=1.0,
    callbacks=[RecordHistory("lightning.zarr", loss_fn, loader)],
    logger=False,
    enable_checkpointing=False,
)
trainer.fit(module, loader)

kernel = explaind.PathKernel("lightning.zarr", module, loss_fn, train_data)
explained = kernel.explain(x[50:], y[50:])
