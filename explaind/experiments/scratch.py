"""A folder for the trainings of an experiment, which are needed only until its table is made."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from explaind.store import only_writer


@contextmanager
def scratch_folder(table: Path) -> Iterator[Path]:
    """Give a folder beside the table of an experiment; it is gone after the block.

    Args:
        table: where the experiment writes what it found.

    Yields:
        The folder, which does not exist yet. What a killed process left there is removed first:
        an experiment never goes on with the trainings of an earlier one.

    Raises:
        StoreError: if another process is at this experiment.
    """
    folder = table.with_name(f".{table.stem}.scratch")
    with only_writer(folder):
        shutil.rmtree(folder, ignore_errors=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
