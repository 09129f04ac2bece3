"""Read config files, merge them and check the result."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from explaind.config.problems import config_error
from explaind.config.schema import Config
from explaind.errors import ConfigError

STDIN = "-"

Source = str | Path | Mapping[str, Any]


def load_config(*sources: Source) -> Config:
    """Read one config from several sources, later ones over earlier ones.

    Args:
        sources: YAML or JSON files, mappings, or ``-`` for standard input. Keys that none of them
            gives have the defaults of the schema.

    Raises:
        ConfigError: a file cannot be read, or the config has an unknown key, a value out of range
            or a dangling reference; the message lists all problems.
    """
    merged: dict[str, Any] = {}
    for source in sources:
        merged = merge(merged, source if isinstance(source, Mapping) else read_file(source))
    named = ", ".join("command line" if isinstance(s, Mapping) else str(s) for s in sources if s)
    try:
        return Config.model_validate(merged)
    except ValidationError as error:
        raise config_error(error, merged, named) from None


def read_file(path: str | Path) -> dict[str, Any]:
    """Read a YAML or JSON file (JSON is YAML); ``-`` is standard input.

    Raises:
        ConfigError: the file is missing, is not YAML or is not a mapping.
    """
    try:
        text = sys.stdin.read() if str(path) == STDIN else Path(path).read_text(encoding="utf-8")
        content = yaml.safe_load(text)
    except OSError as error:
        raise ConfigError(f"{path}: expected a config file, got {error}; check the path") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: expected YAML or JSON, got {error}; mend the file") from error
    if content is not None and not isinstance(content, dict):
        raise ConfigError(
            f"{path}: expected a mapping with datasets, runs, experiments and figures, got "
            f"{type(content).__name__}; see config/README.md"
        )
    return content or {}


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one mapping over another, key by key at every depth.

    A section that changes its ``kind`` is replaced as a whole: the keys of AdamW mean nothing to
    SGD. That is the one difference to Snakemake's own merge.
    """
    merged = dict(base)
    for key, value in over.items():
        merged[key] = merge(base[key], value) if _may_merge(base.get(key), value) else value
    return merged


def _may_merge(base: Any, over: Any) -> bool:
    both = isinstance(base, Mapping) and isinstance(over, Mapping)
    return both and ("kind" not in over or over["kind"] == base.get("kind", over["kind"]))
