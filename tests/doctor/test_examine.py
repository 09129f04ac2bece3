"""What is said of trainings, before they begin."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from explaind.doctor.diagnosis import listed
from explaind.doctor.examine import Training, examine
from tests.doctor.trainings import SAMPLES, build, built, loss_fn, mixing, random


def said(diagnosis):
    return {finding.about: finding for finding in diagnosis.findings}


def test_a_training_that_can_be_explained_is_left_as_it_was():
    training = Training(*build(), steps=1000, samples=7)
    before = [p.clone() for p in training.model.parameters()]
    diagnosis = examine(training)
    assert diagnosis.accepted
    assert str(diagnosis).endswith("This training can be recorded and explained.")
    found = said(diagnosis)
    assert "51 in 4 tensors, components 0, 2" in found["parameters"].text
    assert f"{SAMPLES}," in found["samples"].text
    assert "4 tensors" in found["layer rules"].text
    assert "fallback" not in found
    error = float(found["completeness"].text.split()[-3])
    assert 0 <= error < 1e-4
    # parameters of 1001 points, second moments of 1000 steps, 51 numbers of 4 bytes each, and more
    assert re.match(r"1,000 steps take 4.* of disk, and about \d+", found["recording"].text)
    assert re.match(r"7 samples take .* of memory .*, and about \d+", found["explaining"].text)
    for now, old in zip(training.model.parameters(), before, strict=True):
        assert torch.equal(now, old)
    assert not training.optimizer.state


def test_chance_is_recorded():
    diagnosis = examine(Training(*random()))
    assert diagnosis.accepted
    assert "random numbers are recorded" in said(diagnosis)["determinism"].text


class Scale(nn.Module):
    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.ones(6))

    def forward(self, x):
        if x.sum() > 1e9:  # torch cannot batch a branch on values
            return x
        return torch.einsum("bi,i->bi", x, self.factor)


class Noisy(torch.utils.data.Dataset):
    def __len__(self):
        return SAMPLES

    def __getitem__(self, index):
        return torch.from_numpy(RANDOM.normal(size=4)).float(), index % 3


RANDOM = np.random.default_rng(0)


def of_the_whole_batch(output, target):
    losses = nn.functional.cross_entropy(output, target, reduction="none")
    return losses - losses.mean()


class Failing(nn.Module):
    def forward(self, x):
        return x.no_such_method()


def of_other_shapes(output, target):
    return nn.functional.cross_entropy(output[0], target, reduction="none")


class Missing(torch.utils.data.Dataset):
    def __len__(self):
        return SAMPLES

    def __getitem__(self, index):
        raise FileNotFoundError("image.png")


REFUSED = {
    "a model that fails": (
        lambda: built(Failing()),
        r"test_examine.py, line \d+: .*no_such_method",
    ),
    "a loss that fails": (lambda: built(loss=of_other_shapes), r"ValueError at .*test_examine.py"),
    "data that fail": (
        lambda: built(data=Missing()),
        r"FileNotFoundError at .*: image.png; fix it",
    ),
    "mixing": (mixing, "BatchNorm1d"),
    "not separable": (lambda: built(loss=of_the_whole_batch), "depends on the other samples"),
    "reduced": (lambda: built(loss=nn.CrossEntropyLoss()), "one loss per sample"),
    "optimizer": (lambda: built(optimizer=torch.optim.Rprop), "Rprop"),
    "other data": (
        lambda: built(data=Noisy()),
        "of the dataset is another one when it is asked for again",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_and_why(case):
    build_one, message = REFUSED[case]
    diagnosis = examine(Training(*build_one()))
    assert not diagnosis.accepted
    last = diagnosis.findings[-1]
    assert last.verdict == "refused"
    assert re.search(message, last.text)
    assert "cannot be recorded and explained as it is" in str(diagnosis)


def test_layers_without_a_rule_and_constants_are_told():
    diagnosis = examine(Training(*built(Scale())))
    found = said(diagnosis)
    assert diagnosis.accepted
    assert found["fallback"].verdict == "note"
    assert "2.factor" in found["fallback"].text
    assert "one autograd call per sample" in found["fallback"].text
    model, optimizer, *others = build()
    model[0].weight.requires_grad_(False)
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    assert "0.weight" in said(examine(Training(model, optimizer, *others)))["constant tensors"].text


def test_a_long_list_is_cut():
    assert listed("abc") == "a, b, c"
    assert listed("abcdefg", 2) == "a, b and 5 more"


class Sets(nn.Module):
    """Of sets of vectors, one after the other; `owner` says of which set each vector is."""

    def __init__(self):
        super().__init__()
        self.net = nn.Linear(4, 3)

    def forward(self, vectors, owner):
        sums = vectors.new_zeros(int(owner.max()) + 1, 3)
        return sums.index_add(0, owner, torch.tanh(self.net(vectors)))


def concatenated(items):
    owner = torch.tensor([k for k, (vectors, _) in enumerate(items) for _ in vectors])
    batch = {"vectors": torch.cat([vectors for vectors, _ in items]), "owner": owner}
    return batch | {"labels": torch.tensor([label for _, label in items])}


def test_concatenated_batches_of_a_model_called_by_name():
    torch.manual_seed(0)
    model, data = Sets(), [(torch.randn(k % 3 + 1, 4), k % 3) for k in range(SAMPLES)]
    optimizer = torch.optim.AdamW(model.parameters())
    loader = torch.utils.data.DataLoader(data, batch_size=4, collate_fn=concatenated)

    def forward(model, batch):
        return model(batch["vectors"], batch["owner"])

    diagnosis = examine(Training(model, optimizer, loss_fn, loader, forward=forward))
    assert diagnosis.accepted
    assert {"recording", "explaining"} <= said(diagnosis).keys()
    without = said(examine(Training(model, optimizer, loss_fn, loader)))
    assert without["recording"].text.startswith("failed, TypeError at")


def test_a_single_training_sample():
    diagnosis = examine(Training(*built(data=[(torch.ones(4), 0)])))
    assert diagnosis.accepted
    assert said(diagnosis)["samples"].text.startswith("1,")
