"""Samples as users give them: arrays, trees, datasets, loaders; and what is refused of them."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, TensorDataset

import explaind
from explaind.errors import ConfigError
from explaind.kernel.samples import given_samples
from tests.kernel.engine import record
from tests.oracles.problems import Problem, cross_entropy

PROBLEM = Problem("samples", lambda model: torch.optim.SGD(model.parameters(), lr=0.2), steps=3)


@pytest.fixture
def trained(tmp_path):
    store = tmp_path / "run.zarr"
    return store, record(PROBLEM, store)


def kernel_of(trained, data=None, **options):
    store, model = trained
    return explaind.PathKernel(store, model, cross_entropy, data or PROBLEM.train_data(), **options)


def test_arrays_datasets_and_loaders_give_what_tensors_give(trained):
    x, y = PROBLEM.test_data()
    expected = kernel_of(trained).explain(x, y)
    arrays = tuple(part.numpy() for part in PROBLEM.train_data())
    dataset = TensorDataset(x, y)
    backward = DataLoader(dataset, batch_size=2, sampler=[2, 1, 0])
    kernel = kernel_of(trained, arrays)
    assert kernel.explain(x.numpy(), y.numpy()).equals(expected)
    assert kernel.explain(dataset).equals(expected)
    assert kernel.explain(backward)["influence"].equals(expected["influence"][::-1])


def test_targets_are_needed_only_where_they_are_used(trained):
    x, y = PROBLEM.test_data()
    kernel = kernel_of(trained)
    every = kernel.explain(x, outputs="all")
    assert every["influence"].equals(kernel.explain(x, y, "all")["influence"])
    with pytest.raises(ConfigError, match="class of each sample as target, got none"):
        kernel.explain(x)


X, Y = torch.zeros(4, 2), torch.zeros(4, dtype=torch.int64)
REFUSED = {
    "lengths": ((X[:3], Y), "got 3 in x and 4 in targets"),
    "lengths of a tree": (({"a": X, "b": X[:2]}, Y), r"got 4 in x\['a'\] and 2 in x\['b'\]"),
    "one sample": ((X[0], Y[0]), "targets: expected the sample as first dimension"),
    "lists": ((X, [0, 1, 2, 3]), r"targets\[0\]: expected a tensor or a numpy array.*got int"),
    "sparse": ((X.to_sparse(), Y), "x: expected a dense tensor, got torch.sparse"),
    "none": ((X[:0], Y[:0]), "at least one sample"),
    "NaN": ((torch.tensor([[0.0], [torch.nan]]), Y[:2]), "x has NaN in sample 1"),
    "targets twice": ((TensorDataset(X, Y), Y), "expected none with a TensorDataset"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_samples_is_refused_by_name(case):
    given, message = REFUSED[case]
    with pytest.raises(ConfigError, match=message):
        given_samples(*given)


def test_samples_unlike_the_training_samples_are_refused(trained):
    x, y = PROBLEM.test_data()
    kernel = kernel_of(trained)
    with pytest.raises(ConfigError, match=r"dimensions \{'x': 2\}, sample first, got \{'x': 1\}"):
        kernel.explain(x[:, 0], y)
    with pytest.raises(ConfigError, match=r"got \{\"x\['a'\]\": 2\}"):
        kernel.explain({"a": x}, y)
    for wrong, outputs in ((x[:, 1:], "target_logprob"), (x > 0, "all")):
        with pytest.raises(ConfigError, match="cannot be worked out for samples of torch"):
            kernel.explain(wrong, y, outputs)
    broken = x.clone()
    broken[1] = torch.inf
    with pytest.raises(ConfigError, match="target_logprob of sample 1 is not finite"):
        kernel.explain(broken, y)


def test_training_data_with_more_targets_than_inputs_are_refused(trained):
    x, y = PROBLEM.train_data()
    with pytest.raises(ConfigError, match=r"12 in train_data\[0\] and 24 in train_data\[1\]"):
        kernel_of(trained, (x, torch.cat([y, y])))


class Pooled(nn.Module):
    """Scores of sequences, of whatever their batch is padded to; called with names, as some are."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.embedding, self.head = nn.Embedding(9, 6), nn.Linear(6, 3)

    def forward(self, tokens, mask):
        kept = mask[..., None]
        pooled = (self.embedding(tokens) * kept).sum(1) / kept.sum(1)
        return {"logits": self.head(pooled.tanh())}


SEQUENCES = [
    {"tokens": torch.arange(1, n + 1) % 8 + 1, "labels": k % 3}
    for k, n in enumerate([2, 5, 3, 7, 4, 4, 6, 2])
]


def padded(items, length=None):
    tokens = pad_sequence([item["tokens"] for item in items], batch_first=True)
    tokens = functional.pad(tokens, (0, (length or tokens.shape[1]) - tokens.shape[1]))
    labels = torch.tensor([item["labels"] for item in items])
    return {"tokens": tokens, "mask": (tokens > 0).float(), "labels": labels}


def by_name(model, batch):
    return model(batch["tokens"], mask=batch["mask"])


def loss(output, target):
    return functional.cross_entropy(output["logits"], target, reduction="none")


def explained(folder, collate, **options):
    model = Pooled()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.5)
    loader = DataLoader(SEQUENCES, batch_size=3, collate_fn=collate)
    store = folder / "run.zarr"
    with explaind.record(model, optimizer, loss, store, forward=by_name) as recorder:
        for batch in recorder.batches(loader):
            optimizer.zero_grad()
            loss(by_name(model, batch.x), batch.y).mean().backward()
            optimizer.step()
    data = {"train_data": loader} | options
    kernel = explaind.PathKernel(store, model, loss, forward=by_name, **data)
    return kernel.explain(DataLoader(SEQUENCES[:4], collate_fn=collate))


@pytest.mark.parametrize("given", ["the loader", "the dataset"])
def test_batches_padded_to_their_longest_are_those_of_a_fixed_length(tmp_path, given):
    """Mappings with labels, a model called by names, outputs among others: all in one."""
    (tmp_path / "fixed").mkdir()
    expected = explained(tmp_path / "fixed", lambda items: padded(items, 7))
    options = {"train_data": SEQUENCES, "collate_fn": padded} if given == "the dataset" else {}
    found = explained(tmp_path, padded, **options)
    np.testing.assert_allclose(found["influence"], expected["influence"], rtol=1e-5, atol=1e-7)
    assert found.attrs["completeness_error"] < 1e-5


def test_items_that_make_no_batch_ask_for_the_collate_function(tmp_path):
    with pytest.raises(ConfigError, match=r"make no batch .* or its collate_fn"):
        explained(tmp_path, padded, train_data=SEQUENCES)
