"""Every computing function of the kernel on a device that is not the CPU, equal to the CPU."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import SGD, AdamW

import explaind
from explaind.choices import OUTPUT_ARRAYS
from explaind.store import open_sealed
from tests.kernel.engine import record
from tests.kernel.layers import layer_models
from tests.oracles.problems import Problem, images, tokens, vectors
from tests.oracles.smooth_models import CLASSES, FEATURES, VOCABULARY


class OfTokens(nn.Module):
    """An embedding, attention without a layer rule, and ReLU."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCABULARY, 6)
        self.query = nn.Parameter(0.3 * torch.randn(6))
        self.hidden, self.head = nn.Linear(6, 8), nn.Linear(8, VOCABULARY)

    def forward(self, x):
        """Attend to the tokens."""
        vectors = self.embed(x)
        weights = (vectors @ self.query).softmax(1)
        return self.head(torch.relu(self.hidden((weights[..., None] * vectors).sum(1))))


def of_images():
    """Convolution, normalisation and pooling."""
    return nn.Sequential(
        *(nn.Conv2d(1, 3, 3), nn.LayerNorm((3, 4, 4)), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(12, CLASSES)),
    )


def penalty(parameters):
    """Half the squared norm, slightly."""
    return 1e-3 * sum(tensor.square().sum() for tensor in parameters.values())


def adamw(model):
    """Biases in a group of their own."""
    weights = [tensor for tensor in model.parameters() if tensor.dim() > 1]
    others = [tensor for tensor in model.parameters() if tensor.dim() <= 1]
    groups = [{"params": weights, "weight_decay": 0.3}, {"params": others, "weight_decay": 0.0}]
    return AdamW(groups, lr=0.03)


def momentum(model):
    """With coupled decay."""
    return SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=0.1)


PROBLEMS = {
    "tokens": Problem("tokens", adamw, make_model=OfTokens, make_data=tokens),
    "images": Problem("images", momentum, make_model=of_images, make_data=images),
    "vectors": Problem(
        "vectors",
        momentum,
        make_model=lambda: nn.Sequential(
            nn.Linear(FEATURES, 7), nn.LeakyReLU(), nn.Linear(7, CLASSES)
        ),
        make_data=vectors,
        penalty=penalty,
        max_norm=0.5,
    ),
}


@pytest.fixture(params=PROBLEMS)
def problem(request):
    return PROBLEMS[request.param].but(steps=3)


def on(device, problem, store, model):
    """The path kernel of a recorded problem."""
    data = problem.train_data()
    kind = {"penalty": problem.penalty, "device": device}
    return explaind.PathKernel(store, model, problem.loss_fn, data, **kind)


def same(found, expected):
    assert set(found) == set(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)


@pytest.mark.parametrize(
    ("outputs", "credit"),
    [
        ("all", "application_step"),
        pytest.param("target_logprob", "gradient_step", marks=pytest.mark.long),
    ],
)
def test_explain_with_every_array(problem, outputs, credit, tmp_path, traffic):
    model = record(problem, tmp_path / "h.zarr")
    options = {"intervals": 2, "credit": credit, "keep": OUTPUT_ARRAYS, "top": 3, "block": 2}
    of_cpu, of_device = (
        on(device, problem, tmp_path / "h.zarr", model).explain(
            *problem.test_data(), outputs, **options
        )
        for device in ("cpu", "sim")
    )
    same(of_device, of_cpu)
    assert of_device.attrs["computed_device"] == "sim"


def test_parameter_influence_and_reformulation(problem, tmp_path, traffic):
    model = record(problem, tmp_path / "h.zarr")
    kernels = [on(device, problem, tmp_path / "h.zarr", model) for device in ("cpu", "sim")]
    of_cpu, of_device = (kernel.parameter_influence(*problem.test_data()) for kernel in kernels)
    same(of_device, of_cpu)
    of_cpu, of_device = (kernel.reformulate(*problem.test_data()) for kernel in kernels)
    same(of_device, of_cpu)


@pytest.mark.parametrize("every", [pytest.param(1, marks=pytest.mark.long), 2])
def test_recording_and_replay(problem, every, tmp_path, traffic):
    stores = {device: tmp_path / f"{device}.zarr" for device in ("cpu", "sim")}
    models = {}
    for device, store in stores.items():
        models[device] = problem.model().to(device)
        data = tuple(part.to(device) for part in problem.train_data())
        record(problem, store, model=models[device], data=data, every=every)
    of_cpu, of_device = (open_sealed(store).load() for store in stores.values())
    same(of_device, of_cpu)
    explained = [
        on(device, problem, store, models[device]).explain(*problem.test_data())
        for device, store in stores.items()
    ]
    same(*explained)


@pytest.mark.parametrize("layer", ["grouped", "line", "rms_norm", "products", "tied"])
def test_layers(layer, tmp_path, traffic):
    problem = Problem(
        layer,
        momentum,
        make_model=lambda: layer_models()[layer],
        make_data=lambda count, seed: (
            torch.randn(count, 20, generator=torch.Generator().manual_seed(seed)).double(),
            torch.arange(count) % 2,
        ),
        steps=2,
    )
    model = record(problem, tmp_path / "h.zarr")
    of_cpu, of_device = (
        on(device, problem, tmp_path / "h.zarr", model).explain(*problem.test_data())
        for device in ("cpu", "sim")
    )
    same(of_device, of_cpu)
