"""A synthetic run on images with the strongest samples kept."""

import numpy as np
import torch
import xarray as xr

from explaind.config.load import load_config
from explaind.kernel.collectors.strongest import top_samples
from explaind.store import write_store
from tests.report.synthetic import SyntheticRun, write_run
from tests.workflow.project import REPOSITORY

CASE = SyntheticRun(p=5, all_outputs=True, components=("conv<1>", "linear"))
NAMES = ["cat", "dog", *"34567"]
SHOWN = 2


def config(**keys):
    experiments = {"examples": {"samples": SHOWN, "shown": 2, **keys}}
    return load_config(REPOSITORY / "config" / "config.yaml", {"experiments": experiments})


def write_top(paths, by_component=True, dense_too=True):
    """The influence store of the synthetic run with the arrays `top` and `top_component`."""
    dense = write_run(paths, "digits", CASE)
    arrays = {}
    sources = {"": "influence", "_by_component": "influence_by_component"}
    for ending, name in sources.items():
        if ending and not by_component:
            continue
        found = top_samples(torch.from_numpy(dense[name].values), 3)
        dims = (*dense[name].dims[:-1], "rank")
        arrays |= {key + ending: (dims, values.numpy()) for key, values in found.items()}
    labelled = dense.assign_coords(output=[str(k) for k in range(dense.sizes["output"])])
    dropped = [] if dense_too else list(sources.values())
    dataset = labelled.assign(arrays).drop_vars(dropped)
    described = {name: array.assign_attrs(units="1") for name, array in dataset.items()}
    attributes = {"stage": "accumulate_kernel", "train_samples": dense.sizes["train"]}
    write_store(paths.influence("digits"), dataset.assign(described), attributes)
    return dense


def write_images(paths, dense, dims=("channel", "row", "column"), shape=(1, 3, 3)):
    random = np.random.default_rng(1)
    sizes = {"train": dense.sizes["train"], "validation": dense.sizes["test"]}
    arrays = {}
    for part, size in sizes.items():
        x = random.integers(0, 256, (size, *shape), dtype=np.uint8)
        arrays[f"x_{part}"] = ((part, *dims), x, {"units": "1"})
        arrays[f"y_{part}"] = ((part,), np.arange(size) % 2, {"units": "1"})
    dataset = xr.Dataset(arrays)
    write_store(paths.dataset("digits"), dataset, {"class_names": NAMES})
    return dataset
