"""Precision: what is computed and stored, and what reduced products deviate by."""

import numpy as np
import pytest
import torch
from torch.optim import AdamW

import explaind
from explaind.choices import OUTPUT_ARRAYS
from explaind.errors import ConfigError
from explaind.kernel.contraction import precision
from explaind.kernel.contraction.precision import Contraction, dtype_of, reduction_error
from tests.kernel.engine import SMOOTH, record
from tests.oracles.problems import Problem

PROBLEM = Problem("adamw", lambda model: AdamW(model.parameters(), lr=0.05, weight_decay=0.5))


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """A path kernel in a precision of the config, over one recorded run in float32."""
    store = tmp_path_factory.mktemp("history") / "run.zarr"
    x, y = PROBLEM.train_data()
    model = record(PROBLEM, store, model=PROBLEM.model().float(), data=(x.float(), y))

    def made(precision):
        return explaind.PathKernel(
            store,
            model,
            PROBLEM.loss_fn,
            (x, y),
            quadrature=SMOOTH,
            dtype=dtype_of(precision),
            contraction=Contraction(precision),
        )

    return made


@pytest.fixture(scope="module")
def found(kernel):
    x, y = PROBLEM.test_data()
    return {
        precision: kernel(precision).explain(x, y, keep=OUTPUT_ARRAYS)
        for precision in ("float32", "float64", "bf16")
    }


def test_stored_types_follow_the_precision(found):
    small = {name for name, array in found["float32"].items() if array.dtype == np.float32}
    assert small >= {"influence", "influence_by_interval", "parameter_data", "helpful_influence"}
    assert found["float32"].data.dtype == np.float64  # sums are float64 in any precision
    assert all(found["float64"][name].dtype == np.float64 for name in small)
    assert [found[name].attrs["precision"] for name in found] == ["float32", "float64", "bf16"]


def test_float32_is_close_to_float64_and_float64_closes(found):
    exact, single = found["float64"].influence, found["float32"].influence
    scale = float(np.abs(exact).max())
    difference = float(np.abs(single - exact).max()) / scale
    assert 1e-9 < difference < 1e-5
    assert found["float64"].attrs["precision_error"] == 0.0
    assert found["float32"].attrs["precision_error"] == 0.0
    assert np.abs(found["float64"].rounding).max() < 1e-7  # rounded by the training, not by us


def test_bf16_deviates_by_what_is_recorded(found):
    """8 significant bits: 2^-9 per factor at most; only the products are reduced."""
    recorded = found["bf16"].attrs["precision_error"]
    assert 1e-5 < recorded < 2**-7
    exact = found["float32"].influence
    norm = np.linalg.norm(exact, axis=-1)
    measured = float((np.linalg.norm(found["bf16"].influence - exact, axis=-1) / norm).max())
    assert recorded / 5 < measured < 5 * recorded
    np.testing.assert_array_equal(found["bf16"].step_data, found["float32"].step_data)


def test_bf16_products_are_those_of_rounded_factors_summed_in_float32():
    gradient, psi = torch.randn(5, 3000), torch.randn(4, 3000)
    place = torch.ones(5, 4, dtype=torch.float64)
    Contraction("bf16").addmm_(place, gradient, psi)
    expected = 1 + gradient.bfloat16().double() @ psi.bfloat16().double().T
    torch.testing.assert_close(place, expected, rtol=0, atol=1e-3)
    assert (place - place.bfloat16()).abs().max() > 1e-2  # the sum is not rounded


def test_long_products_that_cancel_are_summed_in_float64():
    """Pairs of terms that differ by 1e-4, far apart: a float32 sum in one go loses them."""
    terms = 40_000
    half = torch.rand(1, terms // 2) + 1
    gradient = torch.cat([half, -half * (1 + 1e-4)], 1)
    psi = torch.ones(1, terms)
    place = torch.zeros(1, 1, dtype=torch.float64)
    Contraction().addmm_(place, gradient, psi)
    exact = gradient.double() @ psi.double().T
    at_once = torch.zeros(1).double()
    for term in gradient[0]:
        at_once = (at_once.float() + term).double()
    assert (place - exact).abs().item() < 1e-3 * exact.abs().item()
    assert (at_once - exact).abs().item() > 1e-3 * exact.abs().item()


@pytest.mark.parametrize("shape", [(5, 3, 700), (130, 70, 300), (130, 2, 300), (1, 70, 129)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_products_in_blocks_and_pieces_are_added_once_each(shape, dtype, monkeypatch):
    monkeypatch.setattr(precision, "BLOCK", (32, 16))
    monkeypatch.setattr(precision, "PIECE", 2 * precision.SUMMED_TOGETHER)
    rows, queries, size = shape
    gradient, psi = torch.randn(rows, size, dtype=dtype), torch.randn(queries, size, dtype=dtype)
    place = torch.randn(rows, queries, dtype=torch.float64)
    expected = place + gradient.double() @ psi.double().T
    Contraction().addmm_(place, gradient, psi)
    limit = 200 * torch.finfo(dtype).eps
    torch.testing.assert_close(place, expected, rtol=limit, atol=limit)


def test_an_exact_copy_leaves_the_contraction_as_it_is():
    reduced = Contraction("bf16")
    gradient, psi = torch.randn(3, 50), torch.randn(2, 50)

    def product(contraction):
        place = torch.zeros(3, 2, dtype=torch.float64)
        contraction.addmm_(place, gradient, psi)
        return place.float()

    expected = (gradient.double() @ psi.double().T).float()
    torch.testing.assert_close(product(reduced.exact()), expected, rtol=1e-5, atol=1e-5)
    assert not torch.allclose(product(reduced), expected, rtol=1e-5, atol=1e-5)


def test_reduction_error_is_that_of_the_worst_query():
    exact = torch.ones(2, 3, 2, dtype=torch.float64)
    found = exact.clone()
    found[:, :, 1] *= 1.25
    assert float(reduction_error(found, exact)) == 0.25
    assert float(reduction_error(exact * 0, exact * 0)) == 0.0


def test_tf32_without_a_gpu_is_refused():
    with pytest.raises(ConfigError, match="tf32 needs a GPU, but the device is cpu"):
        Contraction("tf32", "cpu")
    with pytest.raises(ConfigError, match="precision: expected one of"):
        Contraction("fp8")


def test_tf32_is_switched_on_for_the_product_only(monkeypatch):
    """The setting around the product, on a device that needs no GPU to be named."""
    before = torch.backends.cuda.matmul.fp32_precision
    seen = []
    real = torch.Tensor.baddbmm_

    def watched(self, left, right, **factors):
        seen.append(torch.backends.cuda.matmul.fp32_precision)
        return real(self, left, right, **factors)

    monkeypatch.setattr(torch.Tensor, "baddbmm_", watched)
    place = torch.zeros(2, 2, dtype=torch.float64)
    Contraction("tf32", "cuda").addmm_(place, torch.ones(2, 3), torch.ones(2, 3))
    assert seen == ["tf32"]
    assert torch.backends.cuda.matmul.fp32_precision == before
