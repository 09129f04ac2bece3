"""What all config sections share: no unknown keys, no changes after loading, finite numbers."""

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from explaind.own_code import check_reference


def _check_name(name: str) -> str:
    if not re.fullmatch("[A-Za-z0-9][A-Za-z0-9_-]*", name):
        raise ValueError(f"expected a name of letters, digits, - and _, got {name!r}; rename it")
    return name


# Names become folders and Snakemake wildcards.
Name = Annotated[str, AfterValidator(_check_name)]

# A function or class of the user's own, `package.module:name`.
Reference = Annotated[str, AfterValidator(check_reference)]

OWN = "package.module:name"
"""Tag of the sections whose `kind` is a reference; messages show it among the known kinds."""

# Positions in a dataset.
Index = Annotated[int, Field(ge=0)]

Device = Literal["auto", "cpu", "cuda"]


class Section(BaseModel):
    """One section of the config; an unknown key is an error that suggests the nearest known one."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _name_unknown_keys(cls, section: object) -> object:
        known = list(cls.model_fields)
        given = section if isinstance(section, Mapping) else {}
        unknown = [str(key) for key in given if key not in known]
        if unknown:
            hints = [_suggest(key, known) for key in unknown]
            named = {"hints": hints, "known": ", ".join(known)}
            raise PydanticCustomError("unknown_key", "unknown key", named)
        return section


class OwnSection(Section):
    """A section whose `kind` names a function of the user's own; other keys are its arguments."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    kind: Reference

    @model_validator(mode="before")
    @classmethod
    def _name_unknown_keys(cls, section: object) -> object:
        return section  # any key may be an argument

    @property
    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the function by name."""
        return dict(self.model_extra or {})


def canonical(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the values sorted, each once: where order means nothing it must rerun nothing."""
    return tuple(sorted(set(values)))


def kind_or(default: str) -> Callable[[object], str]:
    """Return the discriminator of a section of several kinds; without `kind` it is the default."""

    def tag(section: object) -> str:
        of_mapping = section.get if isinstance(section, Mapping) else partial(getattr, section)
        given = of_mapping("kind", default)
        return OWN if ":" in str(given) else str(given)

    return tag


def _suggest(key: str, known: list[str]) -> str:
    near = get_close_matches(key, known, n=1)
    return f"unknown key {key!r}" + (f", did you mean {near[0]!r}?" if near else "")
