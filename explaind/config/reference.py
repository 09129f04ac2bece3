"""The table of all config keys, made from the schema.

`python -m explaind.config.reference > config/README.md` writes it anew.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

from explaind.config.schema import Config

Schema = dict[str, Any]

INTRODUCTION = """\
# Configuration

<!-- Made from the schema: python -m explaind.config.reference > config/README.md -->

| file | case |
|---|---|
| `config.yaml` | the default: minutes on two cores |
| `paper.yaml` | the scale of the paper: a GPU or many cores |
| `grokking-cpu.yaml` | the grokking study at p = 113 on two cores: 46 minutes |
| `cifar2-cpu.yaml` | cats and dogs of CIFAR-10 on two cores: about 35 minutes, and a download |
| `labelfree-cpu.yaml` | the label-free study on real images on two cores, from files |
| `labelfree-paper.yaml` | the same as published: a GPU or a cluster, and a download |
| `tiny.yaml` | the case of the tests: seconds |

Lay your own keys over `config.yaml`, only those that differ:

    snakemake --configfile config/paper.yaml -- all
    snakemake --config 'runs={grokking: {epk: {intervals: 20}}}' -- all

The `--` ends the list of files or values, which both options take. `explaind train --config
mine.yaml` and the other commands lay files over `config/config.yaml` as well.

A section that changes its `kind` is replaced as a whole, so an optimizer that becomes `sgd` does
not inherit the keys of `adamw`. A dataset, run, encoder or experiment that is `null` is removed,
with all that is made of it; `encoders: null` removes all of them. An entry of `experiments` without
a `kind` is of the kind it is named like; its page, if it has one, is `results/figures/<name>.html`.
Changing a key reruns the stages that use it and what follows; comments and the order of keys rerun
nothing. The complete config of the last run is written to `results/config.json`.

With `defaults: false` a config stands alone: nothing of `config.yaml` is run, and keys that are
missing have the defaults below. For instance, a run of your own and two pages about it:

```yaml
defaults: false
datasets:
  modulo:
    p: 31
runs:
  mine:
    dataset: modulo
    training:
      max_steps: 400
experiments:
  training:
    run: mine
  epk_validation:
    run: mine
```

Numbers like `1.0e-3` need the dot. `null` means what the meaning says.
"""


def reference() -> str:
    """Return the reference as Markdown."""
    schema = Config.model_json_schema()
    return "\n".join([INTRODUCTION, *_section("", schema, schema["$defs"])])


def _section(path: str, section: Schema, definitions: Schema) -> Iterator[str]:
    """Lines on one section and, after it, on the sections below it."""
    properties = section["properties"]
    own = {key: value for key, value in properties.items() if not _below(path, key, value)}
    if own:
        kind = own.pop("kind", None)
        yield (f"## `{path}`" if path else "## Top level") + (
            f", kind {_kind(kind)}" if kind else ""
        )
        yield f"\n{section['description']}\n"
        yield "| key | value | default | meaning |\n|---|---|---|---|"
        yield from (_row(key, value) for key, value in own.items())
        yield ""
    for key, value in properties.items():
        for below, name in _below(path, key, value):
            yield from _section(below, definitions[name], definitions)


def _kind(kind: Schema) -> str:
    return f"`{kind['const']}`" if "const" in kind else "of your own"


def _below(path: str, key: str, value: Schema) -> list[tuple[str, str]]:
    """Path and definition of the sections that a key stands for; none for a plain value."""
    path = f"{path}.{key}".lstrip(".")
    if "additionalProperties" in value:
        path, value = f"{path}.<name>", value["additionalProperties"]
    choices = value.get("oneOf", [value])
    return [(path, choice["$ref"].rpartition("/")[2]) for choice in choices if "$ref" in choice]


def _row(key: str, value: Schema) -> str:
    default = f"`{json.dumps(value['default'])}`" if "default" in value else "none: must be given"
    default = default.replace('`"', "`").replace('"`', "`")
    return f"| `{key}` | {_value(value)} | {default} | {value['description']} |"


def _value(value: Schema) -> str:
    """What may be written, in words."""
    if "anyOf" in value:
        return " or ".join(_value(choice) for choice in value["anyOf"])
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return ", ".join(f"`{choice}`" for choice in value["enum"])
    if value["type"] == "array":
        items = value.get("prefixItems") or [value["items"]]
        return f"list of {len(items) if 'prefixItems' in value else 'any'}: {_value(items[0])}"
    words = {"boolean": "true, false", "string": "text"}
    return words.get(value["type"], str(value["type"])) + _bounds(value)


def _bounds(value: Schema) -> str:
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    found = [f"{sign} {value[name]}" for name, sign in signs.items() if name in value]
    return f" {', '.join(found)}" if found else ""


if __name__ == "__main__":
    sys.stdout.write(reference())
