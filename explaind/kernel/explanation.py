"""Reading an explanation: `explained.explanation`, an accessor of xarray; no torch."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from explaind.errors import ConfigError
from explaind.kernel.completeness import SUSPICIOUS, WORST
from explaind.store import open_sealed, write_store

if TYPE_CHECKING:
    import plotly.graph_objects as go

SIDES = ("helpful", "harmful")
"""Training samples that pushed the explained output up, and those that pushed it down."""

PARTS = {
    "data": "training samples",
    "decay": "regularisation",
    "carry": "gradients before the recording",
    "residual": "residual",
}
"""Parts that the change of an output is the sum of, and what they are called. `carry` is there if
the recording began with momentum."""

CANCELLING = 1000
"""Times the sum of the influences that they are without their signs, from which on it is said."""

TINY = np.finfo(float).tiny


def open_explanation(path: str | Path) -> xr.Dataset:
    """Open what `Explanation.to_zarr` wrote; a store unsealed or damaged is refused (`StoreError`).

    Args:
        path: folder of the store.

    Returns:
        The dataset; its arrays are read when they are used.
    """
    return open_sealed(Path(path))


@xr.register_dataset_accessor("explanation")  # type: ignore[no-untyped-call]
class Explanation:
    """What a dataset of `PathKernel.explain` says.

    Args:
        explained: the dataset.
    """

    def __init__(self, explained: xr.Dataset) -> None:
        self._explained = explained

    def top(self, k: int = 10) -> pd.DataFrame:
        """The training samples, or groups of them, that moved each explained output most.

        Args:
            k: how many on each side.

        Returns:
            One row each, with `test`, `output`, `side` ("helpful" pushed the output up, "harmful"
            pushed it down), `rank` (0 = strongest), `train` (position along that dimension; with
            `keep=("top",)` in the training set) or, of an explanation by groups, the name of the
            `group`, and `influence`, in the unit of the output.
        """
        axis = self._axis
        indices, values = (self._strongest(k, what) for what in ("index", "influence"))
        table = xr.Dataset({axis: indices, "influence": values}).to_dataframe().reset_index()
        table["side"] = pd.Categorical(table["side"], SIDES)
        if axis == "group":
            table[axis] = self._explained[axis].values[table[axis]]
        table = table.sort_values(["test", "output", "side", "rank"], ignore_index=True)
        return table[["test", "output", "side", "rank", axis, "influence"]]

    def self_influence(self, rows: Sequence[int] | None = None) -> xr.DataArray:
        """Influence of explained training samples on themselves, a measure of memorisation.

        Args:
            rows: position of each explained sample along `train`; None = the training set itself
                was explained, in its order.

        Returns:
            The influence, `[test, output]`, in the unit of the output.

        Raises:
            ConfigError: if there is not one position for each explained sample.
        """
        influence = self._of_samples()
        tested, trained = influence.sizes["test"], influence.sizes["train"]
        own = np.arange(trained) if rows is None else np.asarray(rows)
        if own.shape != (tested,) or not bool(((own >= 0) & (own < trained)).all()):
            raise ConfigError(
                f"rows: expected one of {trained} positions for each of {tested} explained samples,"
                f" got {own.size}. Give the position of each explained sample among the training"
                " samples, or explain the training set as a whole."
            )
        return influence.isel(train=xr.DataArray(own, dims="test"), test=np.arange(tested))

    def by_component(self) -> xr.DataArray:
        """Return that through each component, `[component, test, output, train]` or `group`."""
        return self._array("influence_by_component", "component")

    def by_interval(self) -> xr.DataArray:
        """Return that in each interval, `[interval, test, output, train]` or `group`."""
        return self._array("influence_by_interval", "interval").sum("component", keep_attrs=True)

    def by_group(self, labels: Sequence[Any]) -> xr.DataArray:
        """Influence of groups of training samples: of classes, sources, duplicates.

        Args:
            labels: group of each training sample.

        Returns:
            The influence of all samples of each group, `[group, test, output]`.

        Raises:
            ConfigError: if there is not one label for each training sample.
        """
        influence = self._of_samples()
        groups = np.asarray(labels)
        if groups.shape != (influence.sizes["train"],):
            raise ConfigError(
                f"labels: expected one for each of {influence.sizes['train']} training samples, got"
                f" shape {groups.shape}."
            )
        named = influence.assign_coords(group=("train", groups))
        summed = named.groupby("group").sum("train").transpose("group", "test", "output")
        return summed.assign_attrs(influence.attrs)

    def summary(self) -> str:
        """Return in words what was explained, what it is made of, and whether it can be trusted."""
        explained = self._explained
        change = explained["final_output"] - explained["initial_output"]
        parts = ", ".join(
            f"{name} {float(explained[key].mean()):+.3g}"
            for key, name in PARTS.items()
            if key in explained
        )
        size = f"{explained.sizes['test']} samples x {explained.sizes['output']} outputs"
        functional, unit = explained.attrs["functional"], explained["data"].attrs["units"]
        trained = f"{explained.sizes['step']} steps on {explained.attrs['train_samples']}"
        return "\n".join(
            [
                f"{size} explained: {functional}, unit {unit}, by {trained} training samples.",
                f"Training moved the outputs by {float(change.mean()):+.3g} on average: {parts}.",
                self._residual_in_words(change),
                self._completeness_in_words(),
                *self._cancellation_in_words(),
            ]
        )

    def plot(self, test: int = 0, output: int = 0, k: int = 10) -> "go.Figure":
        """Draw what one explained output is made of, and its strongest samples or groups.

        Args:
            test: position of the explained sample.
            output: position of the output.
            k: training samples, or groups of them, on each side.

        Returns:
            The figure.
        """
        from plotly.subplots import make_subplots  # noqa: PLC0415

        axis = self._axis
        one = self._explained.isel(test=test, output=output)
        strongest = Explanation(self._explained.isel(test=[test], output=[output])).top(k)
        strongest = strongest[strongest["influence"] != 0].sort_values("influence")
        strongest = strongest.drop_duplicates(axis)  # few are strongest both ways
        before, after = float(one["initial_output"]), float(one["final_output"])
        parts = {"change": after - before} | {
            name: float(one[key]) for key, name in reversed(PARTS.items()) if key in one
        }
        what, prefix = {"train": ("training samples", "sample "), "group": ("groups", "")}[axis]
        titles = (
            f"Training changed it from {before:.3g} to {after:.3g}",
            f"Strongest {what}, {k} each way",
        )
        rows = len(strongest)
        figure = make_subplots(
            *(2, 1), row_heights=[5, 3 + rows], vertical_spacing=0.2, subplot_titles=titles
        )
        figure.add_trace(_bars(list(parts), list(parts.values())), row=1, col=1)
        names = [f"{prefix}{name}" for name in strongest[axis]]
        figure.add_trace(_bars(names, list(strongest["influence"])), row=2, col=1)
        unit = one["data"].attrs["units"]
        figure.update_xaxes(title=f"part of the change ({unit})", row=1, col=1)
        figure.update_xaxes(title=f"influence ({unit}), positive pushed it up", row=2, col=1)
        figure.update_yaxes(dtick=1)
        layout = {"template": "plotly_white", "showlegend": False, "height": 320 + 20 * rows}
        return figure.update_layout(margin={"l": 60, "r": 60}, **layout)

    def to_zarr(self, path: str | Path) -> None:
        """Write a sealed store, for `open_explanation`.

        Args:
            path: folder of the store to create.
        """
        write_store(Path(path).absolute(), self._explained, self._explained.attrs)

    @property
    def _axis(self) -> str:
        """Dimension of what influence is that of: samples, or groups of them."""
        influence = self._explained.get("influence")
        return "train" if influence is None else str(influence.dims[-1])

    def _of_samples(self) -> xr.DataArray:
        """The influence of single training samples, `[test, output, train]`.

        Returns:
            The array.

        Raises:
            ConfigError: if it was not kept, or was summed by group.
        """
        influence = self._array("influence", "influence")
        if self._axis == "group":
            raise ConfigError(
                "Expected the influence of single training samples, got that of groups of them."
                " Leave out explain(..., groups=...)."
            )
        return influence

    def _array(self, name: str, keep: str) -> xr.DataArray:
        """An array that may not have been kept.

        Args:
            name: its name.
            keep: what it is called in `keep`.

        Returns:
            The array.

        Raises:
            ConfigError: if it was not kept.
        """
        if name not in self._explained:
            raise ConfigError(
                f"The explanation has no array {name!r}: expected explain(..., keep=[...,"
                f" {keep!r}])."
            )
        return self._explained[name]

    def _strongest(self, k: int, what: str) -> xr.DataArray:
        """Indices or influence of the strongest samples, `[side, test, output, rank]`."""
        if "influence" not in self._explained:
            sides = [self._array(f"{side}_{what}", "top").isel(rank=slice(k)) for side in SIDES]
            return xr.concat(sides, pd.Index(SIDES, name="side"))
        influence = self._explained["influence"].transpose("test", "output", self._axis)
        order = np.argsort(influence.values, axis=-1, kind="stable")
        ranked = np.stack([order[..., ::-1][..., :k], order[..., :k]])
        if what == "influence":
            ranked = np.take_along_axis(influence.values[None], ranked, axis=-1)
        dims = ("side", "test", "output", "rank")
        return xr.DataArray(ranked, {"side": list(SIDES), "output": influence["output"]}, dims)

    def _residual_in_words(self, change: xr.DataArray) -> str:
        """How much of the motion is credited to nothing."""
        left = float(abs(self._explained["residual"]).mean())
        share = left / max(float(abs(change).mean()), TINY)
        return (
            f"The residual is {share:.1%} of the change: what the quadrature of each step leaves."
            + (" A smaller quadrature tolerance makes it smaller." if share > 0.01 else "")
        )

    def _completeness_in_words(self) -> str:
        """Whether the influence of all samples is what moved the outputs."""
        attributes = self._explained.attrs
        if "completeness_error" not in attributes:
            return "Completeness is checked when all parts of the training are there."
        error, roundings = (float(attributes[name]) for name in WORST[:2])
        found = f"Completeness error {error:.1e}: the influence of all training samples adds up to"
        if roundings <= SUSPICIOUS:
            return f"{found} what moved the outputs, to rounding. The numbers can be trusted."
        if error <= (share := float(attributes.get("step_rounding", 0.0))):
            return (
                f"{found} what moved the outputs but for that share. Steps are so short beside the"
                f" parameters that rounding those explains up to {share:.0e}."
            )
        return (
            f"{found} what moved the outputs but for that share, more than rounding"
            f" ({error / roundings:.0e}) explains by itself: products that cancel in low"
            " precision, or a part of the loss that was not given."
        )

    def _cancellation_in_words(self) -> list[str]:
        """How much larger the influences are than their sum, if they were kept."""
        if "influence" not in self._explained:
            return []
        influence = self._explained["influence"]
        samples = [influence.dims[-1]]  # or groups of them
        net = float(abs(influence.sum(samples)).mean())
        times = float(abs(influence).sum(samples).mean()) / max(net, TINY)
        return [
            f"Without their signs the influences are {times:,.3g} times their sum."
            + (" Small differences between them mean little." if times > CANCELLING else "")
        ]


def _bars(names: list[str], values: list[float]) -> "go.Bar":
    """Horizontal bars, blue to the right and red to the left."""
    import plotly.graph_objects as go  # noqa: PLC0415 (half a second, for figures only)

    colours = ["#2a6fbb" if value > 0 else "#c1432e" for value in values]
    text = [f"{value:.2g}" for value in values]
    return go.Bar(
        x=values,
        y=names,
        orientation="h",
        marker_color=colours,
        text=text,
        textposition="outside",
        cliponaxis=False,
    )
