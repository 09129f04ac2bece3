"""Typed config: what may be written in ``config/*.yaml``, how it is read and who uses what."""

from explaind.config.load import load_config
from explaind.config.schema import Config
from explaind.config.stages import stage_config

__all__ = ["Config", "load_config", "stage_config"]
