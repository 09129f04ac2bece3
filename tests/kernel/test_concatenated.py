"""Batches that hold the rows of their samples one after the other, as those of graphs do.

The oracle differentiates the loss of one graph after the other, each in a batch of its own.
"""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.optim import Adam
from torch.utils.data import DataLoader, Dataset

import explaind
from explaind.errors import ConfigError, RecordingError, UnsupportedError
from explaind.kernel.query.quadrature import Quadrature
from tests.kernel.engine import SMOOTH
from tests.kernel.trajectory.test_adjoint import assert_equal_to_oracle
from tests.oracles.dense_midpoint import gauss_legendre_nodes
from tests.oracles.forward_path_kernel import explain_outputs
from tests.oracles.recorded_path import replay

NODES = [3, 2, 5, 1, 4, 2, 6, 3]
BATCHES = [[0, 1, 2], [3, 4, 5], [6, 7], [2, 6, 4]]
"""Of 10, 7, 9 and 15 nodes; the last a multiple of the number of graphs."""


class Graphs(Dataset):
    """Nodes with edges along a path and back to the first, and the class of each graph."""

    def __init__(self, sizes, seed=0, noise=0.0):
        generator = torch.Generator().manual_seed(seed)
        self.noise = noise
        self.nodes = [torch.randn(n, 4, generator=generator, dtype=torch.float64) for n in sizes]
        self.classes = torch.randint(3, (len(sizes),), generator=generator)

    def __len__(self):
        return len(self.nodes)

    def __getitem__(self, i):
        nodes = self.nodes[i]
        if self.noise:
            nodes = nodes + self.noise * torch.randn_like(nodes)
        order = torch.arange(len(nodes))
        return nodes, torch.stack([order, order.roll(1)]), self.classes[i]


def joined(graphs):
    """One graph of all: nodes and edges one after the other, the number of its graph by node."""
    sizes = [len(nodes) for nodes, _, _ in graphs]
    starts = np.cumsum([0, *sizes[:-1]])
    edges = [edges + int(start) for (_, edges, _), start in zip(graphs, starts, strict=True)]
    return {
        "nodes": torch.cat([nodes for nodes, _, _ in graphs]),
        "edges": torch.cat(edges, 1),
        "graph": torch.repeat_interleave(torch.arange(len(graphs)), torch.tensor(sizes)),
        "labels": torch.stack([label for _, _, label in graphs]),
    }


class GraphNet(nn.Module):
    """Messages along the edges, added up by node; then the mean of the nodes of each graph."""

    activation = staticmethod(torch.tanh)
    dropout = 0.0

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.inner, self.message, self.last = nn.Linear(4, 5), nn.Linear(5, 5), nn.Linear(5, 3)
        self.double()

    def forward(self, nodes, edges, graph):
        hidden = self.activation(self.inner(nodes))
        hidden = functional.dropout(hidden, self.dropout, self.training)
        sent = self.message(hidden)[edges[0]]
        hidden = self.activation(hidden.index_add(0, edges[1], sent))
        count = int(graph.max()) + 1
        total = hidden.new_zeros(count, 5).index_add(0, graph, hidden)
        return self.last(total / torch.bincount(graph, minlength=count)[:, None])


class KinkedGraphNet(GraphNet):
    activation = staticmethod(torch.relu)


class RandomGraphNet(GraphNet):
    dropout = 0.3


def called(model, batch):
    return model(batch["nodes"], batch["edges"], batch["graph"])


def loss_fn(output, target):
    return functional.cross_entropy(output, target, reduction="none")


def optimizer_of(model):
    return Adam(model.parameters(), lr=0.05)


def loader_of(data=None, **options):
    return DataLoader(data or Graphs(NODES), batch_sampler=BATCHES, collate_fn=joined, **options)


def trained(store, model, loader, every=1, see=id):
    optimizer = optimizer_of(model.train())
    with explaind.record(model, optimizer, loss_fn, store, forward=called, every=every) as recorder:
        train(recorder, model, optimizer, loader, called, see)
    return model.eval()


def kernel_of(store, model, data, **options):
    names = {name: name for name, _ in model.named_parameters()}
    options = {"quadrature": SMOOTH, "components": names, **options}
    return explaind.PathKernel(store, model, loss_fn, data, forward=called, **options)


QUERIES = Graphs([2, 4], seed=1)


def log_probability(model, graph):
    batch = joined([graph])
    return called(model, batch).log_softmax(1)[0, batch["labels"]]


def assert_as_oracle(found, model, loss_of):
    steps = [[(i, 1 / len(batch)) for i in batch] for batch in BATCHES]
    path = replay(model, optimizer_of(model), loss_of, len(NODES), steps)
    path.model.eval()
    outputs = [lambda graph=graph: log_probability(path.model, graph) for graph in QUERIES]
    oracle = explain_outputs(path, outputs, gauss_legendre_nodes(3))
    assert_equal_to_oracle(found, oracle, list(path.tensors))


@pytest.mark.parametrize("every", [1, 2])
def test_every_array_equals_the_oracle_of_one_graph_after_the_other(tmp_path, every):
    store, data = tmp_path / "run.zarr", Graphs(NODES)
    model = trained(store, GraphNet(), loader_of(), every)
    kernel = kernel_of(store, model, data, collate_fn=joined)
    found = kernel.explain(DataLoader(QUERIES, collate_fn=joined), intervals=2)

    def loss_of(sample, step):
        batch = joined([data[sample]])
        return loss_fn(called(alone, batch), batch["labels"]).sum()

    assert_as_oracle(found, alone := GraphNet(), loss_of)


def test_dropout_of_the_nodes_is_that_of_the_batch(tmp_path):
    store, data, states = tmp_path / "run.zarr", Graphs(NODES), []
    model = trained(
        store, RandomGraphNet(), loader_of(), see=lambda _: states.append(torch.get_rng_state())
    )
    found = kernel_of(store, model, loader_of()).explain(
        DataLoader(QUERIES, collate_fn=joined), intervals=2
    )

    def loss_of(sample, step):
        torch.set_rng_state(states[step])
        batch = joined([data[i] for i in BATCHES[step]])
        return loss_fn(called(drawn, batch), batch["labels"])[BATCHES[step].index(sample)]

    with torch.random.fork_rng(devices=[]):
        assert_as_oracle(found, drawn := RandomGraphNet().train(), loss_of)


DRAWN = {"loader": lambda loader: loader, "iterator": iter}


@pytest.mark.parametrize(("drawn", "workers"), [("loader", 0), ("loader", 1), ("iterator", 0)])
def test_graphs_at_random_come_again(tmp_path, drawn, workers):
    seen = []
    loader = loader_of(Graphs(NODES, noise=0.1), num_workers=workers)
    given = DRAWN[drawn](loader)
    model = trained(tmp_path / "run.zarr", GraphNet(), given, see=lambda b: seen.append(b.x))
    kernel = kernel_of(tmp_path / "run.zarr", model, loader)
    history = kernel.history
    for step, batch in enumerate(seen):
        again = kernel.data.batch(history.batch(step), step, history.forward_passes(step)[0].draws)
        torch.testing.assert_close(again[0].collated()["nodes"], batch["nodes"], rtol=0, atol=0)
    assert kernel.explain(DataLoader(QUERIES, collate_fn=joined)).completeness_error < 1e-12


def test_kinks_of_the_nodes_have_secant_slopes(tmp_path, caplog):
    model, found = trained(tmp_path / "run.zarr", KinkedGraphNet(), loader_of()), {}
    for rule in ("secant", "midpoint"):
        quadrature = Quadrature(rule, tolerance=None)
        kernel = kernel_of(tmp_path / "run.zarr", model, loader_of(), quadrature=quadrature)
        found[rule] = kernel.explain(QUERIES)  # collated as the training samples are
    left = {rule: np.abs(one.step_residual.values).sum() for rule, one in found.items()}
    assert left["secant"] < 0.5 * left["midpoint"]
    assert not [r for r in caplog.records if r.levelname == "WARNING"]  # of a maximum of integers


def test_blocks_of_graphs_make_what_all_at_once_make(tmp_path):
    model = trained(tmp_path / "run.zarr", GraphNet(), loader_of())
    kernel = kernel_of(tmp_path / "run.zarr", model, loader_of())
    found = kernel.explain(QUERIES)
    blocks = explaind.explain_to_store(kernel, tmp_path / "explained.zarr", QUERIES, together=1)
    np.testing.assert_allclose(blocks.influence, found.influence, rtol=1e-9, atol=1e-13)


def test_the_log_says_what_it_costs(tmp_path, caplog):
    model = trained(tmp_path / "run.zarr", GraphNet(), loader_of())
    with caplog.at_level("INFO"):
        kernel_of(tmp_path / "run.zarr", model, loader_of())
    assert "one autograd call per sample, which is slow: ['inner" in caplog.text
    assert "each is collated alone" in caplog.text


def mixing(model, batch):
    """A mean over the nodes of all graphs in the batch."""
    return called(model, batch) * batch["nodes"].mean()


def random_order(graphs):
    batch = joined(graphs)
    return batch | {"nodes": batch["nodes"] + torch.randn(len(batch["nodes"]), 1)}


def refusing(tmp_path, error, message, loader, forward=called, **options):
    """Train a little, expecting to be refused."""
    model = GraphNet()
    optimizer = optimizer_of(model)
    recorder = explaind.record(
        model, optimizer, loss_fn, tmp_path / "run.zarr", forward=forward, **options
    )
    with pytest.raises(error, match=message), recorder:
        train(recorder, model, optimizer, loader, forward)


def train(recorder, model, optimizer, loader, forward, see=id):
    for batch in recorder.batches(loader):
        see(batch)
        optimizer.zero_grad()
        loss_fn(forward(model, batch.x), batch.y).mean().backward()
        optimizer.step()


def test_an_augmentation_of_whole_batches_is_refused(tmp_path):
    message = "augment: expected a row of the inputs"
    refusing(tmp_path, UnsupportedError, message, loader_of(), augment=lambda x, *_: x)


def test_a_random_collate_function_is_refused(tmp_path):
    loader = DataLoader(Graphs(NODES), batch_size=3, collate_fn=random_order)
    refusing(tmp_path, UnsupportedError, "collate_fn draws random numbers", loader)


def test_graphs_that_depend_on_each_other_are_refused(tmp_path):
    message = "depends on the other samples of its batch"
    refusing(tmp_path, UnsupportedError, message, loader_of(), mixing)


class Points(Graphs):
    """Nodes without edges: a graph of one node alone is a row."""

    def __getitem__(self, i):
        return self.nodes[i], self.classes[i]


def points(items):
    x = torch.cat([x for x, _ in items])
    graph = torch.cat([torch.full((len(x),), i) for i, (x, _) in enumerate(items)])
    return {"nodes": x, "graph": graph, "labels": torch.stack([y for _, y in items])}


def without_edges(model, batch):
    return model(batch["nodes"], torch.zeros(2, 0, dtype=torch.int64), batch["graph"])


def test_numbers_of_the_samples_of_a_batch_are_no_rows_of_theirs(tmp_path):
    data = Points([1] * len(NODES))
    loader = DataLoader(data, batch_sampler=BATCHES, collate_fn=points)
    model = GraphNet()
    optimizer = optimizer_of(model)
    options = {"forward": without_edges}
    with explaind.record(model, optimizer, loss_fn, tmp_path / "run.zarr", **options) as recorder:
        train(recorder, model, optimizer, loader, without_edges)
    kernel = explaind.PathKernel(tmp_path / "run.zarr", model, loss_fn, loader, **options)
    assert kernel.history.concatenated


def test_several_rows_that_come_later_are_refused(tmp_path):
    loader = DataLoader(Points([1, 2, 3]), batch_sampler=[[0], [1, 2]], collate_fn=points)
    message = r"batch of step 1 holds several rows of a sample"
    refusing(tmp_path, RecordingError, message, loader, without_edges)


def test_what_does_not_hold_single_graphs_is_refused(tmp_path):
    model = trained(tmp_path / "run.zarr", GraphNet(), loader_of())
    with pytest.raises(ConfigError, match=r"train_data: .*dataset and collate_fn"):
        kernel_of(tmp_path / "run.zarr", model, Graphs(NODES))
    kernel = kernel_of(tmp_path / "run.zarr", model, loader_of())
    batch = joined(list(QUERIES))
    with pytest.raises(ConfigError, match="x: expected a dataset or a loader of single samples"):
        kernel.explain(batch, batch["labels"])
    swapped = Graphs(NODES)
    swapped.nodes[4][2, 1] += 0.1
    with pytest.raises(ConfigError, match="Sample 4 of train_data is not the one"):
        kernel_of(tmp_path / "run.zarr", model, loader_of(swapped))
