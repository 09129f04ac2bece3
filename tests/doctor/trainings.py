"""Trainings for the doctor, as a user's module builds them."""

import torch
from torch import nn

SAMPLES = 10


def loss_fn(output, target):
    return nn.functional.cross_entropy(output, target, reduction="none")


def built(*layers, loss=loss_fn, optimizer=torch.optim.AdamW, data=None):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), *layers, nn.Linear(6, 3))
    data = data or [(torch.randn(4), k % 3) for k in range(SAMPLES)]
    loader = torch.utils.data.DataLoader(data, batch_size=4, shuffle=True)
    return model, optimizer(model.parameters()), loss, loader


def build():
    return built()


def by_name():
    names = ("model", "optimizer", "loss_fn", "loader")
    return dict(zip(names, built(), strict=True)) | {"steps": 70}


def random():
    return built(nn.Dropout(0.5))


def nothing():
    return None


def needing(size):
    return size


def failing():
    return {}["a key"]


def swapped():
    model, optimizer, loss, loader = built()
    return optimizer, model, loss, loader


def of_dataset():
    return *built()[:3], [1, 2]


def misnamed():
    return {"net": built()[0]}
