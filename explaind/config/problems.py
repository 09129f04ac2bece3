"""Turn what pydantic reports into one error with a line per problem.

Each line gives the key, what was expected and what was found, and the file that the key stands in.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

WHOLE = "config"  # where another key would stand
HELP = "Every key is described in config/README.md."

Part = tuple[str, Mapping[str, Any]]
"""A file, or where else keys were given, and what it holds."""


def describe(error: ValidationError, config: Mapping[str, Any], parts: Sequence[Part]) -> str:
    """List what pydantic refused in a config.

    Args:
        error: what pydantic raised.
        config: the merged config.
        parts: what it was merged from, later ones over earlier ones.

    Returns:
        The message of a `ConfigError`.
    """
    problems = problem_lines(error, config)
    listed = "\n".join(f"  {key}: {text}{_origin(key, text, parts)}" for key, text in problems)
    count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
    named = ", ".join(name for name, _ in parts)
    return f"{count} in the config ({named}):\n{listed}\n{HELP}"


def problem_lines(error: ValidationError, config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the key and the text of every problem.

    Args:
        error: what pydantic raised.
        config: what it refused.

    Returns:
        Pairs; a problem of several lines is several pairs.
    """
    return [line for problem in error.errors() for line in _lines(dict(problem), config)]


def _lines(problem: dict[str, Any], config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Key and text of what pydantic reports as one problem."""
    key = _key_path(problem["loc"], config)
    kind, message = problem["type"], problem["msg"]
    if kind == "value_error":  # raised by our own validators, complete in itself
        lines = str(problem["ctx"]["error"]).splitlines()
        return [(key, line) if key else _split(line) for line in lines]
    if kind == "moved":
        return [("figures", message)]
    if kind == "missing":
        return [(f"{key}.{problem['loc'][-1]}", "expected a value, got none; add the key")]
    if kind == "unknown_key":
        hints, known = problem["ctx"]["hints"], problem["ctx"]["known"]
        return [(key or WHOLE, f"{hint} (known keys: {known})") for hint in hints]
    if kind == "union_tag_invalid" and isinstance(problem["input"], Mapping):
        expected, found = problem["ctx"]["expected_tags"], problem["input"]["kind"]
        return [(f"{key}.kind", f"expected one of {expected}, got {found!r}")]
    if kind in {"model_type", "union_tag_invalid"}:
        message = "expected a section with keys"
    message = message.replace("Input should be", "expected", 1)
    return [(key or WHOLE, f"{message}, got {problem['input']!r}")]


def _split(line: str) -> tuple[str, str]:
    """Key and text of a problem that names its key itself."""
    key, _, text = line.partition(": ")
    return key, text


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


def _origin(key: str, text: str, parts: Sequence[Part]) -> str:
    """Where the key of a problem stands: in the last part that holds the most of its path."""
    if len(parts) < 2:
        return ""  # the only one is named above
    path = [] if key == WHOLE else key.split(".")
    if text.startswith("unknown key '"):
        path.append(text.split("'")[1])
    depth, _, name = max(
        (_depth(content, path), number, name) for number, (name, content) in enumerate(parts)
    )
    return f" ({name})" if depth else ""


def _depth(section: object, path: Sequence[str]) -> int:
    """How many keys of a path, from its start, a section holds."""
    if not path or not isinstance(section, Mapping) or path[0] not in section:
        return 0
    return 1 + _depth(section[path[0]], path[1:])
