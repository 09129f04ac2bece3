"""Look-up tables: embeddings."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from explaind.kernel.gradients.rule import LayerRule, Work


@dataclass(frozen=True, kw_only=True)
class EmbeddingRule(LayerRule):
    """One look-up of rows of a parameter; the layer output is the vectors looked up.

    Attributes:
        weight: name of the table.
        index: rows looked up, `[batch, ...]`.
        rows: number of rows of the table.
    """

    weight: str
    index: Int[Tensor, "batch ..."]
    rows: int

    @property
    def names(self) -> tuple[str, ...]:
        """The parameter used."""
        return (self.weight,)

    def gradients(
        self, name: str, delta: Float[Tensor, "output batch *rest"], rows: slice, parts: list[slice]
    ) -> Iterator[Float[Tensor, "rows output size"]]:
        """Yield the gradients of the table: output gradients added up at the rows looked up."""
        delta = delta[:, rows]
        outputs, batch, width = delta.shape[0], delta.shape[1], delta.shape[-1]
        vectors = delta.reshape(outputs, batch, -1, width).transpose(0, 1)
        index = self.index[rows].reshape(batch, 1, -1, 1)
        for part in parts:
            yield _added_up(vectors, index, part)

    def contraction(
        self,
        name: str,
        psi: Float[Tensor, "query size"],
        delta: Float[Tensor, "1 batch *rest"],
        rows: slice,
    ) -> Float[Tensor, "rows query"]:
        """Return `<psi, gradient>` row by row of the table: only rows that were looked up count."""
        width = delta.shape[-1]
        index = self.index[rows]
        vectors, sample = delta[0, rows].reshape(-1, width), _sample_of_place(index)
        order = index.reshape(-1).argsort()
        counts = _counts(index, self.rows)
        table = psi.view(len(psi), self.rows, width)
        groups = torch.split(vectors[order], list(counts.values()))
        products = [group @ table[:, row].T for row, group in zip(counts, groups, strict=True)]
        by_sample = delta.new_zeros(len(index), len(psi))
        return by_sample.index_add_(0, sample[order], torch.cat(products))

    def work(self, name: str, delta: Float[Tensor, "1 batch *rest"]) -> Work:
        """Return the work of forming and of contracting."""
        width = delta.shape[-1]
        places = delta[0, 0].numel() // width
        return Work(
            gradient=self.rows * width,
            read=places * width,
            forming=places * width,
            contracting=2 * places * width,
            between=places,
        )


def _counts(index: Int[Tensor, "rows ..."], rows: int) -> dict[int, int]:
    """How often rows of the table are looked up, if at all; ascending. Read at once, for a GPU."""
    flat = index.reshape(-1)
    counts = torch.zeros(rows, dtype=torch.int64, device=index.device)
    counts.index_add_(0, flat, torch.ones_like(flat))
    return {row: count for row, count in enumerate(counts.tolist()) if count}


def _added_up(
    vectors: Float[Tensor, "rows output place width"],
    index: Int[Tensor, "rows 1 place 1"],
    part: slice,
) -> Float[Tensor, "rows output size"]:
    """Sums of the vectors that belong to each of some rows of the table."""
    batch, outputs, _, width = vectors.shape
    entry = index - part.start
    inside = (entry >= 0) & (entry < part.stop - part.start)
    table = vectors.new_zeros(batch, outputs, part.stop - part.start, width)
    place = entry.where(inside, 0).expand_as(vectors)
    return table.scatter_add_(2, place, vectors * inside).flatten(2)


def _sample_of_place(index: Int[Tensor, "rows ..."]) -> Int[Tensor, " place"]:
    """The sample that each place of a flattened index belongs to."""
    samples = torch.arange(len(index), device=index.device)
    return samples.repeat_interleave(index[0].numel())
