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

from explaind.errors import ConfigError

PRECISIONS = ("float32", "float64", "tf32", "bf16")

SUMMED_TOGETHER = 64
"""Terms of a product that are summed in float32, before float64 takes over."""

CACHED = 2**18
"""Most sums at a time that stay in the cache; of more, four times as many terms are summed in
float32: with the memory to go through for every piece, float64 sums would take half of the time."""

TOLERANCE = {torch.float32: 1e-7, torch.float64: 1e-12}
"""Share of the momentum below which it counts as forgotten, by type of the computation."""


def dtype_of(precision: str) -> torch.dtype:
    """Type of the computation and of what is stored."""
    return torch.float64 if precision == "float64" else torch.float32


class Contraction:
    """Products of the adjoint with per-sample gradients.

    Args:
        precision: `tf32` and `bf16` round the factors to 11 and 8 significant bits; any other is
            the precision of the factors as they come.
        device: where the products are computed.

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
        self._product = precision

    @property
    def reduced(self) -> bool:
        """Whether factors are rounded."""
        return self.precision in {"tf32", "bf16"}

    @contextmanager
    def exact(self) -> Iterator[None]:
        """Take the products inside the block in full precision."""
        self._product = "float32"
        try:
            yield
        finally:
            self._product = self.precision

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
        terms = SUMMED_TOGETHER if place.numel() <= CACHED else 4 * SUMMED_TOGETHER
        if psi.dtype == torch.float64:
            terms = psi.shape[1]
        for start in range(0, psi.shape[1], terms):
            piece = slice(start, start + terms)
            place.add_(self._multiplied(gradient[:, piece], psi[:, piece].T))

    def _multiplied(
        self, left: Float[Tensor, "rows terms"], right: Float[Tensor, "terms query"]
    ) -> Float[Tensor, "rows query"]:
        if self._product == "bf16":
            return _product_of_bf16(left.bfloat16(), right.bfloat16())
        if self._product == "tf32":
            with _tf32():
                return left @ right
        return left @ right


def deviation(
    found: Float[Tensor, "component batch query"], exact: Float[Tensor, "component batch query"]
) -> Float[Tensor, ""]:
    """Largest relative deviation over the queries: `|found - exact| / |exact|`, Euclidean norms."""
    dims = (0, 1)
    size = torch.linalg.vector_norm(exact, dim=dims).clamp_min(torch.finfo(exact.dtype).tiny)
    relative: Tensor = torch.linalg.vector_norm(found - exact, dim=dims) / size
    return relative.max()


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
