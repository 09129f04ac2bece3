"""The plain node rules on integrals known in closed form."""

import pytest
import torch

from tests.oracles.dense_midpoint import averaged_gradient, gauss_legendre_nodes, midpoint_nodes


@pytest.mark.parametrize(
    "nodes", [midpoint_nodes(7), gauss_legendre_nodes(3), gauss_legendre_nodes(2, 4)]
)
def test_weights_add_up_to_one_inside_the_segment(nodes):
    assert sum(weight for _, weight in nodes) == pytest.approx(1.0, abs=1e-14)
    assert all(0.0 < position < 1.0 for position, _ in nodes)


def test_gauss_legendre_integrates_a_cubic_gradient_exactly():
    weight = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    start, stop = torch.tensor([-1.0]).double(), torch.tensor([3.0]).double()
    average = averaged_gradient(lambda: weight**4, [weight], start, stop, gauss_legendre_nodes(2))
    assert average.item() == pytest.approx((3.0**4 - 1.0) / 4.0, abs=1e-12)


def test_midpoint_finds_the_share_of_the_segment_on_each_side_of_a_kink():
    weight = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    start, stop = torch.tensor([-1.0]).double(), torch.tensor([3.0]).double()
    average = averaged_gradient(weight.abs, [weight], start, stop, midpoint_nodes(400))
    assert average.item() == pytest.approx(0.75 - 0.25, abs=1e-12)


def test_one_row_for_each_output_and_zero_for_an_unused_parameter():
    used, unused = (torch.ones(2, dtype=torch.float64, requires_grad=True) for _ in range(2))
    start, stop = torch.zeros(4).double(), torch.ones(4).double()
    average = averaged_gradient(lambda: used**2, [used, unused], start, stop, midpoint_nodes(3))
    expected = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]]).double()
    torch.testing.assert_close(average, expected)
