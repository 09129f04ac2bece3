"""Functions and classes of the user's own, which a config names as `package.module:name`."""

import inspect
import re
import sys
import traceback
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from explaind.errors import ConfigError
from explaind.fingerprint import code_fingerprint, is_own

REFERENCE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def search_first(root: str | Path) -> None:
    """Let modules be imported from the project directory, as Python does from that of a script."""
    folder = str(Path(root).resolve())
    if folder not in sys.path:
        sys.path.insert(0, folder)


def check_reference(reference: str) -> str:
    """Check the form of a reference, and that its module can be found; nothing is imported.

    Args:
        reference: `package.module:name`.

    Returns:
        The reference.

    Raises:
        ValueError: saying what is wrong with it.
    """
    if not REFERENCE.fullmatch(reference):
        raise ValueError(
            f"expected a function as package.module:name, got {reference!r}; correct it"
        )
    module = reference.partition(":")[0]
    if not is_own(module) and find_spec(module.partition(".")[0]) is None:
        raise ValueError(
            f"expected a module in the project directory or an installed one, got {module!r};"
            " correct it, or run from the directory that holds it"
        )
    return reference


def reference_fingerprint(reference: str) -> str:
    """Return what tells versions of the user's code apart; "installed" if it is that."""
    module = reference.partition(":")[0]
    return code_fingerprint(module) if is_own(module) else "installed"


def find(reference: str, key: str) -> Callable[..., Any]:
    """Import what a reference names.

    Args:
        reference: `package.module:name`.
        key: key of the config that names it, for messages.

    Returns:
        The function or class.

    Raises:
        ConfigError: if the module cannot be imported, or defines no such function or class.
    """
    module, _, name = reference.partition(":")
    try:
        imported = import_module(module)
    except Exception as error:
        raise ConfigError(
            f"{key}: importing {module} failed, {described(error)}; fix it."
        ) from error
    found: object = getattr(imported, name, None)
    if not callable(found):
        file = imported.__file__
        raise ConfigError(
            f"{key}: expected a function or class {name!r} in {file}, got {found!r}; define it"
            " there or correct the key."
        )
    return found


def call(reference: str, arguments: Mapping[str, Any], key: str) -> object:
    """Call what a reference names.

    Args:
        reference: `package.module:name`.
        arguments: passed by name.
        key: key of the config that names it, for messages.

    Returns:
        What it returns.

    Raises:
        ConfigError: if it does not take these arguments, or raises an error; the message names the
            line.
    """
    function = find(reference, key)
    try:
        inspect.signature(function).bind(**arguments)
    except TypeError as error:
        given = ", ".join(arguments) or "none"
        raise ConfigError(
            f"{key}: expected the arguments of {reference}{inspect.signature(function)}, got"
            f" {given} ({error}); change them."
        ) from error
    try:
        return function(**arguments)
    except Exception as error:
        raise ConfigError(f"{key}: {reference} failed, {described(error)}; fix it.") from error


def described(error: Exception) -> str:
    """Return what an error is and where it was raised: the last line that is not of a library."""
    frames = traceback.extract_tb(error.__traceback__)[1:]
    own = [frame for frame in frames if "site-packages" not in frame.filename] or frames
    place = f" at {own[-1].filename}, line {own[-1].lineno}" if own else ""
    return f"{type(error).__name__}{place}: {error}"
