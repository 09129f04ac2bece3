"""What is said of trainings, before they begin."""

import numpy as np
import pytest
import torch
from torch import nn

from explaind.doctor.diagnosis import listed
from explaind.doctor.examine import Training, examine
from tests.doctor.trainings import SAMPLES, build, built, mixing, random


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
    assert found["recording"].text.startswith("1,000 steps take 4")
    assert found["explaining"].text.startswith("7 samples take")
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


REFUSED = {
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
    assert message in last.text
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
