"""Precision: the type of the computation, and how adjoint and gradients are multiplied.

Everything is computed and stored in float32 or float64 and summed over samples and steps in
float64. So are the long products of the adjoint with the gradients, piece by piece: their terms
cancel, and a float32 sum of ten thousand would be off in the same direction at every step. The
factors, most of the work for many queries, may be rounded to TF32 or bfloat16; only if asked for,
and the error is measured.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from explaind.choices import PRECISIONS
from explaind.errors import ConfigError

SUMMED_TOGETHER = 64
"""Terms of a product that are summed one after another in float32."""

PIECE = 16 * SUMMED_TOGETHER
"""Terms whose sums are added up one by one in float32, before float64 takes over."""

BLOCK = (1024, 256)
"""Samples and queries whose sums are taken together on a CPU: they stay in the cache."""

SUMS_TOGETHER = BLOCK[0] * BLOCK[1]
"""Short sums taken by one call: few samples and queries leave room for more than one each."""


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
            together = SUMS_TOGETHER // place[rows, queries].numel() * SUMMED_TOGETHER
            width = max(PIECE, together)
            for start in range(0, psi.shape[1], width):
                piece = slice(start, start + width)
                sums = self._summed(gradient[rows, piece], psi[queries, piece])
                place[rows, queries].add_(sums)

    def _summed(
        self, gradient: Float[Tensor, "rows size"], psi: Float[Tensor, "query size"]
    ) -> Float[Tensor, "rows query"]:
        """Products in float32: short sums first, then the sums of those."""
        count, rest = divmod(psi.shape[1], SUMMED_TOGETHER)
        whole = psi.shape[1] - rest
        left, right = (
            matrix[:, :whole].view(len(matrix), count, SUMMED_TOGETHER).transpose(0, 1)
            for matrix in (gradient, psi)
        )
        at_once = max(1, min(count, SUMS_TOGETHER // (len(gradient) * len(psi))))
        sums = gradient.new_empty(at_once, len(gradient), len(psi))
        for start in range(0, count, at_once):
            terms = slice(start, start + at_once)
            self._add_products(sums[: count - start], left[terms], right[terms], start == 0)
        if rest:
            last = gradient[None, :, whole:], psi[None, :, whole:]
            self._add_products(sums[:1], *last, count == 0)
        return sums.sum(0) if at_once > 1 else sums[0]

    def _add_products(
        self,
        sums: Float[Tensor, "sum rows query"],
        gradient: Float[Tensor, "sum rows term"],
        psi: Float[Tensor, "sum query term"],
        first: bool,
    ) -> None:
        """Add the products of a few terms to each short sum, factors rounded as asked for.

        Args:
            sums: the short sums.
            gradient: factors.
            psi: factors.
            first: whether to write the products to the sums, whatever is there.
        """
        if self.precision == "bf16":
            products = _product_of_bf16(gradient.bfloat16(), psi.bfloat16().mT)
            torch.add(products, 0.0 if first else sums, out=sums)
            return
        with _tf32() if self.precision == "tf32" else nullcontext():
            sums.baddbmm_(gradient, psi.mT, beta=0.0 if first else 1.0)


def reduction_error(
    reduced: Float[Tensor, "component batch query"], exact: Float[Tensor, "component batch query"]
) -> Float[Tensor, ""]:
    """Largest relative error of reduced products over the queries.

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
    gradient: Float[Tensor, "sum rows term"], psi: Float[Tensor, "sum term query"]
) -> Float[Tensor, "sum rows query"]:
    """Products of bfloat16 matrices, summed and returned in float32."""
    if psi.is_cuda:
        return torch.bmm(gradient, psi, out_dtype=torch.float32)
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
