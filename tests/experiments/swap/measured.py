"""A store as the experiment would write it, made by hand."""

import numpy as np
import xarray as xr

SETS = ("nothing", "a + b", "a", "all but a")
COMPONENTS = ("a", "b", "c", "d")
STEPS = (0, 50, 100, 150)
ACCURACY = {  # of the validation split
    "nothing": (0.0, 0.1, 0.5, 1.0),
    "a + b": (0.0, 0.4, 0.99, 1.0),
    "a": (0.2, 0.1, 0.3, 1.0),
    "all but a": (1.0, 0.5, 1.0, 1.0),
}


def swap_store():
    """Accuracies as above, 0.1 more on training samples; KL is 2 - 2 accuracy."""
    validation = np.array([ACCURACY[name] for name in SETS])
    accuracy = np.stack([np.minimum(validation + 0.1, 1.0), validation])
    dims = ("split", "swapped", "checkpoint")
    taken = [[name in chosen for name in COMPONENTS] for chosen in ("", "ab", "a", "bcd")]
    confusion = np.zeros((2, len(SETS), 3, 3), dtype=np.int32)
    confusion[:, :, range(3), range(3)] = 4
    confusion[0, 0, 0] = (1, 0, 3)
    return xr.Dataset(
        {
            "accuracy": (dims, accuracy),
            "agreement": (dims, accuracy),
            "kl": (dims, 2 - 2 * accuracy),
            "taken": (("swapped", "component"), np.array(taken)),
            "step": ("checkpoint", np.array(STEPS)),
            "confusion": (("moment", "swapped", "true", "predicted"), confusion),
            "confusion_step": ("moment", np.array([50, 100])),
        },
        coords={
            "split": ["train", "validation"],
            "swapped": list(SETS),
            "component": list(COMPONENTS),
        },
    )
