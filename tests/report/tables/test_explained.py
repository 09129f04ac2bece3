"""What pages say of the explained output."""

import numpy as np
import pytest

from explaind.report.tables.explained import explained_output
from explaind.report.tables.phases import find_phases
from tests.report.synthetic import SyntheticRun, influence_dataset, metrics


@pytest.mark.parametrize("credit", ["gradient_step", "application_step"])
def test_it_is_that_of_the_store(credit):
    case, random = SyntheticRun(p=3, steps=400, credit=credit), np.random.default_rng(0)
    influence, table = influence_dataset(case, random), metrics(case, random)
    found = explained_output(influence, table)
    assert (found.output, found.unit) == ("the log-probability of the correct class", "nat")
    assert found.credit == credit
    assert found.phases == find_phases(table)
    assert found.phases.memorisation is not None
    net = found.cancellation["net"].iloc[2]
    assert net == pytest.approx(found.completeness["data"].mean(), rel=1e-4)
