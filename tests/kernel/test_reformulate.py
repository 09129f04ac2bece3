"""What the data did in all is the same with and without the training side."""

import numpy as np
import pytest
from torch.optim import AdamW

import explaind
from tests.kernel.engine import SMOOTH, record
from tests.oracles.problems import Problem

PROBLEM = Problem("adamw", lambda model: AdamW(model.parameters(), lr=0.05, weight_decay=0.5))

# forward-mode derivatives load torch's own scripted functions
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    store = tmp_path_factory.mktemp("history") / "run.zarr"
    model = record(PROBLEM, store)
    return explaind.PathKernel(
        store, model, PROBLEM.loss_fn, PROBLEM.train_data(), quadrature=SMOOTH
    )


@pytest.fixture(scope="module")
def explained(kernel):
    keep = ["step_component", "parameter"]
    return kernel.explain(*PROBLEM.test_data(), "all", keep=keep)


@pytest.mark.parametrize("block", [1, 2, 256])
def test_reformulated_outputs_are_those_of_the_explanation(kernel, explained, block):
    rebuilt = kernel.reformulate(*PROBLEM.test_data(), block=block)
    for name, sums in (("data", "step_data"), ("decay", "step_decay")):
        expected = explained[sums].sum("step").values
        np.testing.assert_allclose(rebuilt[name], expected, rtol=1e-9, atol=1e-13)
        means = np.abs(explained[sums]).mean(("test", "output"))
        np.testing.assert_allclose(rebuilt[f"step_{name}_mean_abs"], means, rtol=1e-9, atol=1e-13)
    total = rebuilt.reformulated + rebuilt.residual
    np.testing.assert_allclose(total, rebuilt.true, rtol=1e-12)


def test_influence_through_parameters_is_that_of_the_explanation(kernel, explained):
    found = kernel.parameter_influence(*PROBLEM.test_data())
    net = explained.parameter_data.sum("interval")
    np.testing.assert_allclose(found.net, net, rtol=1e-9, atol=1e-13)
    assert (found.absolute >= np.abs(found.net) - 1e-15).all()
    assert float((found.absolute - np.abs(found.net)).max()) > 1e-6


@pytest.mark.parametrize("block", [1, 2, 256])
@pytest.mark.parametrize("intervals", [1, 3])
@pytest.mark.parametrize("parts", [("data",), ("data", "decay")])
def test_influence_by_interval_is_that_of_the_explanation(kernel, block, intervals, parts):
    x, y = PROBLEM.test_data()
    expected = kernel.explain(x, y, "all", keep=["parameter"], intervals=intervals)
    found = kernel.parameter_influence_by_interval(
        x, y, "all", intervals=intervals, parts=parts, block=block
    )
    numbers = []
    for interval, sums in found:
        numbers.append(interval)
        for part, values in zip(parts, sums, strict=True):
            wanted = expected[f"parameter_{part}"][interval]
            np.testing.assert_allclose(values, wanted, rtol=1e-9, atol=1e-13)
    assert numbers == list(reversed(range(intervals)))
