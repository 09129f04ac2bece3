"""Experiments of the user's own: a package like those beside this module, named in the config."""

from dataclasses import replace
from functools import cache
from importlib import import_module

from explaind.experiments.registry import SPECS
from explaind.experiments.spec import Spec
from explaind.own_code import described


def spec_of(kind: str) -> Spec:
    """Return what is known of a kind of experiments.

    Args:
        kind: its name in the registry, or the dotted name of a package of the user's own.

    Returns:
        Its specification.
    """
    return SPECS[kind] if kind in SPECS else own_spec(kind)


@cache
def own_spec(package: str) -> Spec:
    """Import the specification of an experiment of the user's own.

    Args:
        package: dotted name of its folder; the `__init__` defines `SPEC`.

    Returns:
        The specification, with its folder.

    Raises:
        ValueError: if it cannot be imported, is none, or has the name of another one.
    """
    try:
        spec = getattr(import_module(package), "SPEC", None)
    except Exception as error:
        raise ValueError(f"importing {package} failed, {described(error)}; fix it") from error
    if not isinstance(spec, Spec):
        raise ValueError(
            f"expected SPEC in {package}, a Spec of explaind.experiments.spec, got {spec!r};"
            " define it"
        )
    if spec.name in SPECS or not spec.name.isidentifier():
        raise ValueError(
            f"expected a name in the SPEC of {package} that is a word and not taken, got"
            f" {spec.name!r}; rename it"
        )
    return replace(spec, package=package)
