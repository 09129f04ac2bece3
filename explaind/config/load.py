"""Read config files, merge them and check the result."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from explaind.config.problems import describe
from explaind.config.schema import Config
from explaind.errors import ConfigError
from explaind.files import write_json
from explaind.paths import Paths

STDIN = "-"
COMMAND_LINE = "command line"

Source = str | Path | Mapping[str, Any]


def load_config(*sources: Source, defaults: str | Path | None = None) -> Config:
    """Read one config from several sources, later ones over earlier ones.

    Args:
        sources: YAML or JSON files, mappings, or `-` for standard input. Keys that none of them
            gives have the defaults of the schema.
        defaults: a file that lies below them, if there is one and no source says
            `defaults: false`.

    Returns:
        The config, checked.

    Raises:
        ConfigError: a file cannot be read, or the config has an unknown key, a value out of range
            or a dangling reference; the message lists all problems, with the files of their keys.
    """
    read = [_read(source) for source in sources]
    if defaults is not None and Path(defaults).is_file() and not any(map(_stands_alone, read)):
        read.insert(0, _read(defaults))
    merged: dict[str, Any] = {}
    for _, content in read:
        merged = merge(merged, content)
    try:
        return Config.model_validate(merged)
    except ValidationError as error:
        given = [part for part in read if part[1]]
        raise ConfigError(describe(error, merged, given)) from None


def resolve_config(config: Config, paths: Paths) -> None:
    """Write every key with its value, defaults filled in, to `results/config.json`.

    Args:
        config: the config.
        paths: where to write.
    """
    alone = config.model_copy(update={"defaults": False})
    write_json(paths.config(), alone.model_dump(mode="json"))


def read_file(path: str | Path) -> dict[str, Any]:
    """Read a YAML or JSON file (JSON is YAML); `-` is standard input.

    Args:
        path: the file.

    Returns:
        Its content.

    Raises:
        ConfigError: the file is missing, is not YAML or is not a mapping.
    """
    try:
        text = sys.stdin.read() if str(path) == STDIN else Path(path).read_text(encoding="utf-8")
        content = yaml.safe_load(text)
    except OSError as error:
        raise ConfigError(f"{path}: expected a config file, got {error}; check the path") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: expected YAML or JSON, got {error}; fix the file") from error
    if content is not None and not isinstance(content, dict):
        raise ConfigError(
            f"{path}: expected a mapping with datasets, runs and experiments, got "
            f"{type(content).__name__}; see config/README.md"
        )
    return content or {}


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one mapping over another, key by key at every depth.

    A section that changes its `kind` is replaced as a whole: the keys of AdamW mean nothing to
    SGD. That is the one difference to Snakemake's own merge.

    Args:
        base: the lower one.
        over: the one whose values win.

    Returns:
        A new mapping.
    """
    merged = dict(base)
    for key, value in over.items():
        merged[key] = merge(base[key], value) if _may_merge(base.get(key), value) else value
    return merged


def _may_merge(base: object, over: object) -> bool:
    if not (isinstance(base, Mapping) and isinstance(over, Mapping)):
        return False
    return "kind" not in over or bool(over["kind"] == base.get("kind", over["kind"]))


def _read(source: Source) -> tuple[str, Mapping[str, Any]]:
    if isinstance(source, Mapping):
        return COMMAND_LINE, {key: _with_nulls(value) for key, value in source.items()}
    return str(source), read_file(source)


def _with_nulls(given: object) -> object:
    """Read `null` as a file has it: Snakemake gives the values of its command line as text."""
    if isinstance(given, Mapping):
        return {key: _with_nulls(value) for key, value in given.items()}
    return None if given == "null" else given


def _stands_alone(read: tuple[str, Mapping[str, Any]]) -> bool:
    return read[1].get("defaults") is False
