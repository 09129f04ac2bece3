"""What a result was made with, as far as that can be told from within."""

import platform
import subprocess
from pathlib import Path

import torch

PACKAGE = Path(__file__).parent


def provenance(device: torch.device) -> dict[str, str | None]:
    """Say what this process computes with.

    Args:
        device: what computes.

    Returns:
        Versions of Python and torch, the name of the device, and the commit of this package: None
        if it does not run from a checkout, with `-dirty` at its end if the checkout was edited.
    """
    gpu = device.type == "cuda"
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name(device) if gpu else f"cpu ({platform.machine()})",
        "commit": _commit(),
    }


def _commit() -> str | None:
    # A package that was installed below the checkout of something else is no part of that.
    tracked = _git("ls-files", "--error-unmatch", Path(__file__).name)
    return _git("describe", "--always", "--dirty", "--abbrev=12") if tracked else None


def _git(*arguments: str) -> str | None:
    """What git says in the folder of this package; None if there is no git or no repository."""
    try:
        done = subprocess.run(
            ["git", "-C", str(PACKAGE), *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
