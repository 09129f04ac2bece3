"""A small synthetic run with the schema of the real stores, whose parts add up exactly.

The numbers are plausible (a cyclic class structure, a late generalisation), not the result of a
training.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
import xarray as xr

from explaind.config.dataset import ModuloDataset
from explaind.config.load import load_config
from explaind.config.schema import Config
from explaind.data.modulo import modulo_dataset
from explaind.experiments.drawing import draw_index, draw_page
from explaind.files import write_json
from explaind.paths import Paths
from explaind.report.html import write_plotly_js
from explaind.store import write_store

COMPONENTS = (
    "embedding",
    "attention encoders",
    "attention decoders",
    "linear1",
    "linear2",
    "decoder",
)
SUBINTERVALS = (1, 2, 4)
PAGES = (
    "grokking",
    "training",
    "influence_over_training",
    "influence_matrices",
    "epk_validation",
)
HISTORY = {
    "data": "0123456789abcdef",
    "config": {
        "dataset": {"kind": "modulo", "seed": 3},
        "model": {"seed": 4},
        "training": {"seed": 5},
    },
    "made_with": {"python": "3.x", "torch": "2.x", "device": "a device", "commit": "abc-dirty"},
}
"""Attributes of a history store that pages show."""

DEFAULT_KEEP = ("influence", "component", "interval", "step_component", "absolute")


@dataclass(frozen=True)
class SyntheticRun:
    """Sizes and switches of a synthetic run."""

    p: int = 7
    steps: int = 60
    intervals: int = 3
    components: tuple[str, ...] = COMPONENTS
    keep: tuple[str, ...] = DEFAULT_KEEP
    all_outputs: bool = False
    generalises: bool = True
    mini_batches: bool = False
    credit: str = "gradient_step"
    seed: int = 0

    @property
    def outputs(self) -> int:
        """Number of model outputs: the tokens `+` and `=` are outputs too, though never results."""
        return self.p + 2


DEFAULT = SyntheticRun()


def write_run(paths: Paths, run: str, case: SyntheticRun = DEFAULT) -> xr.Dataset:
    """Write all stores of a run that the figures read; return the influence dataset."""
    data = modulo_dataset(ModuloDataset(p=case.p))
    write_store(paths.dataset("modulo"), data, data.attrs)
    random = np.random.default_rng(case.seed)
    influence = influence_dataset(case, random)
    write_store(paths.influence(run), influence, {"stage": "accumulate_kernel", **influence.attrs})
    validation = validation_dataset(case, influence, random)
    write_store(paths.validation(run), validation, {"stage": "validate_epk"})
    write_json(paths.validation_summary(run), statistics(validation, case.steps))
    write_store(paths.history(run), xr.Dataset(), HISTORY)
    metrics(case, random).to_parquet(paths.metrics(run))
    steps = step_matrices(case, influence, random)
    write_store(paths.experiment(run, "influence_matrices", "zarr"), steps, dict(steps.attrs))
    balance(case).to_parquet(paths.experiment(run, "influence_over_training"))
    return influence


def step_matrices(
    case: SyntheticRun, influence: xr.Dataset, random: np.random.Generator
) -> xr.Dataset:
    """The matrices of two single steps; they add up to what the run kept of these steps, if so."""
    steps, train = [case.steps // 2, case.steps - 1], influence.sizes["train"]
    shape = (len(case.components), influence.sizes["test"], influence.sizes["output"])
    net = influence.get("step_net_by_component")
    sums = np.zeros((2, *shape)) if net is None else net.to_numpy()[steps]
    noise = random.standard_normal((*sums.shape, train))
    values = (sums[..., None] / train + noise - noise.mean(-1, keepdims=True)).astype(np.float32)
    dims = ("step", "component", "test", "output", "train")
    return xr.Dataset(
        {"influence": (dims, values, {"units": "nat"}), "number": ("step", steps)},
        coords={"component": list(case.components)},
        attrs={"credit": "gradient_step"},
    )


def balance(case: SyntheticRun) -> pd.DataFrame:
    """Regularisation larger than the data at first, and again at the end, of all components."""
    bounds = np.linspace(0, case.steps, 7).astype(int)
    data = np.array([1, 1, 5, 3, 1, 1]) / len(case.components)
    rows = [
        {
            "start": bounds[k],
            "stop": bounds[k + 1],
            "functional": functional,
            "component": component,
            "data": size * data[k],
            "decay": size * 2 / len(case.components),
            "data_absolute": 3 * size * data[k],
            "decay_absolute": 5 * size / len(case.components),
        }
        for k in range(6)
        for functional in ("output_sum", "target_logprob")
        for component, size in zip(
            ("all components", *case.components),
            (len(case.components), *[1] * len(case.components)),
            strict=True,
        )
    ]
    return pd.DataFrame(rows)


def metrics(case: SyntheticRun, random: np.random.Generator) -> pd.DataFrame:
    steps = np.arange(case.steps + 1)
    time = steps / case.steps
    train = _sigmoid((time - 0.2) * 40)
    validation = _sigmoid((time - 0.7) * 40) if case.generalises else np.full(len(steps), 0.05)
    norm = 20 + 10 * train - 8 * validation
    noise = np.exp(0.05 * random.standard_normal((2, len(steps))))
    components = {
        f"parameter_norm_{name}": norm / (2 + i) for i, name in enumerate(case.components)
    }
    table = pd.DataFrame(
        {
            "step": steps,
            "train_loss": (np.log(case.p) * (1 - train) + 1e-3) * noise[0],
            "train_accuracy": np.where(train > 0.98, 1.0, train),
            "validation_loss": (np.log(case.p) * (1.5 - 1.49 * validation)) * noise[1],
            "validation_accuracy": np.where(validation > 0.98, 1.0, validation),
            "parameter_norm": norm,
            **components,
            "learning_rate": 1e-3,
            "weight_decay": 4.0,
        }
    )
    table.attrs = {"units": {"loss": "nat", "accuracy": "1"}, "mini_batches": case.mini_batches}
    return table


def influence_dataset(case: SyntheticRun, random: np.random.Generator) -> xr.Dataset:
    train_target, test_target = _split(case.p, random)
    outputs = np.arange(case.outputs) if case.all_outputs else None
    explained = test_target[:, None] if outputs is None else np.tile(outputs, (len(test_target), 1))
    bounds = np.linspace(0, case.steps, case.intervals + 1).astype(np.int64)
    by_interval = _influence(case, explained, train_target, random)
    data_sums = by_interval.sum(-1)  # interval, component, test, output
    step_data = np.concatenate(
        [
            _spread(data_sums[k], stop - start, random)
            for k, (start, stop) in enumerate(pairwise(bounds))
        ]
    )  # step, component, test, output
    step_decay = -0.4 * step_data * random.uniform(0.5, 1.0, step_data.shape)
    residual = 1e-3 * random.standard_normal((case.steps, *explained.shape)) * step_data.std()
    initial = -np.log(case.p) + 0.1 * random.standard_normal(explained.shape)
    parts = {"data": step_data.sum(1), "decay": step_decay.sum(1), "residual": residual}
    step_true = sum(parts.values())
    totals = {name: values.sum(0) for name, values in parts.items()}
    rounding = 1e-6 * random.standard_normal(explained.shape)
    totals |= {"data": totals["data"] - rounding, "residual": totals["residual"] + rounding}
    labels = ["target_logprob"] if outputs is None else [str(k) for k in outputs]
    subintervals = random.choice(SUBINTERVALS, size=(case.steps, len(test_target)))
    absolute = np.abs(step_data) * (2 + random.random(step_data.shape))
    arrays = {
        "step_true": (("step", "test", "output"), step_true),
        **{f"step_{name}": (("step", "test", "output"), values) for name, values in parts.items()},
        **{name: (("test", "output"), values) for name, values in totals.items()},
        "rounding": (("test", "output"), rounding),
        "initial_output": (("test", "output"), initial),
        "final_output": (("test", "output"), initial + sum(totals.values())),
        "subintervals": (("step", "test"), subintervals.astype(np.uint8)),
        "test_index": (("test",), np.arange(len(test_target))[::-1].copy()),
        "test_target": (("test",), test_target),
        "train_index": (("train",), np.arange(len(train_target))),
        "train_target": (("train",), train_target),
        "interval_start": (("interval",), bounds[:-1]),
        "interval_stop": (("interval",), bounds[1:]),
    }
    if "influence" in case.keep:
        total = by_interval.sum((0, 1)).astype(np.float32)
        arrays["influence"] = (("test", "output", "train"), total)
    if "component" in case.keep:
        by_component = by_interval.sum(0).astype(np.float32)
        arrays["influence_by_component"] = (("component", "test", "output", "train"), by_component)
    dims = ("step", "component", "test", "output")
    if "step_component" in case.keep:
        arrays["step_data_by_component"] = (dims, step_data.astype(np.float32))
        arrays["step_decay_by_component"] = (dims, step_decay.astype(np.float32))
    if "absolute" in case.keep:
        arrays["step_absolute_by_component"] = (dims, absolute.astype(np.float32))
        net = 0.9 * step_data  # a step's gradients, not its motion
        arrays["step_net_by_component"] = (dims, net.astype(np.float32))
    if "interval" in case.keep:
        arrays["influence_by_interval"] = (
            ("interval", "component", "test", "output", "train"),
            by_interval.astype(np.float32),
        )
    coordinates = {"component": list(case.components), "output": labels}
    dataset = xr.Dataset(
        {name: (dims, values, {"units": _unit(name)}) for name, (dims, values) in arrays.items()},
        attrs={
            "functional": "all" if case.all_outputs else "target_logprob",
            "credit": case.credit,
            "train_samples": len(train_target),
        },
    )
    return dataset.assign_coords(
        {name: values for name, values in coordinates.items() if name in dataset.dims}
    )


def validation_dataset(
    case: SyntheticRun, influence: xr.Dataset, random: np.random.Generator
) -> xr.Dataset:
    target = influence["test_target"].to_numpy()
    logits = 2 * random.standard_normal((len(target), case.outputs))
    logits[np.arange(len(target)), target] += 9 if case.generalises else 0
    true = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    residual = 1e-4 * random.standard_normal(true.shape)
    initial = np.full(true.shape, -np.log(case.outputs))
    data = 1.4 * (true - residual - initial)
    outputs = {
        "initial": initial,
        "data": data,
        "decay": true - residual - initial - data,
        "residual": residual,
        "true": true,
        "reformulated": true - residual,
    }
    change = 0.1 * np.exp(-np.linspace(0, 3, case.steps)) * random.uniform(0.5, 1.5, case.steps)
    steps = {
        "change": change,
        "data": 1.3 * change,
        "decay": 0.3 * change,
        "residual": 1e-3 * change,
    }
    return xr.Dataset(
        {
            **{
                name: (("test", "class"), values, {"units": "nat"})
                for name, values in outputs.items()
            },
            **{
                f"step_{name}_mean_abs": (("step",), values, {"units": "nat"})
                for name, values in steps.items()
            },
            "step_subintervals": (("step",), np.full(case.steps, 1.5), {"units": "1"}),
            "target": (("test",), target, {"units": "1"}),
        }
    )


def statistics(validation: xr.Dataset, steps: int) -> dict[str, float | int | str]:
    true, reformulated = validation["true"].to_numpy(), validation["reformulated"].to_numpy()
    target = validation["target"].to_numpy()
    deviation = true - reformulated
    return {
        "model_accuracy": float((true.argmax(1) == target).mean()),
        "reformulated_accuracy": float((reformulated.argmax(1) == target).mean()),
        "argmax_agreement": float((true.argmax(1) == reformulated.argmax(1)).mean()),
        "absolute_error_mean": float(np.abs(deviation).mean()),
        "absolute_error_max": float(np.abs(deviation).max()),
        "error_std": float(deviation.std()),
        "kl_mean_per_sample": float((np.exp(true) * deviation).sum(1).mean()),
        "probability_sum_min": float(np.exp(reformulated).sum(1).min()),
        "probability_sum_max": float(np.exp(reformulated).sum(1).max()),
        "samples": true.shape[0],
        "classes": true.shape[1],
        "steps": steps,
        "unit": "nat",
    }


def _split(p: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.tril_indices(p)
    target = random.permutation((a + b) % p)
    cut = round(0.8 * len(target))
    return target[:cut], target[cut:]


def _influence(
    case: SyntheticRun,
    explained: np.ndarray,
    train_target: np.ndarray,
    random: np.random.Generator,
) -> np.ndarray:
    """Waves in the difference of the classes; they grow over time and differ by component."""
    difference = 2 * np.pi * (explained[..., None] - train_target) / case.p
    shape = (case.intervals, len(case.components))
    amplitude = random.uniform(0.2, 1.0, shape) * (1 + np.arange(case.intervals))[:, None]
    frequency = 1 + np.arange(len(case.components)) % max(case.p // 2, 1)
    waves = np.cos(frequency[:, None, None, None] * difference) + 0.3
    noise = 0.3 * random.standard_normal((*shape, *difference.shape))
    return (amplitude[..., None, None, None] * waves + noise) * (4.0 / train_target.size)


def _spread(total: np.ndarray, steps: int, random: np.random.Generator) -> np.ndarray:
    weight = random.uniform(0.2, 1.8, (steps, *total.shape))
    return total * weight / weight.sum(0)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _unit(name: str) -> str:
    counts = ("subintervals", "test_index", "test_target", "train_target", "interval_")
    return "1" if name.startswith(counts) else "nat"


def write_pages(paths: Paths, case: SyntheticRun = DEFAULT, pages: Sequence[str] = PAGES) -> Config:
    """Write a run and pages about it; return the configuration."""
    config = load_config(
        {
            "datasets": {"modulo": {"p": case.p}},
            "runs": {"grokking": {"epk": {"shards": 1}}},
            "experiments": {name: {"run": "grokking"} for name in PAGES},
        }
    )
    write_run(paths, "grokking", case)
    write_plotly_js(paths)
    for name in pages:
        draw_page(config, paths, name)
    draw_index(config, paths)
    return config
