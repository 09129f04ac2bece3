"""The arrays of a history store.

Layout of `history.zarr` (dims; one row per step unless said otherwise):

| array | dims | meaning |
|---|---|---|
| params | step_point, param | parameters `theta_s`, `s = 0..S` (one row more than steps) |
| second_moment | step, param | what the step divided by (Adam-like optimizers only) |
| coefficient | step, group, scalar | the scalars of `history.optimizers.COEFFICIENTS` |
| clip | step | gradient-clipping factor `kappa_s` |
| metric_{name} | step_point | a logged number that describes `theta_s` |
| sample_checksum | sample | checksum of every training sample, -1 = never in a batch |
| batch | step, slot | training-sample index in each batch slot, -1 where a batch is shorter |

A thinned history has no `second_moment`, and in place of all parameters

| array | dims | meaning |
|---|---|---|
| params | snapshot, param | `theta_s` at `s = 0, every, 2 every, ...` and at `S` |
| state_{name} | snapshot, param | the optimizer's state there, NaN where it keeps none |
| params_checksum | step_point | crc32c of the stored bytes of `theta_s` |
| setting | step, group, option | the options of the optimizer |
| max_norm | step | what the gradient was clipped to, infinity without clipping |
| threads | step | threads of torch, on which sums of float32 depend |

Beside them `constants.pt` (frozen parameters and buffers), and until the store is sealed
`checkpoint.pt`: the model and optimizer state at the last chunk boundary, from which an interrupted
run goes on.
"""

from dataclasses import dataclass

from explaind.history.optimizers import COEFFICIENTS
from explaind.store import ArraySpec

CHECKSUMS_PER_CHUNK = 2**16


@dataclass(frozen=True)
class HistorySchema:
    """What the arrays of a history store depend on.

    Attributes:
        parameters: number of parameters.
        dtype: numpy type of the parameters.
        groups: number of parameter groups.
        adaptive: whether the optimizer keeps a second moment.
        chunk: steps per chunk, a multiple of `every`.
        every: steps between snapshots; 1 = every point is stored.
        slots: largest number of samples in a batch.
        metrics: names of the numbers logged for each point of the path.
        states: names of the tensors that the optimizer keeps for each parameter.
        options: names of the optimizer's numeric options.
    """

    parameters: int
    dtype: str
    groups: int
    adaptive: bool
    chunk: int
    every: int
    slots: int
    metrics: tuple[str, ...]
    states: tuple[str, ...]
    options: tuple[str, ...]

    def arrays(self) -> dict[str, ArraySpec]:
        """The arrays by name, all with zero rows."""
        return self._common() | (self._full() if self.every == 1 else self._thinned())

    def steps_per_row(self, array: str) -> int:
        """Steps between the rows of an array: 1, or `every` for the snapshots."""
        return self.every if self.arrays()[array].dims[0] == "snapshot" else 1

    def _common(self) -> dict[str, ArraySpec]:
        scalars = (self.groups, len(COEFFICIENTS))
        logged = {
            f"metric_{name}": self._steps(f"{name} at theta_s", (), point=True)
            for name in self.metrics
        }
        return logged | {
            "coefficient": self._steps("scalars of the rule", scalars, ("group", "scalar")),
            "clip": self._steps("gradient-clipping factor"),
            "batch": self._steps(
                "training-sample index, -1 = empty", (self.slots,), ("slot",), "int32"
            ),
            "sample_checksum": ArraySpec(
                ("sample",), (0,), (CHECKSUMS_PER_CHUNK,), "int64", "1", "crc32, -1 = unseen"
            ),
        }

    def _full(self) -> dict[str, ArraySpec]:
        width = (self.parameters,)
        text = "parameters before step s"
        arrays = {"params": self._steps(text, width, ("param",), self.dtype, point=True)}
        if self.adaptive:
            text = "second moment after step s"
            arrays["second_moment"] = self._steps(text, width, ("param",), self.dtype)
        return arrays

    def _thinned(self) -> dict[str, ArraySpec]:
        options = (self.groups, len(self.options))
        states = {
            f"state_{name}": self._snapshots(f"{name}, NaN = none kept") for name in self.states
        }
        return states | {
            "params": self._snapshots("parameters at the snapshots"),
            "params_checksum": self._steps("crc32c of theta_s", kind="int64", point=True),
            "setting": self._steps("options of the optimizer", options, ("group", "option")),
            "max_norm": self._steps("largest gradient norm, infinity = not clipped"),
            "threads": self._steps("threads of torch", kind="int32"),
        }

    def _steps(
        self,
        text: str,
        shape: tuple[int, ...] = (),
        dims: tuple[str, ...] = (),
        kind: str = "float64",
        *,
        point: bool = False,
    ) -> ArraySpec:
        """An array with a row for every step, or for every point between steps."""
        first = "step_point" if point else "step"
        return ArraySpec((first, *dims), (0, *shape), (self.chunk, *shape), kind, "1", text)

    def _snapshots(self, text: str) -> ArraySpec:
        rows, width = self.chunk // self.every, self.parameters
        return ArraySpec(("snapshot", "param"), (0, width), (rows, width), self.dtype, "1", text)
