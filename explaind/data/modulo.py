"""Modular addition: every unordered pair `a >= b` below p, with target `(a + b) mod p`."""

import numpy as np
import xarray as xr

from explaind.config.dataset import ModuloDataset


def modulo_dataset(settings: ModuloDataset) -> xr.Dataset:
    """Generate the pairs and split them.

    Each sample is the token sequence `[a, +, b, =]` with the tokens `+` = p and `=` = p + 1.

    Args:
        settings: modulus, split and seed.

    Returns:
        `x_train`, `x_validation` `[sample, position]` and `y_train`, `y_validation` `[sample]`,
        int64; in attrs the number of `classes` (also the vocabulary size), p and the provenance.
    """
    p = settings.p
    a, b = np.tril_indices(p)
    order = np.random.default_rng(settings.seed).permutation(settings.pairs)
    train = order[: settings.train_size]
    validation = order[settings.train_size : settings.train_size + settings.validation_size]
    x = np.stack([a, np.full_like(a, p), b, np.full_like(a, p + 1)], axis=1).astype(np.int64)
    y = ((a + b) % p).astype(np.int64)
    text = "tokens [a, +, b, =] of each pair"
    return xr.Dataset(
        {
            "x_train": (("train", "position"), x[train], _described(text)),
            "y_train": (("train",), y[train], _described("(a + b) mod p")),
            "x_validation": (("validation", "position"), x[validation], _described(text)),
            "y_validation": (("validation",), y[validation], _described("(a + b) mod p")),
        },
        attrs={
            "kind": "modulo",
            "p": p,
            "classes": p + 2,
            "provenance": f"generated: all {settings.pairs} unordered pairs below {p}, split with"
            f" numpy default_rng({settings.seed})",
        },
    )


def _described(description: str) -> dict[str, str]:
    return {"units": "1", "description": description}
