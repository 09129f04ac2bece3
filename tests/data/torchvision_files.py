"""The files of CIFAR-10 as torchvision keeps them, with made-up images."""

import hashlib
import pickle
from pathlib import Path

import numpy as np

NAMES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
BATCHES = [f"data_batch_{number}" for number in range(1, 6)]
PER_BATCH = 20


def images(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Images of noise `[sample, row, column, channel]` and labels, every class twice."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 256, (PER_BATCH, 32, 32, 3), dtype=np.uint8)
    return x, rng.permutation(np.arange(PER_BATCH) % 10)


def write_cifar10(folder: Path, family, monkeypatch) -> tuple[np.ndarray, ...]:
    """Write the files; torchvision is told their checksums. Returns x and y of both parts."""
    base = folder / family.base_folder
    base.mkdir(parents=True)
    drawn = {name: images(seed) for seed, name in enumerate([*BATCHES, "test_batch"])}
    sums = {}
    for name, (x, y) in drawn.items():
        rows = x.transpose(0, 3, 1, 2).reshape(len(x), -1)  # the layout of the original
        sums[name] = _write(base / name, {"data": rows, "labels": y.tolist()})
    meta = _write(base / "batches.meta", {"label_names": list(NAMES)})
    monkeypatch.setattr(family, "train_list", [[name, sums[name]] for name in BATCHES])
    monkeypatch.setattr(family, "test_list", [["test_batch", sums["test_batch"]]])
    monkeypatch.setattr(family, "meta", {**family.meta, "md5": meta})
    x, y = (np.concatenate([drawn[name][part] for name in BATCHES]) for part in (0, 1))
    return x, y, *drawn["test_batch"]


def _write(path: Path, content: dict) -> str:
    path.write_bytes(pickle.dumps(content))
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
