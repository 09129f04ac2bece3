"""Text in several groups (languages, say), divided in parts that all groups have.

Parts are held out for all groups alike, so that held-out text is parallel where the parts are
translations of each other. Training samples are crops of the other parts, as many of each group;
a held-out sample is all passages of one group.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from explaind.choices import IGNORED
from explaind.config.dataset import TextDataset
from explaind.data.text.embedded import embedded_text
from explaind.data.text.tokens import Tokens, byte_pairs, single_bytes
from explaind.errors import DataError

LEAST_GROUPS = 2

Parts = dict[int, bytes]


@dataclass(frozen=True)
class Text:
    """Text by group and part.

    Attributes:
        groups: the parts of every group, by number.
        provenance: where it comes from.
    """

    groups: dict[str, Parts]
    provenance: str


def text_dataset(settings: TextDataset, root: Path) -> xr.Dataset:
    """Read the text and cut it.

    Text with too few groups or parts is refused (`DataError`), and so is a file of another form.

    Args:
        settings: source, split and crops.
        root: folder that a relative path starts at.

    Returns:
        `x_train` `[train, 1, position]`, `x_validation` `[validation, passage, position]` and what
        follows each token, `y_train` and `y_validation`; `group_train` and `part_train`, `[train]`,
        the group and part of each crop. Sample `i` is of group `i % groups`.
    """
    text = _chosen(_read(settings, root), settings)
    names, parts = list(text.groups), sorted(next(iter(text.groups.values())))
    generator = np.random.default_rng(settings.seed)
    held_out = sorted(generator.permutation(parts)[: settings.held_out_parts].tolist())
    tokens = _tokens(text, held_out, settings)
    encoded = {
        name: {part: tokens.encode(written) for part, written in of_group.items()}
        for name, of_group in text.groups.items()
    }
    crops, origin = [], []
    for _ in range(settings.crops):
        for number, name in enumerate(names):
            kept = {p: t for p, t in encoded[name].items() if p not in held_out}
            part = _drawn(kept, generator)
            start = int(generator.integers(max(1, len(kept[part]) - settings.context)))
            crops.append(_passage(kept[part][start:], settings.context))
            origin.append((number, part))
    passages = [
        [
            _passage(encoded[name][part][start:], settings.context)
            for part, start in _places(held_out, settings)
        ]
        for name in names
    ]
    x_train, y_train = np.stack(crops)[:, :, None].transpose(1, 0, 2, 3)
    x_validation, y_validation = np.moveaxis(np.array(passages), 2, 0)
    group, part = np.array(origin).T
    train, held = ("train", "passage_of_crop", "position"), ("validation", "passage", "position")
    return xr.Dataset(
        {
            "x_train": (train, x_train, _described("tokens of a crop")),
            "y_train": (train, y_train, _described("what follows each; -100 = nothing")),
            "x_validation": (held, x_validation, _described("tokens of held-out passages")),
            "y_validation": (held, y_validation, _described("what follows each; -100 = nothing")),
            "group_train": (("train",), group, _described("group of the crop")),
            "part_train": (("train",), part, _described("part of the crop")),
        },
        attrs={
            "kind": "text",
            "classes": len(tokens.vocabulary),
            "vocabulary": [token.decode("latin-1") for token in tokens.vocabulary],
            "groups": names,
            "held_out_parts": held_out,
            "provenance": text.provenance,
        },
    )


def _read(settings: TextDataset, root: Path) -> Text:
    if settings.path is None:
        return Text(*embedded_text())
    path, groups = Path(root, settings.path), dict[str, Parts]()
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: expected a .jsonl file in UTF-8, got: {error}") from error
    for number, line in enumerate(filter(str.strip, lines), 1):
        group, part, text = _entry(path, number, line, settings.key)
        groups.setdefault(group, {})[part] = text
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    return Text(groups, f"{path.name}, given by the user, SHA-256 {checksum}")


def _entry(path: Path, number: int, line: str, key: str) -> tuple[str, int, bytes]:
    """The group, part and text of a line of the file."""
    wanted = f'{{"{key}": "...", "part": 0, "text": "..."}}'
    try:
        entry = json.loads(line)
        group, part, text = entry[key], entry["part"], entry["text"]
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"{path}, line {number}: expected {wanted}, got: {error!r}.") from error
    if not (isinstance(group, str) and type(part) is int and isinstance(text, str) and text):
        raise DataError(f"{path}, line {number}: expected {wanted}, got {line[:80]!r}.")
    return group, part, text.encode()


def _chosen(text: Text, settings: TextDataset) -> Text:
    """The groups asked for, with the parts that all of them have."""
    names = settings.groups or tuple(text.groups)
    missing = sorted(set(names) - set(text.groups))
    if missing:
        raise DataError(
            f"groups: expected some of {sorted(text.groups)}, got {missing}; correct them."
        )
    shared = set.intersection(*(set(text.groups[name]) for name in names))
    if len(names) < LEAST_GROUPS or len(shared) <= settings.held_out_parts:
        raise DataError(
            f"expected at least {LEAST_GROUPS} groups that share more than"
            f" {settings.held_out_parts} parts (those held out), got {len(names)} groups and"
            f" {len(shared)} shared parts; lower held_out_parts or choose other groups."
        )
    chosen = {name: {part: text.groups[name][part] for part in sorted(shared)} for name in names}
    return Text(chosen, text.provenance)


def _tokens(text: Text, held_out: list[int], settings: TextDataset) -> Tokens:
    """How the text is cut into tokens: learned, if at all, on what is trained on."""
    if settings.byte_pairs is None:
        return single_bytes()
    trained = (
        written
        for parts in text.groups.values()
        for part, written in parts.items()
        if part not in held_out
    )
    return byte_pairs(trained, settings.byte_pairs)


def _drawn(parts: Mapping[int, np.ndarray], generator: np.random.Generator) -> int:
    """A part, by its length."""
    lengths = np.array([len(text) for text in parts.values()])
    return int(generator.choice(list(parts), p=lengths / lengths.sum()))


def _places(held_out: list[int], settings: TextDataset) -> list[tuple[int, int]]:
    """Part and first token of each held-out passage: the beginnings first, then what follows."""
    rounds = range(-(-settings.passages // len(held_out)))
    places = [(part, turn * settings.context) for turn in rounds for part in held_out]
    return places[: settings.passages]


def _passage(text: np.ndarray, context: int) -> np.ndarray:
    """The tokens of a passage and those that follow each, `[2, position]`."""
    tokens = text[: context + 1]
    x, y = np.zeros(context, np.int64), np.full(context, IGNORED, np.int64)
    x[: len(tokens[:context])] = tokens[:context]
    y[: max(0, len(tokens) - 1)] = tokens[1:]
    return np.stack([x, y])


def _described(description: str) -> dict[str, str]:
    return {"units": "1", "description": description}
