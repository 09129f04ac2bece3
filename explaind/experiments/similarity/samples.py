"""What the samples of the similarity store are called, and what two of them have in common."""

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Bool

TRAINING, VALIDATION = "training", "validation"
SAME_CLASS, SAME_INPUT, OTHERS = "same class", "same input", "others"


def sample_table(store: xr.Dataset, data: xr.Dataset) -> pd.DataFrame:
    """Describe the samples.

    Args:
        store: the similarity store.
        data: the store of the dataset.

    Returns:
        One row per sample of the store: `split`, `index` (row of the split), `class` and `name` (no
        two alike); of modular addition also the numbers `a`, `b`, their `sum`, and `wraps`: 1 if
        that is p or more.
    """
    training = store["training"].to_numpy() == 1
    table = pd.DataFrame(
        {
            "split": np.where(training, TRAINING, VALIDATION),
            "index": store["index"].to_numpy(),
            "class": store["target"].to_numpy(),
        }
    )
    if data.attrs.get("kind") != "modulo":
        rows = zip(table["split"], table["index"], table["class"], strict=True)
        return table.assign(name=[f"{split} {row} (class {label})" for split, row, label in rows])
    splits = (("x_validation", ~training), ("x_train", training))
    tokens = np.concatenate([data[name].to_numpy()[table["index"][own]] for name, own in splits])
    a, b = tokens[:, 0], tokens[:, 2]
    names = [f"{x} + {y} = {z}" for x, y, z in zip(a, b, table["class"], strict=True)]
    wraps = (a + b >= data.attrs["p"]).astype(np.int64)
    return table.assign(name=names, a=a, b=b, sum=a + b, wraps=wraps)


def pair_groups(samples: pd.DataFrame) -> dict[str, Bool[np.ndarray, "sample other"]]:
    """Group the pairs of different samples by what they have in common.

    Args:
        samples: the table of `sample_table`.

    Returns:
        Which pairs are in each group: of the same class; of modular addition, of another class but
        with a number in common; the others.
    """
    different = ~np.eye(len(samples), dtype=bool)
    same = shares_class(samples) & different
    groups = {SAME_CLASS: same}
    shared = shares_input(samples)
    if shared is not None:
        groups[SAME_INPUT] = shared & ~same & different
    grouped = np.any(list(groups.values()), axis=0)
    return groups | {OTHERS: different & ~grouped}


def shares_class(samples: pd.DataFrame) -> Bool[np.ndarray, "sample other"]:
    """Return which pairs of samples have the same class."""
    classes = samples["class"].to_numpy()
    same: np.ndarray = np.equal.outer(classes, classes)
    return same


def shares_input(samples: pd.DataFrame) -> Bool[np.ndarray, "sample other"] | None:
    """Return which pairs of samples have a number in common; None where samples are no numbers."""
    if "a" not in samples:
        return None
    a, b = samples["a"].to_numpy(), samples["b"].to_numpy()
    pairs = ((a, a), (a, b), (b, a), (b, b))
    shared: np.ndarray = np.any([np.equal.outer(first, second) for first, second in pairs], axis=0)
    return shared
