"""Shapes and types are checked at the first calls of a function in each test.

Later ones, thousands in the loops over steps, have the same: checking all takes a third of the time
of the kernel's tests.
"""

import inspect
import sys
from collections import Counter
from collections.abc import Callable
from functools import cache, partial, wraps
from operator import attrgetter
from typing import Any

from beartype import beartype

CHECKS = 6  # two a call: of the arguments and, after it, of the result
_calls: Counter[tuple[str, str]] = Counter()
_unchecked: list[Callable[..., Any]] = []


def checked_at_first(signature: Callable[..., Any]) -> Callable[..., Any]:
    """The type checker of jaxtyping (pyproject.toml): beartype, until it has checked enough.

    Most functions are never called by a process of the tests: beartype writes its code for one at
    the first call. The arguments, checked before the call, are not checked again with the result.

    Args:
        signature: a function without a body; jaxtyping calls it before and after the one it checks.
    """
    name = (signature.__module__, signature.__qualname__)
    if "return" not in signature.__annotations__:  # it looks for the wrong one of the arguments
        return beartype(signature)
    if _calls[name] >= CHECKS:  # defined anew by each call of another
        return signature
    if signature.__annotations__["return"] is not Any:
        signature.__annotations__ = {"return": signature.__annotations__["return"]}
    # a local one is called as soon as it is there, perhaps by a model that torch.compile traces
    local = beartype(signature) if "<locals>" in signature.__qualname__ else None
    made = cache(partial(beartype, signature))

    @wraps(signature)
    def check(*args: Any, **kwargs: Any) -> Any:
        _calls[name] += 1
        if _calls[name] == CHECKS:
            _leave_unchecked(*name)
        return (local or made())(*args, **kwargs)

    return check


def check_again() -> None:
    """Check all functions again, as in a new process."""
    for function in _unchecked:
        del function.__no_type_check__
    _unchecked.clear()
    _calls.clear()


def _leave_unchecked(module: str, name: str) -> None:
    """Let jaxtyping leave a function out, unless it is defined anew by each call of another."""
    if "<locals>" not in name:
        found = attrgetter(name)(sys.modules[module])
        function = inspect.unwrap(getattr(found, "fget", found))
        function.__no_type_check__ = True
        _unchecked.append(function)
