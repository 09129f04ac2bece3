"""Turn what pydantic reports into one error with a line per problem.

Each line gives the key, what was expected and what was found.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from explaind.errors import ConfigError

HELP = "Every key is described in config/README.md."


def config_error(error: ValidationError, config: Mapping[str, Any], source: str) -> ConfigError:
    """The error to raise for a config that pydantic refused.

    Args:
        error: what pydantic raised.
        config: the merged config as it was read.
        source: the file or files it was read from.
    """
    problems = [line for problem in error.errors() for line in _lines(dict(problem), config)]
    listed = "\n".join(f"  {problem}" for problem in problems)
    count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
    return ConfigError(f"{count} in the config ({source}):\n{listed}\n{HELP}")


def _lines(problem: dict[str, Any], config: Mapping[str, Any]) -> list[str]:
    key = _key_path(problem["loc"], config)
    if problem["type"] == "value_error":  # raised by our own validators, complete in itself
        lines = str(problem["ctx"]["error"]).splitlines()
        return [f"{key}: {line}" if key else line for line in lines]
    if problem["type"] == "missing":
        return [f"{key}.{problem['loc'][-1]}: expected a value, got none; add the key"]
    if problem["type"] == "unknown_key":
        return [f"{key or 'config'}: {problem['msg']}"]
    if problem["type"] == "union_tag_invalid":
        expected = f"one of {problem['ctx']['expected_tags']}"
        return [f"{key}.kind: expected {expected}, got {problem['ctx']['tag']!r}"]
    message = problem["msg"].replace("Input should be", "expected", 1)
    if problem["type"] == "model_type":
        message = "expected a section with keys"
    return [f"{key or 'config'}: {message}, got {problem['input']!r}"]


def _key_path(location: Sequence[str | int], config: Mapping[str, Any]) -> str:
    """The location as dotted keys, without the tags that pydantic adds for sections with a kind."""
    keys: list[str] = []
    section: Any = config
    for step in location:
        if isinstance(step, str) and not (isinstance(section, Mapping) and step in section):
            continue  # not a key but a tag such as "adamw", or pydantic's mark of a bad name
        section = section[step]
        keys.append(str(step))
    return ".".join(keys)
