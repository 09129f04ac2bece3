"""Complete stores as lazy datasets."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from explaind.errors import StoreError
from explaind.store.chunks import StoreFiles, open_group
from explaind.store.seal import check_complete, is_sealed


def open_sealed(path: Path, config: Mapping[str, Any] | None = None, rule: str = "") -> xr.Dataset:
    """Open a complete store for reading, lazily.

    Args:
        path: folder of the store.
        config: if given, the stage configuration that the store must have been made with.
        rule: the rule that makes the store, for the message.

    Returns:
        The dataset, with labels as coordinates and the group attributes in `attrs`.

    Raises:
        StoreError: if the store is missing, unsealed, of another schema version, or made with
            another configuration. A store that is not as it was sealed raises a
            `DamagedStoreError`, one of these; so does, later, a corrupted chunk.
    """
    remedy = f" Run the rule `{rule}` again." if rule else " Make it again."
    if not path.is_dir():
        raise StoreError(f"{path} does not exist.{remedy}")
    if not is_sealed(path):
        raise StoreError(f"{path} is not sealed: the job that writes it did not finish.{remedy}")
    check_complete(path, remedy)
    files = StoreFiles(path, read_only=True, remedy=remedy)
    dataset: xr.Dataset = xr.open_zarr(files, consolidated=False, chunks=None)
    if config is not None:
        _check_config(path, dict(dataset.attrs.get("config", {})), config, remedy)
    labels: dict[str, list[str]] = dataset.attrs.get("coordinates", {})
    return dataset.assign_coords(labels)


def stored_attributes(path: Path) -> dict[str, Any]:
    """Return the group attributes of a store, sealed or not; empty if there is no store."""
    return dict(open_group(path).attrs) if (path / "zarr.json").is_file() else {}


def _check_config(
    path: Path, stored: Mapping[str, Any], config: Mapping[str, Any], remedy: str
) -> None:
    expected = json.loads(json.dumps(dict(config)))
    keys = sorted(_differences(dict(stored), expected))
    if keys:
        raise StoreError(f"{path} was made with another configuration: {'; '.join(keys)}.{remedy}")


def _differences(stored: object, expected: object, prefix: str = "") -> list[str]:
    if not (isinstance(stored, dict) and isinstance(expected, dict)):
        return [] if stored == expected else [f"{prefix} is {stored!r}, now {expected!r}"]
    return [
        line
        for key in sorted(stored.keys() | expected.keys())
        for line in _differences(
            stored.get(key), expected.get(key), f"{prefix}.{key}" if prefix else key
        )
    ]
