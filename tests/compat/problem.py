"""A small problem for scripts written for the published package, and what they take for granted."""

import torch
from torch import nn

CLASSES, SAMPLES, EXPLAINED = 3, 12, 5


class SingleLayerTransformerClassifier(nn.Sequential):
    """The name in the published README; log-probabilities of a smooth model."""

    def __init__(self):
        super().__init__(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, CLASSES), nn.LogSoftmax(dim=-1))


class Samples(torch.utils.data.Dataset):
    """A dataset with `targets`, which the published `DataPath` rewrites."""

    def __init__(self, size, seed):
        generator = torch.Generator().manual_seed(seed)
        self.data = torch.randn(size, 4, generator=generator)
        self.targets = [k % CLASSES for k in range(size)]

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        return self.data[index], self.targets[index]


def names():
    """What the snippets of the README take for granted, apart from the package itself."""
    torch.manual_seed(0)
    train = torch.utils.data.DataLoader(Samples(SAMPLES, 1), batch_size=4, shuffle=True)
    return {
        "torch": torch,
        "SingleLayerTransformerClassifier": SingleLayerTransformerClassifier,
        "device": "cpu",
        "alpha": 0.0,
        "reg_pow": 2.0,
        "epochs": 3,
        "checkpoint_path": "run/",
        "train_loader": train,
        "val_loader": torch.utils.data.DataLoader(Samples(EXPLAINED, 2)),
    }
