"""Precision: the type of the computation, and how adjoint and gradients are multiplied.

Everything is computed and stored in float32 or float64 and summed over samples and steps in
float64. So are the long products of the adjoint with the gradients, piece by piece: their terms
cancel, and a float32 sum of ten thousand would be off in the same direction at every step. The
factors, most of the work for many queries, may be rounded to TF32 or bfloat16; only if asked for,
and the deviation is measured.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from explaind.config.choices import PRECISIONS
from explaind.errors import ConfigError

SUMMED_TOGETHER = 64
"""Terms of a product that are summed one after another in float32."""

PIECE = 16 * SUMMED_TOGETHER
"""Terms whose sums are added up in float32, before float64 takes over."""

BLOCK = (1024, 256)
"""Samples and queries whose sums are taken together on a CPU: they stay in the cache."""


def dtype_of(precision: str) -> torch.dtype:
    """Return the type of the computation and of what is stored."""
    return torch.float64 if precision == "float64" else torch.float32


class Contraction:
    """Products of the adjoint with per-sample gradients.

    Args:
        precision: `tf32` and `bf16` round the factors to 11 and 8 significant bits; any other is
            the precision of the factors as they come.
        device: where the products are computed.

    Attributes:
        precision: as given.

    Raises:
        ConfigError: for an unknown precision, or `tf32` without a GPU.
    """

    def __init__(self, precision: str = "float32", device: str | torch.device = "cpu") -> None:
        if precision not in PRECISIONS:
            raise ConfigError(f"precision: expected one of {PRECISIONS}, got {precision!r}.")
        if precision == "tf32" and torch.device(device).type != "cuda":
            raise ConfigError(
                f"precision: tf32 needs a GPU, but the device is {device}. Use float32 or bf16."
            )
        self.precision = precision

    @property
    def reduced(self) -> bool:
        """Whether factors are rounded."""
        return self.precision in {"tf32", "bf16"}

    def exact(self) -> "Contraction":
        """Return the same contraction with the factors as they come."""
        return Contraction("float32")

    def addmm_(
        self,
        place: Float64[Tensor, "rows query"],
        gradient: Float[Tensor, "rows size"],
        psi: Float[Tensor, "query size"],
    ) -> None:
        """Add the products of gradients and adjoint to `place`.

        Args:
            place: where to add.
            gradient: per-sample gradients of one parameter tensor.
            psi: adjoint of that tensor.
        """
        if psi.dtype == torch.float64:
            place.addmm_(gradient, psi.T)
            return
        for rows, queries in _blocks(place):
            for start in range(0, psi.shape[1], PIECE):
                piece = slice(start, start + PIECE)
                sums = self._summed(gradient[rows, piece], psi[queries, piece])
                place[rows, queries].add_(sums)

    def _summed(
        self, gradient: Float[Tensor, "rows size"], psi: Float[Tensor, "query size"]
    ) -> Float[Tensor, "rows query"]:
        """Products in float32: short sums first, then the sums of those."""
        sums = gradient.new_zeros(len(gradient), len(psi))
        for start in range(0, psi.shape[1], SUMMED_TOGETHER):
            terms = slice(start, start + SUMMED_TOGETHER)
            left, right = gradient[:, terms], psi[:, terms].T
            if self.precision == "bf16":
                sums.add_(_product_of_bf16(left.bfloat16(), right.bfloat16()))
            elif self.precision == "tf32":
                with _tf32():
                    sums.addmm_(left, right)
            else:
                sums.addmm_(left, right)
        return sums


def deviation(
    reduced: Float[Tensor, "component batch query"], exact: Float[Tensor, "component batch query"]
) -> Float[Tensor, ""]:
    """Largest relative deviation of reduced products over the queries.

    Args:
        reduced: influence of a batch by reduced products.
        exact: the same in full precision.

    Returns:
        The largest `|reduced - exact| / |exact|`, Euclidean norms over components and samples.
    """
    dims = (0, 1)
    size = torch.linalg.vector_norm(exact, dim=dims).clamp_min(torch.finfo(exact.dtype).tiny)
    relative: Tensor = torch.linalg.vector_norm(reduced - exact, dim=dims) / size
    return relative.max()


def _blocks(place: Float64[Tensor, "rows query"]) -> list[tuple[slice, slice]]:
    """Divide the sums into blocks that stay in the cache; a GPU does them all at once."""
    if place.is_cuda:
        return [(slice(None), slice(None))]
    rows, queries = BLOCK
    rows = max(rows, rows * queries // place.shape[1])  # few queries leave room for more samples
    return [
        (slice(row, row + rows), slice(query, query + queries))
        for row in range(0, place.shape[0], rows)
        for query in range(0, place.shape[1], queries)
    ]


def _product_of_bf16(
    gradient: Float[Tensor, "rows size"], psi: Float[Tensor, "size query"]
) -> Float[Tensor, "rows query"]:
    """Product of two bfloat16 matrices, summed and returned in float32."""
    if psi.is_cuda:
        return torch.mm(gradient, psi, out_dtype=torch.float32)
    return gradient.float() @ psi.float()  # products of bfloat16 numbers are exact in float32


@contextmanager
def _tf32() -> Iterator[None]:
    """Let the GPU round the factors of float32 products to TF32."""
    settings = torch.backends.cuda.matmul
    before = settings.fp32_precision
    settings.fp32_precision = "tf32"
    try:
        yield
    finally:
        settings.fp32_precision = before
