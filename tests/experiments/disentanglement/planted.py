"""A store of the experiment with known effects."""

import numpy as np
import xarray as xr

from explaind.experiments.disentanglement.tables import METRICS

BETAS = (1.0, 1.0, 1.0, 10.0, 10.0, 10.0)


def store(pearson, active_pearson, collapsed=0):
    """Six models of one loss, three for each of two betas; some units of the last collapsed."""
    values = np.stack([pearson, active_pearson], 1).astype(float)
    kl = np.full((6, 3), 2.0)
    kl[-1, :collapsed] = 0.01
    images = np.random.default_rng(0).random((2, 1, 4, 4), dtype=np.float32)
    maps = np.random.default_rng(1).random((6, 2, 3, 4, 4), dtype=np.float32)
    return xr.Dataset(
        {
            **dict.fromkeys(METRICS, (("model", "scope"), values)),
            "kl": (("model", "unit"), kl),
            "active": (("model", "unit"), kl > 0.05),
            "beta": ("model", list(BETAS)),
            "tc": ("model", [False] * 6),
            "maps": (("model", "image", "unit", "row", "column"), maps),
            "images": (("image", "channel", "row", "column"), images),
        },
        coords={
            "scope": ["all", "active"],
            "model": [
                f"{name} {replicate}" for name in ("small", "large") for replicate in range(3)
            ],
        },
        attrs={"limit": 0.05},
    )
