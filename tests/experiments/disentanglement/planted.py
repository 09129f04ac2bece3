"""A store of the experiment with known effects."""

import numpy as np
import xarray as xr

from explaind.experiments.disentanglement.tables import METRICS

BETAS = (1.0, 10.0)


def store(pearson, active_pearson, collapsed=0):
    """Models of one loss, half of them for each beta; some units of the last collapsed."""
    values, models = np.stack([pearson, active_pearson], 1).astype(float), len(pearson)
    trainings = models // len(BETAS)
    kl = np.full((models, 3), 2.0)
    kl[-1, :collapsed] = 0.01
    images = np.random.default_rng(0).random((2, 1, 4, 4), dtype=np.float32)
    maps = np.random.default_rng(1).random((models, 2, 3, 4, 4), dtype=np.float32)
    return xr.Dataset(
        {
            **dict.fromkeys(METRICS, (("model", "scope"), values)),
            "kl": (("model", "unit"), kl),
            "active": (("model", "unit"), kl > 0.05),
            "beta": ("model", np.repeat(BETAS, trainings)),
            "tc": ("model", [False] * models),
            "maps": (("model", "image", "unit", "row", "column"), maps),
            "images": (("image", "channel", "row", "column"), images),
        },
        coords={
            "scope": ["all", "active"],
            "model": [
                f"{name} {replicate}"
                for name in ("small", "large")
                for replicate in range(trainings)
            ],
        },
        attrs={"limit": 0.05},
    )
