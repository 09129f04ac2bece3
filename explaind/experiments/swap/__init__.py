"""Which components of the trained network make an earlier one work?"""

from explaind.experiments.spec import Computed, Shown, Spec
from explaind.experiments.swap.settings import SwapSettings

SPEC = Spec(
    name="swap",
    title="Swapping in final components",
    summary="Components of the network at every stage of its training are replaced by those of the "
    "trained network: which of them make it generalise early?",
    settings=SwapSettings,
    computed=Computed(reads=("dataset", "history"), suffix="zarr"),
    shown=Shown(tables=("curves.csv", "gains.csv", "confusion.parquet"), reads=("metrics",)),
)
