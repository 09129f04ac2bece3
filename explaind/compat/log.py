"""What the wrappers of the published package have in common: a list with an entry per step."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch

from explaind.errors import RecordingError, StoreError
from explaind.files import replacing


class Log:
    """Entries by step, in memory; in the format of the published package when saved.

    Args:
        path: the file; None = it is not to be saved.
        overwrite: begin anew where there is a file; otherwise its entries are read.
        given: entries to go by in place of those of the file.

    Attributes:
        entries: one for each step, and one before the first for models and optimizers.
        loaded: whether they were read.
    """

    def __init__(
        self,
        path: str | Path | None,
        overwrite: bool,
        given: list[dict[str, Any]] | None = None,
    ) -> None:
        self.path = None if path is None else Path(path)
        self.entries = [] if given is None else given
        self.loaded = False
        if given is None and self.path is not None and self.path.is_file() and not overwrite:
            self.loaded = True
            self.entries = torch.load(self.path, map_location="cpu", weights_only=True)

    def append(self, entry: dict[str, Any]) -> None:
        """Add an entry.

        Args:
            entry: values by name.

        Raises:
            RecordingError: if the entries before are those of another training.
        """
        if self.loaded:
            raise RecordingError(
                f"The entries in {self.path} are those of a finished training. Expected a new log:"
                " pass overwrite=True, or another checkpoint_path."
            )
        self.entries.append(entry)

    def save(self) -> None:
        """Write the entries.

        Raises:
            StoreError: if no file was named.
        """
        if self.path is None:
            raise StoreError("save_checkpoints: expected a checkpoint_path, got None. Pass one.")
        with replacing(self.path) as temporary:
            torch.save(self.entries, temporary)


def check_options(kind: str, options: Mapping[str, Any], unneeded: Collection[str]) -> None:
    """Refuse options that the published class does not have; those without a meaning here pass.

    Args:
        kind: name of the class.
        options: what it was given.
        unneeded: options of the published class that change no number here.

    Raises:
        TypeError: naming those that are unknown.
    """
    unknown = sorted(options.keys() - set(unneeded))
    if unknown:
        raise TypeError(
            f"{kind} got unexpected options {unknown}. See docs/migration.md for those that it has."
        )
