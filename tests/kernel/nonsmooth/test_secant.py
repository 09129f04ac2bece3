"""The secant rule against plain gradients, for every piecewise-linear op that it claims to know."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from explaind.history.layout import ParameterLayout
from explaind.kernel.functionals import ModelFunction
from explaind.kernel.gradients.per_sample import PerSampleGradients
from explaind.kernel.query.derivative import FullGradient
from explaind.kernel.query.quadrature import Quadrature
from explaind.kernel.query.queries import Queries
from tests.kernel.engine import steps_of
from tests.oracles.dense_midpoint import averaged_gradient, gauss_legendre_nodes, midpoint_nodes
from tests.oracles.problems import all_outputs, cross_entropy, shuffled_batches
from tests.oracles.problems import target_log_probability as target_logprob
from tests.oracles.recorded_path import train

SIDE, CLASSES, TRAIN_SAMPLES, TEST_SAMPLES = 8, 4, 40, 2
STEPS = (2, 7, 12, 17, 22)
REFERENCE_NODES = 400

ONE_GRADIENT = Quadrature(rule="secant", subintervals=1, tolerance=None)
THREE_GRADIENTS = Quadrature(rule="secant", subintervals=1, tolerance=0.0, max_subintervals=2)
"""One and two subintervals, extrapolated: a tolerance of 0 always refines."""


def averaged_by_engine(model, functional, queries, ends, quadrature):
    """Averaged gradient of every query between two parameter vectors."""
    layout = ParameterLayout.of(model, torch.optim.SGD(model.parameters()))
    gradient = FullGradient(PerSampleGradients(ModelFunction(model, {}, functional), layout))
    side = Queries(gradient, quadrature, *queries, block=256, sample_first=True)
    return side.step(*steps_of(torch.stack(ends))).averaged.flatten(0, 1)


def averaged_by_nodes(model, functional, queries, ends, nodes):
    """The same, by plain gradients at the nodes, one sample after the other."""
    rows = []
    for x, y in zip(*queries, strict=True):

        def outputs(x=x, y=y):
            return functional(model(x[None]), y[None]).flatten()

        rows.append(averaged_gradient(outputs, list(model.parameters()), *ends, nodes))
    return torch.cat(rows)


class Dense(nn.Module):
    """Two hidden layers with a piecewise-linear op behind each."""

    def __init__(self, op):
        super().__init__()
        self.op = op
        self.first = nn.Linear(SIDE * SIDE, 16)
        self.second = nn.Linear(16, 12)
        self.last = nn.Linear(12, CLASSES)

    def forward(self, x):
        hidden = self.op(self.first(x.flatten(1)))
        return self.last(self.op(self.second(hidden)))


class MaxPooling(nn.Module):
    """Convolutions with ReLU and max-pooling."""

    def __init__(self, pool):
        super().__init__()
        self.pool = pool
        self.first = nn.Conv2d(1, 4, 3, padding=1)
        self.second = nn.Conv2d(4, 4, 3, padding=1)
        self.last = nn.LazyLinear(CLASSES)

    def forward(self, x):
        hidden = self.pool(torch.relu(self.first(x)))
        return self.last(self.pool(torch.relu(self.second(hidden))).flatten(1))


NETWORKS = {
    "relu": lambda: Dense(nn.ReLU()),
    "leaky_relu": lambda: Dense(nn.LeakyReLU(0.1)),
    "abs": lambda: Dense(torch.abs),
    "clamp": lambda: Dense(lambda z: z.clamp(-0.2, 0.3)),
    "max_pool": lambda: MaxPooling(lambda z: F.max_pool2d(z, 2)),
    "overlapping_max_pool": lambda: MaxPooling(nn.MaxPool2d(3, stride=2, padding=1)),
}


def digits(count, seed):
    """Blurred blobs at a place that depends on the class, with noise: like small digits."""
    generator = torch.Generator().manual_seed(seed)
    label = torch.randint(CLASSES, (count,), generator=generator)
    grid = torch.arange(SIDE, dtype=torch.float64)
    centre = 2.0 + 3.0 * torch.stack([label // 2, label % 2], dim=1)
    centre = centre + 0.7 * torch.randn(count, 2, generator=generator, dtype=torch.float64)
    rows = (-((grid - centre[:, :1]) ** 2) / 2).exp()
    columns = (-((grid - centre[:, 1:]) ** 2) / 2).exp()
    image = rows[:, :, None] * columns[:, None, :]
    noise = torch.randn(count, SIDE, SIDE, generator=generator, dtype=torch.float64)
    return (image + 0.1 * noise)[:, None], label


def trained_path(name):
    """A short real training with momentum."""
    data = digits(TRAIN_SAMPLES, seed=1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(list(NETWORKS).index(name))
        model = NETWORKS[name]().double()
        model(data[0])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    batches = shuffled_batches(TRAIN_SAMPLES, 10, max(STEPS) + 1, seed=2)
    return train(model, optimizer, cross_entropy, data, batches)


def relative_error(actual, expected):
    return ((actual - expected).norm(dim=1) / expected.norm(dim=1)).mean().item()


@pytest.mark.long
@pytest.mark.parametrize("name", NETWORKS)
def test_three_gradients_are_as_accurate_as_ten_midpoint_nodes(name):
    """In the median over the steps of a training, against a dense midpoint reference."""
    path = trained_path(name)
    queries = digits(TEST_SAMPLES, seed=3)
    secant, midpoint = [], []
    for step in STEPS:
        where = path.model, target_logprob, queries, path.parameters[step : step + 2]
        dense = averaged_by_nodes(*where, midpoint_nodes(REFERENCE_NODES))
        ten = averaged_by_nodes(*where, midpoint_nodes(10))
        midpoint.append(relative_error(ten, dense))
        secant.append(relative_error(averaged_by_engine(*where, THREE_GRADIENTS), dense))
    assert np.median(midpoint) > 1e-4, "the steps cross too few kinks to say anything"
    assert np.median(np.divide(secant, midpoint)) <= 1.0


ELEMENTWISE = {
    "torch.relu": (torch.relu, [0.0]),
    "tensor.relu": (torch.Tensor.relu, [0.0]),
    "functional.relu": (F.relu, [0.0]),
    "relu in place": (nn.ReLU(inplace=True), [0.0]),
    "tensor.relu_": (lambda z: (1.0 * z).relu_(), [0.0]),
    "leaky_relu": (lambda z: F.leaky_relu(z, 0.3), [0.0]),
    "leaky_relu module": (nn.LeakyReLU(0.2, inplace=True), [0.0]),
    "relu6": (lambda z: F.relu6(8.0 * z), [0.0, 6.0 / 8.0]),
    "hardtanh": (nn.Hardtanh(-0.3, 0.4), [-0.3, 0.4]),
    "torch.abs": (torch.abs, [0.0]),
    "abs": (abs, [0.0]),
    "clamp": (lambda z: z.clamp(-0.3, 0.4), [-0.3, 0.4]),
    "clamp by name": (lambda z: torch.clamp(z, max=0.4), [0.4]),
    "clamp from below": (lambda z: z.clamp(min=-0.3), [-0.3]),
    "clip": (lambda z: torch.clip(z, -0.3, 0.4), [-0.3, 0.4]),
    "clamp_min": (lambda z: z.clamp_min(-0.3), [-0.3]),
    "clamp_max": (lambda z: torch.clamp_max(z, 0.4), [0.4]),
}
PAIRWISE = {
    "max_pool1d": lambda z: F.max_pool1d(z, 2),
    "max_pool1d module": nn.MaxPool1d(2),
    "max_pool2d": lambda z: F.max_pool2d(z[:, None], (1, 2)),
    "max_pool2d module": lambda z: nn.MaxPool2d((1, 2))(z[:, None]),
    "max_pool3d": lambda z: F.max_pool3d(z[:, None, None], (1, 1, 2)),
    "adaptive_max_pool1d": lambda z: F.adaptive_max_pool1d(z, UNITS // 2),
    "adaptive_max_pool2d": lambda z: F.adaptive_max_pool2d(z[:, None], (1, UNITS // 2)),
}
UNITS = 12


class OneLayer(nn.Module):
    """A linear layer and a piecewise-linear op: units move on straight lines during a step."""

    def __init__(self, op):
        super().__init__()
        self.op = op
        self.layer = nn.Linear(5, UNITS)

    def forward(self, x):
        return self.op(self.layer(x)[:, None]).flatten(1)


def moving_units(model):
    """One sample, the ends of a step, and the units at both ends."""
    generator = torch.Generator().manual_seed(0)
    count = sum(parameter.numel() for parameter in model.parameters())
    ends = [0.5 * torch.randn(count, generator=generator, dtype=torch.float64) for _ in range(2)]
    x = torch.randn(1, 5, generator=generator, dtype=torch.float64)
    weights = [end[: UNITS * 5].view(UNITS, 5) for end in ends]
    biases = [end[UNITS * 5 :] for end in ends]
    units = [(w @ x[0] + b).numpy() for w, b in zip(weights, biases, strict=True)]
    return (x, torch.zeros(1)), ends, units


def pieces_between(crossings):
    """One node in each piece between the places in (0, 1) where a kink is crossed: exact."""
    inside = sorted(place for place in crossings if 0.0 < place < 1.0)
    assert len(inside) > 2
    edges = np.array([0.0, *inside, 1.0])
    return list(zip((edges[1:] + edges[:-1]) / 2, np.diff(edges), strict=True))


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_one_gradient_is_exact_where_units_move_on_straight_lines(name):
    op, thresholds = ELEMENTWISE[name]
    model = OneLayer(op).double()
    queries, ends, (start, stop) = moving_units(model)
    crossings = [place for t in thresholds for place in (t - start) / (stop - start)]
    where = model, all_outputs, queries, ends
    exact = averaged_by_nodes(*where, pieces_between(crossings))
    torch.testing.assert_close(averaged_by_engine(*where, ONE_GRADIENT), exact, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", PAIRWISE)
def test_one_gradient_is_exact_for_the_larger_of_two_units(name):
    model = OneLayer(PAIRWISE[name]).double()
    queries, ends, (start, stop) = moving_units(model)
    lead_at_start, lead_at_stop = start[::2] - start[1::2], stop[::2] - stop[1::2]
    crossings = lead_at_start / (lead_at_start - lead_at_stop)
    where = model, all_outputs, queries, ends
    exact = averaged_by_nodes(*where, pieces_between(crossings))
    torch.testing.assert_close(averaged_by_engine(*where, ONE_GRADIENT), exact, rtol=0, atol=1e-12)


def test_the_two_numbers_of_subintervals_are_extrapolated():
    """One and two midpoints with Richardson's weights integrate a cubic exactly."""
    model = OneLayer(lambda z: z**4).double()
    queries, ends, _ = moving_units(model)
    where = model, all_outputs, queries, ends
    exact = averaged_by_nodes(*where, gauss_legendre_nodes(2))
    torch.testing.assert_close(averaged_by_engine(*where, THREE_GRADIENTS), exact)


def test_a_smooth_network_is_left_alone_by_the_secant_rule():
    """Without piecewise-linear ops it is the plain midpoint rule."""
    model = OneLayer(torch.tanh).double()
    queries, ends, _ = moving_units(model)
    where = model, all_outputs, queries, ends
    expected = averaged_by_nodes(*where, midpoint_nodes(1))
    torch.testing.assert_close(averaged_by_engine(*where, ONE_GRADIENT), expected)
