"""What crosses between host and device while a run is explained."""

import pytest
from torch.optim import SGD

import explaind
from explaind.kernel.query.quadrature import Quadrature
from tests.devices.test_kernel import PROBLEMS
from tests.kernel.engine import record

STEPS = 6
ONCE = Quadrature(rule="secant", tolerance=1e9)  # no sample is integrated again


@pytest.fixture(params=PROBLEMS)
def explained(request, tmp_path, traffic):
    """Explain the samples of a problem, repeated; returns what crossed in all steps."""
    kind = {"optimizer": lambda model: SGD(model.parameters(), lr=0.05, momentum=0.9)}
    problem = PROBLEMS[request.param].but(steps=STEPS, **kind)
    model = record(problem, tmp_path / "h.zarr")
    options = {"quadrature": ONCE, "penalty": problem.penalty, "device": "sim"}
    data = problem.train_data()
    kernel = explaind.PathKernel(tmp_path / "h.zarr", model, problem.loss_fn, data, **options)
    kernel.explain(*problem.test_data(), segment=(0, 2))  # which makes the self-checks

    def crossed(repeats, segment):
        x, y = (part.repeat(repeats, *[1] * (part.dim() - 1)) for part in problem.test_data())
        traffic.clear()
        kernel.explain(x, y, keep=("influence", "component"), segment=segment)
        return dict(traffic)

    return crossed


def test_at_most_two_reads_a_step(explained):
    """The steps of a half are those that a whole has more."""
    whole, half = (explained(1, segment) for segment in ((0, 1), (0, 2)))
    assert whole["reads"] - half["reads"] <= 2 * (STEPS // 2)


def test_nothing_grows_with_the_queries(explained):
    assert explained(5, (0, 1)) == explained(1, (0, 1))
