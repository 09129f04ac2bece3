"""Streaming correlations against numpy's."""

import numpy as np
import pytest
import torch

from explaind.labelfree.units.streaming_correlation import StreamingCorrelation


@pytest.mark.parametrize("offset", [0.0, 1e6])
@pytest.mark.parametrize("block", [1, 7, 100])
def test_equals_the_dense_correlation_however_it_is_cut(block, offset):
    values = torch.randn(4, 100).double() + offset
    values[1] += values[0]
    streaming = StreamingCorrelation(4)
    for part in values.split(block, dim=1):
        streaming.add(part)
    np.testing.assert_allclose(streaming.correlations(), np.corrcoef(values), atol=1e-6)


def test_a_constant_variable_has_no_correlation():
    streaming = StreamingCorrelation(2)
    streaming.add(torch.stack([torch.ones(5), torch.arange(5.0)]))
    found = streaming.correlations()
    assert found[0].isnan().all()
    assert found[1, 1] == pytest.approx(1)
