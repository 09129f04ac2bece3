"""Errors that a user can fix; the command line shows their message without a traceback.

Each class also inherits from the builtin it specialises, so that callers may catch either.
"""

from pathlib import Path


class ExplaindError(Exception):
    """Base of all errors raised on purpose; its message says what was expected and what to do."""


class ConfigError(ExplaindError, ValueError):
    """A config file has an unknown key, a value out of range or a dangling reference."""


class DataError(ExplaindError, ValueError):
    """A dataset cannot be used: missing, damaged, of another layout, or not to be downloaded."""


class StoreError(ExplaindError, OSError):
    """A store is missing, unsealed, truncated or was written by another version or config."""


class PlanError(ExplaindError, MemoryError):
    """The memory given cannot hold what is asked for."""


class RecordingError(ExplaindError, RuntimeError):
    """The training path cannot be recorded faithfully, e.g. a NaN loss or changed weights."""


class UnsupportedError(ExplaindError, NotImplementedError):
    """A model, optimizer or loss that the path kernel does not cover."""


class DamagedStoreError(StoreError):
    """A sealed store is not as it was sealed: a chunk is corrupted or gone.

    Args:
        message: what is damaged and how to make it again.
        store: folder of the store.
    """

    def __init__(self, message: str, store: Path) -> None:
        super().__init__(message)
        self.store = store


class DiskFullError(ExplaindError, OSError):
    """There is no room to write a file."""
