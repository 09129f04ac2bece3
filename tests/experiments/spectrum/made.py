"""The table of a spectrum experiment, made by hand."""

import numpy as np
import pandas as pd


def rows(source, component, interval, key, functional=""):
    """The waves of one matrix with one key frequency."""
    frequency = np.arange(1, 6)
    share = np.where(frequency == key, 0.84, 0.04)
    case = {"source": source, "component": component, "functional": functional}
    step = 10 * interval
    return pd.DataFrame(
        {"frequency": frequency, "share": share, "cosine": share, "sine": 0.0, "explained": 0.5}
        | {"lasso_cosine": np.where(frequency == key, 0.3, 0), "lasso_sine": 0.0, **case}
        | {"lasso_share": 1.0 * (frequency == key)}
        | {"interval": interval, "start": step, "stop": step}
    )


SPECTRUM = pd.concat(
    [
        *(rows("weights", name, k, key) for k in range(3) for name, key in (("e", 2), ("d", 4))),
        *(
            rows("similarity", "e", k, 3, f)
            for k in range(2)
            for f in ("output_sum", "target_logprob")
        ),
        rows("influence", "e", 0, 5),
    ],
    ignore_index=True,
)
