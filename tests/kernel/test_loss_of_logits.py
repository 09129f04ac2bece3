"""Log-probabilities with nll, and logits with cross-entropy, are the same training."""

import numpy as np
import torch

from explaind.kernel.query.quadrature import Quadrature
from explaind.models.resnet9 import ResNet9
from explaind.training.task import cross_entropy, nll
from tests.kernel.engine import record_and_explain
from tests.oracles.problems import Problem
from tests.oracles.smooth_models import CLASSES

ONE_NODE = Quadrature(rule="midpoint", subintervals=1, tolerance=None)


def images(count, seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(count, 1, 11, 11, generator=generator, dtype=torch.float64)
    return x, torch.randint(CLASSES, (count,), generator=generator)


def explained(log_softmax, loss_fn, folder):
    problem = Problem(
        loss_fn.__name__,
        lambda model: torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9),
        make_model=lambda: ResNet9(1, CLASSES, 2, log_softmax),
        make_data=images,
        loss_fn=loss_fn,
        steps=6,
    )
    return record_and_explain(problem, folder, quadrature=ONE_NODE)


def test_influence_on_log_probabilities_is_the_same(tmp_path):
    log, raw = explained(True, nll, tmp_path), explained(False, cross_entropy, tmp_path)
    for name in ("influence_by_component", "decay", "final_output"):
        np.testing.assert_allclose(raw[name], log[name], rtol=1e-9, atol=1e-12, err_msg=name)
    assert float(np.abs(log.influence).max()) > 1e-6
